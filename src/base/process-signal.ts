/**
 * The few system calls about processes that Node does not offer: verified signals, subreaper, parent death, wait, scheduling.
 * Knows the kernel; must not know which processes deserve a signal.
 */
import { constants } from "node:os";
import { foreign } from "./foreign.js";
import { isDead, type ProcessIdentity, readBootId, readStat } from "./process-identity.js";

const SYS_PIDFD_SEND_SIGNAL = 424; // The same on x86-64 and arm64.
const SYS_PIDFD_OPEN = 434;
const PR_SET_PDEATHSIG = 1;
const PR_SET_CHILD_SUBREAPER = 36;
const WNOHANG = 1;
const SCHED_BATCH = 3;

type Signal = NodeJS.Signals;

/** What became of a signal. `gone`: nobody of this identity lives. `denied`: it lives and may not be signalled. */
export type SignalOutcome = "sent" | "gone" | "denied";

interface Kernel {
  prctl(option: number, value: number): number;
  waitpid(pid: number, options: number): number;
  pidfdOpen(pid: number): number;
  pidfdSend(fd: number, signal: number): number;
  close(fd: number): number;
  setScheduler(policy: number, priority: Int32Array): number;
}

let kernel: Kernel | undefined;

function loadKernel(): Kernel {
  if (kernel !== undefined) return kernel;
  const libc = foreign().load("libc.so.6");
  const prctl = libc.func("int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)");
  const waitpid = libc.func("int waitpid(int, void *, int)");
  const syscall = libc.func("long syscall(long, long, long, long, long)");
  const close = libc.func("int close(int)");
  const setScheduler = libc.func("int sched_setscheduler(int, int, const int *)");
  kernel = {
    prctl: (option, value) => prctl(option, value, 0, 0, 0) as number,
    waitpid: (pid, options) => waitpid(pid, null, options) as number,
    pidfdOpen: (pid) => Number(syscall(SYS_PIDFD_OPEN, pid, 0, 0, 0)),
    pidfdSend: (fd, signal) => Number(syscall(SYS_PIDFD_SEND_SIGNAL, fd, signal, 0, 0)),
    close: (fd) => close(fd) as number,
    setScheduler: (policy, priority) => setScheduler(0, policy, priority) as number,
  };
  return kernel;
}

/**
 * Sends a signal to exactly this process, never to a later owner of its pid: opens a pidfd, compares boot and start time,
 * signals through the pidfd. A kernel without pidfd gets kill() right after the comparison.
 */
export function signalProcess(identity: ProcessIdentity, signal: Signal): SignalOutcome {
  if (!isStill(identity)) return "gone";
  const { pidfdOpen, pidfdSend, close } = loadKernel();
  const fd = pidfdOpen(identity.pid);
  if (fd < 0) return isStill(identity) ? killByPid(identity.pid, signal) : "gone";
  try {
    if (!isStill(identity)) return "gone";
    if (pidfdSend(fd, constants.signals[signal]) === 0) return "sent";
    return isStill(identity) ? "denied" : "gone";
  } finally {
    close(fd);
  }
}

function isStill({ bootId, pid, startTime }: ProcessIdentity): boolean {
  if (bootId !== readBootId()) return false;
  const stat = readStat(pid);
  return stat !== undefined && stat.startTime === startTime && !isDead(stat);
}

function killByPid(pid: number, signal: Signal): SignalOutcome {
  try {
    process.kill(pid, signal);
    return "sent";
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH" ? "gone" : "denied";
  }
}

/** Orphans among the descendants of this process become its children instead of init's. @returns whether the kernel agreed. */
export function becomeSubreaper(): boolean {
  return loadKernel().prctl(PR_SET_CHILD_SUBREAPER, 1) === 0;
}

/**
 * Has the kernel kill this process when its parent dies; ends at once if the parent is already another than expected.
 * A worker calls it first of all.
 *
 * @param parentPid who the parent must be; absent: the parent at the time of the call, so an earlier death is not noticed.
 */
export function armParentDeath(parentPid = process.ppid): void {
  loadKernel().prctl(PR_SET_PDEATHSIG, constants.signals.SIGKILL);
  if (process.ppid !== parentPid) process.kill(process.pid, "SIGKILL");
}

/** From now on this thread, when it wakes, waits for its turn instead of taking the processor from whoever runs. @returns whether the kernel agreed. */
export function waitForTurn(): boolean {
  return loadKernel().setScheduler(SCHED_BATCH, new Int32Array(1)) === 0;
}

/** Reaps one dead child that Node did not start. @returns whether it was reaped. */
export function reapChild(pid: number): boolean {
  return loadKernel().waitpid(pid, WNOHANG) === pid;
}
