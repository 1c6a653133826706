// What the machine can do without VideoFlow, measured beside it in the same run.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { quietEnvironment, ROOT, runCommand, withFolder } from "./measure.mjs";

const SHM = "/dev/shm";
const program = (name, ...args) => runCommand(process.execPath, [join(ROOT, "bench", name), ...args.map(String)]);

/** Copies per second from private to shared memory in one process. */
export function memcpyPerSecond(bytes, count) {
  return withFolder(async (folder) => Number(await program("bare-memcpy.mjs", join(folder, "memory"), bytes, count)), SHM);
}

/** 100-byte messages per second through a bare ring between two processes. */
export function ringPerSecond(count) {
  return withFolder(async (folder) => {
    const file = join(folder, "ring");
    const read = program("bare-ring.mjs", "read", file, count);
    await program("bare-ring.mjs", "write", file, count);
    return Number(await read);
  }, SHM);
}

/** Median of what the stage's wait really takes, in milliseconds. */
export async function stageMs(wantedMs, count) {
  return Number(await program("bare-stage.mjs", wantedMs, count));
}

/** Latencies of 100-byte messages through a Unix socket, in microseconds; the first `warm` messages are not among them. */
export function socketUs(warm, count, perSecond) {
  return withFolder(async (folder) => {
    const args = [join(folder, "socket"), warm, count, perSecond];
    const read = await startReader(args);
    await program("bare-socket.mjs", "write", ...args);
    return JSON.parse(await read.printed);
  });
}

/** Resolves when the reader listens. */
function startReader(args) {
  const stdio = ["ignore", "pipe", "pipe"];
  const child = spawn(process.execPath, [join(ROOT, "bench/bare-socket.mjs"), "read", ...args.map(String)], {
    env: quietEnvironment(),
    stdio,
  });
  let out = "";
  child.stdout.on("data", (chunk) => {
    out += chunk;
  });
  const printed = new Promise((resolve) => child.on("close", () => resolve(out)));
  return new Promise((resolve) => child.stderr.once("data", () => resolve({ printed })));
}
