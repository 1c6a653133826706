/** An advisory lock on a file that the kernel gives free when its process dies, however it dies. */
import { ftruncateSync, readFileSync, writeSync } from "node:fs";
import { foreign } from "./foreign.js";

const O_RDWR = 2;
const O_CREAT = 0o100;
const O_CLOEXEC = 0o2000000;
const LOCK_EXCLUSIVE_NOW = 2 | 4;

export interface FileLock {
  release(): void;
}

function loadLibc() {
  const koffi = foreign();
  const libc = koffi.load(null);
  return {
    open: libc.func("int open(const char *path, int flags, int mode)") as (path: string, flags: number, mode: number) => number,
    flock: libc.func("int flock(int fd, int operation)") as (fd: number, operation: number) => number,
    close: libc.func("int close(int fd)") as (fd: number) => number,
    errno: () => koffi.errno(),
  };
}

/**
 * Takes the lock if it is free, and writes the pid of this process into the file.
 *
 * @param file made if missing; its folder must exist.
 * @returns undefined if another process has it: see {@link lockOwner}.
 */
export function tryLock(file: string): FileLock | undefined {
  const libc = loadLibc();
  const fd = libc.open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o600);
  if (fd < 0) throw new Error(`cannot open ${file}: errno ${libc.errno()}. Make its folder writable for this user.`);
  if (libc.flock(fd, LOCK_EXCLUSIVE_NOW) !== 0) {
    libc.close(fd);
    return undefined;
  }
  ftruncateSync(fd);
  writeSync(fd, `${process.pid}\n`, 0);
  return { release: () => void libc.close(fd) };
}

/** @returns the pid that the last owner wrote. */
export function lockOwner(file: string): number {
  return Number(readFileSync(file, "utf8").trim());
}
