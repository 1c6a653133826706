/**
 * Time comes in through this door; only src/main and the shells open it on the real clock.
 * Decisions use the boot clock, which does not jump when somebody sets the wall clock.
 */
import { readFileSync } from "node:fs";

export interface Clock {
  /** Milliseconds since boot; monotonic, never adjusted. */
  nowMs(): number;
  /** Wall time in epoch milliseconds, for people and event times only. */
  wallMs(): number;
}

/**
 * Milliseconds since boot, the time during which the machine slept included (CLOCK_BOOTTIME, in steps of 10 ms): for what
 * another machine waits for as well.
 */
export function bootTimeMs(): number {
  return Math.round(Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]) * 1_000);
}

/** The clock of this machine. */
export const REAL_CLOCK: Clock = {
  nowMs: () => Number(process.hrtime.bigint() / 1_000_000n),
  wallMs: () => Date.now(),
};
