/** What to do about one task. Pure: no I/O, clock or chance. */
import type { FlowTask, FlowTaskStatus } from "../api/kinds.js";
import type { KillReason } from "./exit.js";
import { type LiveProcess, type MemoryState, NEW_RECORD, type TaskRecord } from "./observed.js";
import { decideRestart } from "./restart.js";

export type SpawnReason = "Admitted" | "Restart";

export type TaskAction =
  | { readonly op: "spawn"; readonly why: SpawnReason }
  | { readonly op: "go" }
  | { readonly op: "stop"; readonly graceMs: number; readonly why: "Stopped" | "Deleted" }
  | { readonly op: "kill"; readonly why: KillReason };

export type Phase = NonNullable<FlowTaskStatus["phase"]>;

/** Where the task is, and what to do about it now. */
export interface TaskDecision {
  readonly phase: Phase;
  readonly reason: string;
  readonly message: string;
  readonly action?: TaskAction;
  /** Look again then, on the boot clock. */
  readonly lookAtMs?: number;
}

/** What the task's run looks like. */
export interface RunState {
  readonly nowMs: number;
  readonly memory: MemoryState | undefined;
  /** Tasks of the run that are here, and that there must be. */
  readonly present: number;
  readonly wanted: number;
  /** Names of claims of the run that are not allocated yet. */
  readonly missingClaims: readonly string[];
  /** Some task of the run was asked to stop. */
  readonly stopping: boolean;
  readonly keeperLost: boolean;
  /** Since when every live task waits and none can go on; absent while one works. */
  readonly standstillSinceMs?: number;
}

/** A drain that stands still for so long is over: what a dead task kept back will not come. */
const STANDSTILL_MS = 2_000;
const FINAL: readonly Phase[] = ["Succeeded", "Failed", "Stopped"];
/** Between SIGTERM and SIGKILL at most; the drain before it has the whole grace period. */
const MAX_TERM_MS = 5_000;

export function isFinal(task: FlowTask): boolean {
  return task.status?.phase !== undefined && FINAL.includes(task.status.phase);
}

export function wantsStop(task: FlowTask): boolean {
  return task.spec.desiredState === "Stopped" || task.metadata.deletionTimestamp !== undefined;
}

export function decideTask(task: FlowTask, record: TaskRecord | undefined, run: RunState): TaskDecision {
  const known = record ?? NEW_RECORD;
  if (isFinal(task)) return stayFinal(task, known.process);
  if (known.process !== undefined) return wantsStop(task) ? stopLive(task, known.process, run) : tendLive(task, known.process, run);
  if (wantsStop(task))
    return { phase: "Stopped", reason: "StopRequested", message: "stopped before it had finished, as asked", ...endedBy(known) };
  if (run.keeperLost) return { phase: "Failed", reason: "KeeperLost", message: "the keeper, the parent of all tasks, died" };
  return known.incarnations === 0 ? decideFirst(known, run) : decideNext(task, known, run);
}

/** What finished by itself says so, also when a stop was asked meanwhile. */
function endedBy(record: TaskRecord): Partial<TaskDecision> {
  return record.lastExit?.kind === "finished" ? { reason: "Drained", message: "ended after a drain, as asked" } : {};
}

/** Final phases never change; a process that should not be there is killed. */
function stayFinal({ status }: FlowTask, live: LiveProcess | undefined): TaskDecision {
  const decision = { phase: status?.phase as Phase, reason: status?.reason ?? "", message: status?.message ?? "" };
  return live === undefined || live.killed !== undefined ? decision : { ...decision, action: { op: "kill", why: "Stopped" } };
}

/** Drain, SIGTERM, SIGKILL. What is still behind its gate never starts. */
function stopLive(task: FlowTask, live: LiveProcess, run: RunState): TaskDecision {
  const deleted = task.metadata.deletionTimestamp !== undefined;
  const stopping = { ...phaseOfLive(live), reason: "Stopping", message: "asked to drain and end" };
  if (live.killed !== undefined || live.stopped) return stopping;
  if (live.startedAtMs === undefined) return { ...stopping, action: { op: "kill", why: deleted ? "Deleted" : "Stopped" } };
  const graceMs = task.spec.terminationGracePeriodSeconds * 1000;
  const stop = {
    ...stopping,
    action: { op: "stop", graceMs: Math.min(graceMs, MAX_TERM_MS), why: deleted ? "Deleted" : "Stopped" },
  } as const;
  if (deleted) return stop;
  const askedAtMs = run.memory?.drainAskedAtMs ?? run.nowMs;
  const standstillMs = Math.max(askedAtMs, run.standstillSinceMs ?? Number.POSITIVE_INFINITY) + STANDSTILL_MS;
  const termAtMs = Math.min(askedAtMs + graceMs, standstillMs);
  return run.nowMs >= termAtMs ? stop : { ...stopping, lookAtMs: Math.min(termAtMs, run.nowMs + STANDSTILL_MS / 4) };
}

function phaseOfLive(live: LiveProcess): { phase: Phase } {
  return { phase: live.report?.phase === "ready" ? "Running" : "Starting" };
}

/** A process that is wanted: open its gate, wait until it is ready, watch its progress. */
function tendLive(task: FlowTask, live: LiveProcess, run: RunState): TaskDecision {
  const { spec, status } = task;
  const starting = { phase: "Starting", reason: "Starting", message: "the process starts" } as const;
  if (live.killed !== undefined || live.identity === undefined) return starting;
  if (live.wrongVariables !== undefined) return { ...starting, action: { op: "kill", why: "DeviceEnvironment" } };
  if (live.startedAtMs === undefined) return isRecorded(status, live) ? { ...starting, action: { op: "go" } } : starting;
  if (live.report?.phase !== "ready") {
    const deadlineMs = live.startedAtMs + spec.startupDeadlineSeconds * 1000;
    return run.nowMs >= deadlineMs
      ? { ...starting, action: { op: "kill", why: "StartupDeadline" } }
      : { ...starting, lookAtMs: deadlineMs };
  }
  return watchProgress(task, live, live.startedAtMs, run.nowMs);
}

/** P1: the program starts only after pid, start time and boot were written down. */
function isRecorded(status: FlowTaskStatus | undefined, { identity }: LiveProcess): boolean {
  return status?.pid === identity?.pid && status?.startTime === identity?.startTime && status?.bootId === identity?.bootId;
}

/** No progress: input was waiting, there was space, and yet nothing was taken, committed or written. */
function watchProgress({ spec }: FlowTask, { stats }: LiveProcess, startedAtMs: number, nowMs: number): TaskDecision {
  const running = { phase: "Running", reason: "Ready", message: "the task is ready" } as const;
  if (spec.progressDeadlineSeconds === undefined || stats === undefined) return running;
  const mayProgress = stats.state !== "waiting-space" && (stats.inputPending || stats.state === "user-code");
  if (!mayProgress) return running;
  const deadlineMs = Math.max(stats.lastProgressMs, startedAtMs) + spec.progressDeadlineSeconds * 1000;
  return nowMs >= deadlineMs ? { ...running, action: { op: "kill", why: "NoProgress" } } : { ...running, lookAtMs: deadlineMs };
}

/** Nothing of a flow starts before all of it is here: tasks, memory, devices. */
function decideFirst(record: TaskRecord, run: RunState): TaskDecision {
  const pending = (reason: string, message: string): TaskDecision => ({ phase: "Pending", reason, message });
  if (record.spawnProblem !== undefined) return { phase: "Failed", reason: "SpawnFailed", message: record.spawnProblem };
  if (run.memory?.state === "failed") return { phase: "Failed", reason: "MemoryUnavailable", message: run.memory.problem ?? "" };
  if (run.stopping) return pending("StopRequested", "another task of the flow was asked to stop");
  if (run.present < run.wanted) return pending("WaitingForTasks", `${run.present} of ${run.wanted} tasks of the flow are here`);
  if (run.missingClaims.length > 0) return pending("WaitingForDevices", `not allocated yet: ${run.missingClaims.join(", ")}`);
  if (run.memory === undefined) return pending("WaitingForMemory", "the flow's shared memory is not there yet");
  return { phase: "Starting", reason: "Starting", message: "the process starts", action: { op: "spawn", why: "Admitted" } };
}

/** After the end of a process. */
function decideNext(task: FlowTask, record: TaskRecord, run: RunState): TaskDecision {
  const { lastExit } = record;
  const failed = (reason: string): TaskDecision => ({
    phase: "Failed",
    reason,
    message: firstLine(lastExit?.message) || `the process ended: ${lastExit?.reason}`,
  });
  if (record.spawnProblem !== undefined) return { phase: "Failed", reason: "SpawnFailed", message: record.spawnProblem };
  if (lastExit?.treeDead === false) return { phase: "Backoff", reason: "TreeAlive", message: "a process of the task cannot be killed" };
  if (lastExit?.kind === "finished") return { phase: "Succeeded", reason: lastExit.reason, message: "the task finished" };
  if (lastExit?.kind === "hopeless") return failed(lastExit.reason);
  if (run.memory === undefined) return { phase: "Pending", reason: "WaitingForMemory", message: "the flow's shared memory is not there" };
  const decision = decideRestart(task.spec.restart, record.deaths, run.nowMs);
  if (decision.restart === "never") return failed(decision.reason);
  if (decision.restart === "now")
    return { phase: "Starting", reason: "Restarting", message: "the process starts again", action: { op: "spawn", why: "Restart" } };
  const seconds = (decision.atMs - (record.deaths.at(-1)?.atMs ?? 0)) / 1000;
  return {
    phase: "Backoff",
    reason: lastExit?.reason ?? "Crashed",
    message: `starts again after ${seconds.toFixed(1)} s`,
    lookAtMs: decision.atMs,
  };
}

function firstLine(text: string | undefined): string {
  return text?.split("\n")[0] ?? "";
}
