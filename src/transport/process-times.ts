/** How long user code took: a histogram per task in shared memory, one addition per call. Bounds are powers of two, in microseconds. */
import type { TaskContext } from "./context.js";
import { PROCESS_BUCKETS, TASK } from "./layout.js";

/** Upper bound of each bucket in microseconds, inclusive: 1, 2, 4, … 2^30, and Infinity. */
export const PROCESS_BOUNDS_US: readonly number[] = Array.from({ length: PROCESS_BUCKETS }, (_, bucket) =>
  bucket === PROCESS_BUCKETS - 1 ? Number.POSITIVE_INFINITY : 2 ** bucket,
);
const LONGEST_US = 2 ** (PROCESS_BUCKETS - 1);

/** @returns index of the first bound that is not below the time. */
export function processBucket(us: number): number {
  return us <= 1 ? 0 : 32 - Math.clz32(Math.min(Math.ceil(us), LONGEST_US) - 1);
}

/** Counts a call that has returned. Only the task itself writes its histogram; a death loses one call at most. */
export function countProcessTime({ f64, region }: TaskContext, us: number): void {
  const at = (region + TASK.processTimesF64) / 2 + processBucket(us);
  f64[at] = (f64[at] as number) + 1;
}

/** Calls per bucket, in the order of {@link PROCESS_BOUNDS_US}; each call in one bucket. */
export function readProcessTimes(f64: Float64Array, region: number): number[] {
  const at = (region + TASK.processTimesF64) / 2;
  return [...f64.subarray(at, at + PROCESS_BUCKETS)];
}
