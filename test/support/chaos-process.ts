/** A process held by a descriptor: verified once, signalled later within microseconds, never a later owner of its pid. */
import { createRequire } from "node:module";
import { constants } from "node:os";
import { isAlive, type ProcessIdentity } from "../../src/base/process-identity.js";

const SYS_PIDFD_SEND_SIGNAL = 424;
const SYS_PIDFD_OPEN = 434;

const koffi = createRequire(import.meta.url)("koffi") as typeof import("koffi");
const libc = koffi.load("libc.so.6");
const syscall = libc.func("long syscall(long, long, long, long, long)");
const closeFile = libc.func("int close(int)");

export interface HeldProcess {
  readonly identity: ProcessIdentity;
  /** @returns whether it was there to be killed. */
  kill(): boolean;
  release(): void;
}

/** @returns undefined if nobody of this identity lives. */
export function holdProcess(identity: ProcessIdentity): HeldProcess | undefined {
  const fd = Number(syscall(SYS_PIDFD_OPEN, identity.pid, 0, 0, 0));
  const release = () => void closeFile(fd);
  if (fd < 0) return undefined;
  if (!isAlive(identity)) {
    release();
    return undefined;
  }
  return { identity, release, kill: () => Number(syscall(SYS_PIDFD_SEND_SIGNAL, fd, constants.signals.SIGKILL, 0, 0)) === 0 };
}
