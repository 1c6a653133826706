/** Timers come in through this door, so that the simulation can turn the clock by hand. */

export type Cancel = () => void;

export interface Scheduler {
  /** Calls `action` once after `delayMs`; never inside this call. */
  after(delayMs: number, action: () => void): Cancel;
}

/** The timers of this process. */
export const REAL_SCHEDULER: Scheduler = {
  after(delayMs, action) {
    if (delayMs <= 0) {
      const immediate = setImmediate(action);
      return () => clearImmediate(immediate);
    }
    const timer = setTimeout(action, delayMs);
    return () => clearTimeout(timer);
  },
};
