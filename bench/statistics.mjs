// Lets a node of a benchmark look at the shared memory of its own flow: a bundle of VideoFlow's readers of it, made for the run.
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { ROOT } from "./measure.mjs";

const SOURCE = `
import { readFileSync } from "node:fs";
import koffi from "koffi";
import { itemOffset } from "./src/transport/codec.ts";
import { openControl, poolPath } from "./src/transport/files.ts";
import { TASK } from "./src/transport/layout.ts";
import { openFlowStats, readPlan } from "./src/transport/memory.ts";
import { PoolMapping } from "./src/transport/pool.ts";
import { referenceSlot } from "./src/transport/words.ts";

const maps = () => readFileSync("/proc/self/maps", "utf8");
const flowDir = () => /\\s(\\/\\S+)\\/control$/m.exec(maps())[1];

/** Bytes that all tasks of the flow copied. */
export function copiedBytes() {
  const dir = flowDir();
  return openFlowStats(dir, readPlan(dir)).tasks().reduce((sum, task) => sum + task.copiedBytes, 0);
}

/** For the first task of a node: where the item of its last message lies, as its redo record says; bytes from the start of its pool file. */
export function writtenOffsets(node) {
  const dir = flowDir();
  const { i32, layout } = openControl(dir, readPlan(dir));
  const [task] = layout.nodes.find(({ plan }) => plan.name === node).tasks;
  const pool = new PoolMapping(poolPath(dir, node, 0), task, false);
  return () => itemOffset(pool, referenceSlot(i32[task.region + TASK.redoHead]));
}

const identity = koffi.load(null).func("uintptr_t memmove(void *to, void *from, size_t none)");
const starts = new WeakMap();

/** Where the bytes of a view lie in the file that is mapped there, as the kernel says: { path, offset }. */
export function placeOf(view) {
  let start = starts.get(view.buffer);
  if (start === undefined) {
    start = startOf(new Uint8Array(view.buffer));
    starts.set(view.buffer, start);
  }
  return { path: start.path, offset: start.offset + view.byteOffset };
}

function startOf(bytes) {
  const address = BigInt(identity(bytes, bytes, 0));
  for (const line of maps().split("\\n")) {
    const [, from, to, offset, path] = /^([0-9a-f]+)-([0-9a-f]+) \\S+ ([0-9a-f]+) \\S+ \\S+\\s*(.*)$/.exec(line) ?? [];
    if (from === undefined || address < BigInt("0x" + from) || address >= BigInt("0x" + to)) continue;
    return { path, offset: Number(BigInt("0x" + offset) + address - BigInt("0x" + from)) };
  }
  throw new Error("memory that is not mapped");
}
`;

/** Calls `use` with the path of a module that exports the functions above. */
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
