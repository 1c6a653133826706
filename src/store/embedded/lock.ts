/** One owner per store. */
import { join } from "node:path";
import { OperatorError } from "../../base/errors.js";
import { type FileLock, lockOwner, tryLock } from "../../base/file-lock.js";

/** @throws OperatorError STORE_LOCKED with the pid of the owner. */
export function lockFolder(path: string): FileLock {
  const file = join(path, "owner.pid");
  const lock = tryLock(file);
  if (lock === undefined) throw new OperatorError("STORE_LOCKED", { path, pid: lockOwner(file) });
  return lock;
}
