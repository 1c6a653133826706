/** Measurements that many ask for and nobody may wait for: a provider's program may take seconds, or hang. */
import { type DeviceReadings, NO_READINGS } from "./provider.js";

/** Within this time all get the same measurement. */
const FRESH_MS = 1_000;
/** Who asks waits this long at most, and then gets what was measured last, if it is not old. */
const PATIENCE_MS = 1_000;
/** Older measurements are not told any more: a program that hangs must not look like a device at rest. */
const OLD_MS = 15_000;

/** @param nowMs of a monotonic clock. @returns a function that never throws. */
export function recentReadings(measure: () => Promise<DeviceReadings>, nowMs: () => number): () => Promise<DeviceReadings> {
  let last: { readonly atMs: number; readonly readings: DeviceReadings } | undefined;
  let running: Promise<void> | undefined;
  const begin = () => {
    running ??= measure()
      .then((readings) => {
        last = { atMs: nowMs(), readings };
      })
      .catch(() => {}) // What is not measured is not told.
      .finally(() => {
        running = undefined;
      });
    return running;
  };
  return async () => {
    if (last === undefined || nowMs() - last.atMs > FRESH_MS) await Promise.race([begin(), patience()]);
    return last === undefined || nowMs() - last.atMs > OLD_MS ? NO_READINGS : last.readings;
  };
}

function patience(): Promise<void> {
  return new Promise((resume) => setTimeout(resume, PATIENCE_MS).unref());
}
