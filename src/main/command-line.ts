/** The command line with its real surroundings: streams, environment, engine. */
import { once } from "node:events";
import type { WriteStream } from "node:tty";
import packageJson from "../../package.json" with { type: "json" };
import { maskCredentials } from "../base/mask.js";
import { runCommandLine } from "../cli/program.js";
import type { Output, World } from "../cli/world.js";
import { ENGINE } from "./engine.js";

const DEFAULT_COLUMNS = 80;
const DEFAULT_ROWS = 24;

/** A stream of this process on which no credentials appear but in whole objects that were asked for. */
function maskedOutput(stream: NodeJS.WriteStream | WriteStream): Output {
  return {
    write: (text, how) => void stream.write(how === "exact" ? text : maskCredentials(text)),
    settled: async () => {
      if (stream.writableNeedDrain) await once(stream, "drain");
    },
    isTTY: stream.isTTY === true,
    get columns() {
      return stream.columns || DEFAULT_COLUMNS;
    },
    get rows() {
      return stream.rows || DEFAULT_ROWS;
    },
  };
}

const world: World = {
  out: maskedOutput(process.stdout),
  err: maskedOutput(process.stderr),
  env: process.env,
  cwd: process.cwd(),
  readInput: async () => {
    const chunks: Buffer[] = [];
    for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString("utf8");
  },
  version: packageJson.version, // Part of the bundle.
  engine: ENGINE,
};

// A closed pipe (videoflow … | head) is no failure.
for (const stream of [process.stdout, process.stderr])
  stream.on("error", (error: NodeJS.ErrnoException) => error.code === "EPIPE" && process.exit(0));

/** @returns the exit code. */
export function main(args: readonly string[]): Promise<number> {
  return runCommandLine(args, world);
}
