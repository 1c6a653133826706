/** What a promise of so many milliseconds is worth on the machine that runs the tests, as it is now. */
import { execFileSync } from "node:child_process";

/** So long a bare Node takes to start where the promise holds as it is written. */
const BARE_NODE_MS = 150;

/** @returns the promised time, stretched where processes get their turn later. Ask before the time runs. */
export function atPace(promisedMs: number): number {
  const beganMs = performance.now();
  execFileSync(process.execPath, ["-e", "0"], { env: {} });
  return promisedMs * Math.max(1, (performance.now() - beganMs) / BARE_NODE_MS);
}
