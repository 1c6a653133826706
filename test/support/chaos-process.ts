/** A process held by a descriptor: verified once, signalled later within microseconds, never a later owner of its pid. */
import { createRequire } from "node:module";
import { constants } from "node:os";
import { isAlive, type ProcessIdentity, readStat } from "../../src/base/process-identity.js";

const SYS_PIDFD_SEND_SIGNAL = 424;
const SYS_PIDFD_OPEN = 434;
/** State of a process that SIGSTOP holds. */
const STOPPED = "T";

const koffi = createRequire(import.meta.url)("koffi") as typeof import("koffi");
const libc = koffi.load("libc.so.6");
const syscall = libc.func("long syscall(long, long, long, long, long)");
const closeFile = libc.func("int close(int)");

export interface HeldProcess {
  readonly identity: ProcessIdentity;
  /** @returns whether it was there to be killed. */
  kill(): boolean;
  /** From some moment on it does nothing more, which a busy machine may take a while to reach. */
  halt(): void;
  letGo(): void;
  look(): "halted" | "live" | "dead";
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
  const send = (signal: "SIGKILL" | "SIGSTOP" | "SIGCONT") =>
    Number(syscall(SYS_PIDFD_SEND_SIGNAL, fd, constants.signals[signal], 0, 0)) === 0;
  return {
    ...{ identity, release },
    kill: () => send("SIGKILL"),
    halt: () => void send("SIGSTOP"),
    letGo: () => void send("SIGCONT"),
    look: () => (!isAlive(identity) ? "dead" : readStat(identity.pid)?.state === STOPPED ? "halted" : "live"),
  };
}
