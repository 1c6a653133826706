// Lets a node of a benchmark read the statistics of its own flow: a bundle of VideoFlow's reader of them, made for the run.
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { ROOT } from "./measure.mjs";

const SOURCE = `
import { readFileSync } from "node:fs";
import { openFlowStats, readPlan } from "./src/transport/memory.ts";

export function copiedBytes() {
  const [, dir] = /\\s(\\/\\S+)\\/control$/m.exec(readFileSync("/proc/self/maps", "utf8"));
  return openFlowStats(dir, readPlan(dir)).tasks().reduce((sum, task) => sum + task.copiedBytes, 0);
}
`;

/** Calls `use` with the path of a module that exports copiedBytes(): bytes that all tasks of the flow copied. */
export async function withStatistics(use) {
  const outfile = join(ROOT, "out", `bench-statistics-${process.pid}.mjs`);
  mkdirSync(join(ROOT, "out"), { recursive: true });
  const stdin = { contents: SOURCE, resolveDir: ROOT, loader: "ts" };
  await build({ stdin, outfile, bundle: true, format: "esm", platform: "node", external: ["koffi"], logLevel: "error" });
  try {
    return await use(outfile);
  } finally {
    rmSync(outfile);
  }
}
