/** One owner per store: an advisory lock that the kernel gives free when its process dies, however it dies. */
import { ftruncateSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import koffi from "koffi";
import { OperatorError } from "../../base/errors.js";

const O_RDWR = 2;
const O_CREAT = 0o100;
const O_CLOEXEC = 0o2000000;
const LOCK_EXCLUSIVE_NOW = 2 | 4;

export interface Lock {
  release(): void;
}

const libc = koffi.load(null);
const openFile = libc.func("int open(const char *path, int flags, int mode)") as (path: string, flags: number, mode: number) => number;
const flock = libc.func("int flock(int fd, int operation)") as (fd: number, operation: number) => number;
const closeFile = libc.func("int close(int fd)") as (fd: number) => number;

/** @throws OperatorError STORE_LOCKED with the pid of the owner. */
export function lockFolder(path: string): Lock {
  const file = join(path, "owner.pid");
  const fd = openFile(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o600);
  if (fd < 0) throw new Error(`cannot open ${file}: errno ${koffi.errno()}. Make the folder writable for this user.`);
  if (flock(fd, LOCK_EXCLUSIVE_NOW) !== 0) {
    closeFile(fd);
    throw new OperatorError("STORE_LOCKED", { path, pid: Number(readFileSync(file, "utf8").trim()) });
  }
  ftruncateSync(fd);
  writeSync(fd, `${process.pid}\n`, 0);
  return { release: () => void closeFile(fd) };
}
