// What the benchmarks share: medians, child processes, temporary folders.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("..", import.meta.url));
export const CLI = join(ROOT, "dist/main/cli.js");

/** Environment without the certificates that Node would parse at every start. */
export function quietEnvironment() {
  const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env;
  return env;
}

/** @returns milliseconds of the monotonic clock, the same in every process of this machine. */
export function monotonicMs() {
  return Number(process.hrtime.bigint()) / 1e6;
}

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

/** @param fraction 0.99 for the value that 1 % of the values exceed. */
export function quantile(values, fraction) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))];
}

export function rounded(value, digits = 2) {
  return Number(value.toFixed(digits));
}

/** Runs a command to its end. @throws Error with its stderr if it fails. */
export function runCommand(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env: quietEnvironment(), stdio: ["ignore", "pipe", "pipe"], ...options });
    let out = "";
    let err = "";
    child.stdout.on("data", (chunk) => (out += chunk));
    child.stderr.on("data", (chunk) => (err += chunk));
    child.on("error", reject);
    child.on("close", (code) => (code === 0 ? resolve(out) : reject(new Error(`${command} ${args.join(" ")} ended with ${code}: ${err}`))));
  });
}

/** Calls `use` with a folder that is removed afterwards. */
export async function withFolder(use, parent = tmpdir()) {
  const folder = mkdtempSync(join(parent, "videoflow-bench-"));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Median wall time of `node -e 0`, in milliseconds. */
export async function bareNodeMs(runs) {
  const times = [];
  for (let i = 0; i < runs; i += 1) {
    const start = monotonicMs();
    await runCommand(process.execPath, ["-e", "0"]);
    times.push(monotonicMs() - start);
  }
  return median(times);
}
