/**
 * Looks whether the disk has room before the database is asked to write: it does not survive a write that fails in the middle
 * (what follows hangs), so it must not come to that.
 */
import { statfsSync } from "node:fs";
import { OperatorError } from "../../base/errors.js";

/** Far more than one write takes, so that others who fill the disk at the same time do no harm. */
export const RESERVE_BYTES = 4 * 1024 * 1024;

/** @param path of anything on the disk. @throws OperatorError STORE_FULL */
export function needSpace(path: string): void {
  const { bavail, bsize } = statfsSync(path);
  const freeBytes = bavail * bsize;
  if (freeBytes < RESERVE_BYTES) throw new OperatorError("STORE_FULL", { path, freeBytes, neededBytes: RESERVE_BYTES });
}
