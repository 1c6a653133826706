/**
 * Time comes in through this door; only src/main and the shells open it on the real clock.
 * Decisions use the boot clock, which does not jump when somebody sets the wall clock.
 */
export interface Clock {
  /** Milliseconds since boot; monotonic, never adjusted. */
  nowMs(): number;
  /** Wall time in epoch milliseconds, for people and event times only. */
  wallMs(): number;
}

/** The clock of this machine. */
export const REAL_CLOCK: Clock = {
  nowMs: () => Number(process.hrtime.bigint() / 1_000_000n),
  wallMs: () => Date.now(),
};
