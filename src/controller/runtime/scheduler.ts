/** Timers come in through this door, so that the simulation can turn the clock by hand. */

export type Cancel = () => void;

export interface Scheduler {
  /** Calls `action` once after `delayMs`; never inside this call. */
  after(delayMs: number, action: () => void): Cancel;
}
