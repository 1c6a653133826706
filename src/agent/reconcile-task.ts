/** What to do about one task. Pure: no I/O, clock or chance. */
import type { FlowTask, FlowTaskStatus } from "../api/kinds.js";
import { EXIT_RETIRED } from "../api/launch.js";
import { REFUSALS, type Refusal } from "../api/refusal.js";
import type { TaskStats } from "../transport/port.js";
import type { KillReason, StopReason } from "./exit.js";
import { type LiveProcess, type MemoryState, NEW_RECORD, type TaskRecord } from "./observed.js";
import { decideRestart } from "./restart.js";

export type SpawnReason = "Admitted" | "Restart" | "Replaced";

export type TaskAction =
  | { readonly op: "spawn"; readonly why: SpawnReason }
  | { readonly op: "go" }
  /** Asks it to take no further input, to commit what it has in hand, and to end. */
  | { readonly op: "retire" }
  | { readonly op: "stop"; readonly graceMs: number; readonly why: StopReason }
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
  /** Processes of tasks that are gone from the store still run on this host. */
  readonly hasStrangers?: boolean;
  readonly keeperLost: boolean;
  readonly hasJournal?: boolean;
  /** An earlier agent ran tasks of it, and the memory that they shared is gone. */
  readonly isMemoryLost: boolean;
  /** Every task has finished. */
  readonly isOver: boolean;
  /** What this host has against this task's start. */
  readonly refusal?: Refusal;
  /** Some task of the run may not start, or it is not known yet whether it may: none does. */
  readonly isHeldBack?: boolean;
  /** Since when every live task waits and none can go on; absent while one works. */
  readonly standstillSinceMs?: number;
}

/** How long until something that is missing on the host is looked for again. */
export const LOOK_AGAIN_MS = 2_000;
/** A drain that stands still for so long is over: what a dead task kept back will not come. */
const STANDSTILL_MS = 2_000;
const TREE_ALIVE: TaskDecision = { phase: "Backoff", reason: "TreeAlive", message: "a process of the task cannot be killed" };
const REPLACED: TaskDecision = {
  ...{ phase: "Starting", reason: "Replacing", message: "the process of the new template starts" },
  action: { op: "spawn", why: "Replaced" },
};
const KEYS_MOVE: TaskDecision = { phase: "Pending", reason: "WaitingForMemory", message: "the keys of its node are given to other tasks" };
const NOT_NEEDED: TaskDecision = { phase: "Succeeded", reason: "StreamEnding", message: "its node was ending and took no further task" };
const WAITS_TO_LEAVE: TaskDecision = { phase: "Pending", reason: "ScalingDown", message: "it is not needed any more" };
const FINAL: readonly Phase[] = ["Succeeded", "Failed", "Stopped"];
/** Between SIGTERM and SIGKILL at most; the drain before it has the whole grace period. */
const MAX_TERM_MS = 5_000;

export function isFinal(task: FlowTask): boolean {
  return task.status?.phase !== undefined && FINAL.includes(task.status.phase);
}

export function wantsStop(task: FlowTask): boolean {
  return task.spec.desiredState === "Stopped" || task.metadata.deletionTimestamp !== undefined;
}

/** No process of its template, or none at all, is wanted. */
function wantsRetirement({ spec }: FlowTask, live: LiveProcess): boolean {
  return spec.desiredState === "Retired" || live.templateHash !== spec.templateHash;
}

/** One too many for its node: it leaves for good once the memory says so, and stays to the end if it never does. */
function isSurplus({ spec }: FlowTask): boolean {
  return spec.index >= spec.nbTasks;
}

/** Tasks of its node that the memory has. */
function tasksThere({ spec }: FlowTask, { memory }: RunState): number {
  return memory?.tasks?.get(spec.node) ?? Number.POSITIVE_INFINITY;
}

/** A partitioned node gets another number of tasks: no task of it may live until the memory knows. */
function areKeysMoving({ spec }: FlowTask, { memory }: RunState): boolean {
  const there = memory?.tasks?.get(spec.node);
  if (spec.channels.partitionBy === undefined || there === undefined) return false;
  return (memory?.asked?.get(spec.node) ?? there) !== spec.nbTasks;
}

/** How long after a vain attempt what was committed is carried over again. */
export const CARRY_OVER_RETRY_MS = 1_000;

/** The memory of its run was made for other channels than those of the task. */
export function hasOtherChannels({ spec }: FlowTask, memory: MemoryState | undefined): boolean {
  return memory?.layout !== undefined && memory.layout !== spec.layoutHash;
}

/** Its work is not over, and none of its processes lives. */
function mayStart({ lastExit }: TaskRecord): boolean {
  return lastExit?.kind !== "finished" && lastExit?.treeDead !== false;
}

/** It starts once what was committed is carried over. */
function awaitChannels({ spec }: FlowTask, { memory }: RunState): TaskDecision {
  const tried = memory?.carryOver?.layout === spec.layoutHash ? memory.carryOver : undefined;
  if (tried?.isRefused) return { phase: "Failed", reason: "CarryOverRefused", message: tried.problem };
  const message = tried?.problem ?? "what was committed is carried over to the changed channels";
  return {
    ...{ phase: "Pending", reason: "WaitingForMemory", message },
    ...(tried === undefined ? {} : { lookAtMs: tried.atMs + CARRY_OVER_RETRY_MS }),
  };
}

export function decideTask(task: FlowTask, record: TaskRecord | undefined, run: RunState): TaskDecision {
  const known = record ?? NEW_RECORD;
  if (isFinal(task)) return stayFinal(task, known.process);
  if (known.process !== undefined) return decideLive(task, known.process, run);
  if (wantsStop(task))
    return { phase: "Stopped", reason: "StopRequested", message: "stopped before it had finished, as asked", ...endedBy(known) };
  if (run.keeperLost) return { phase: "Failed", reason: "KeeperLost", message: "the keeper, the parent of all tasks, died" };
  if (run.isMemoryLost) return { phase: "Failed", reason: "MemoryLost", message: "the host or its agent was started anew" };
  if (isSurplus(task)) return decideSurplus(task, known, run);
  if (task.spec.desiredState === "Retired") return decideRetired(known);
  if (hasOtherChannels(task, run.memory) && mayStart(known)) return awaitChannels(task, run);
  if (areKeysMoving(task, run) && known.lastExit?.kind !== "finished") return KEYS_MOVE;
  return known.incarnations === 0 ? decideFirst(task, known, run) : decideNext(task, known, run);
}

function decideLive(task: FlowTask, live: LiveProcess, run: RunState): TaskDecision {
  if (wantsStop(task)) return stopLive(task, live, run);
  if (run.refusal !== undefined && isReady(live) && task.spec.desiredState !== "Retired" && live.retireAskedAtMs === undefined)
    return { ...tendLive(task, live, run), ...heldBack(run.refusal, run) };
  if (isSurplus(task) && (!isReady(live) || task.spec.index < tasksThere(task, run))) return tendLive(task, live, run);
  return wantsRetirement(task, live) || hasOtherChannels(task, run.memory) || areKeysMoving(task, run)
    ? retireLive(task, live, run)
    : tendLive(task, live, run);
}

/** Looked at again, unless only another start of the agent, or another spec, can help. */
function heldBack({ reason, message }: Refusal, { nowMs }: RunState): Pick<TaskDecision, "reason" | "message" | "lookAtMs"> {
  return { reason, message, ...(REFUSALS[reason] === "Final" ? {} : { lookAtMs: nowMs + LOOK_AGAIN_MS }) };
}

/** It has no process, and gets none before it is asked to run. */
function decideRetired({ lastExit }: TaskRecord): TaskDecision {
  if (lastExit?.treeDead === false) return TREE_ALIVE;
  if (lastExit?.kind === "finished") return { phase: "Succeeded", reason: lastExit.reason, message: "the task finished" };
  return { phase: "Pending", reason: "Retired", message: "it has committed what it had in hand, and has no process" };
}

/**
 * Its siblings go on without it only when it has left by itself: what dies before that is started again until it has. If the
 * memory kept its number, for the stream is ending, it stays to the end like any other.
 */
function decideSurplus(task: FlowTask, known: TaskRecord, run: RunState): TaskDecision {
  const { lastExit, incarnations } = known;
  const { node, nbTasks, index } = task.spec;
  const isGone = index >= tasksThere(task, run);
  const mustStay = !isGone && run.memory?.asked?.get(node) === nbTasks;
  const hasLeft = incarnations === 0 || (lastExit?.code === EXIT_RETIRED && lastExit.treeDead);
  if (mustStay || !hasLeft) return incarnations === 0 ? decideFirst(task, known, run) : decideNext(task, known, run);
  return isGone ? { phase: "Stopped", reason: "ScaledDown", message: `node ${node} has ${nbTasks} tasks now` } : WAITS_TO_LEAVE;
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
  if (live.killed !== undefined || live.stopped !== undefined) return stopping;
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

/** Ask, SIGTERM, SIGKILL: whatever it has in hand when it must be ended is offered again. */
function retireLive({ spec }: FlowTask, live: LiveProcess, { nowMs }: RunState): TaskDecision {
  const message = spec.desiredState === "Retired" ? "asked to commit what it has in hand and to end" : "asked to end: its template changed";
  const retiring = { ...phaseOfLive(live), reason: "Retiring", message };
  if (live.killed !== undefined || live.stopped !== undefined) return retiring;
  if (live.identity === undefined) return retiring;
  if (live.startedAtMs === undefined || !isReady(live)) return { ...retiring, action: { op: "kill", why: "Replaced" } };
  const graceMs = spec.terminationGracePeriodSeconds * 1000;
  if (live.retireAskedAtMs === undefined) return { ...retiring, action: { op: "retire" }, lookAtMs: nowMs + graceMs };
  const termAtMs = live.retireAskedAtMs + graceMs;
  if (nowMs < termAtMs) return { ...retiring, lookAtMs: termAtMs };
  return { ...retiring, action: { op: "stop", graceMs: Math.min(graceMs, MAX_TERM_MS), why: "Replaced" } };
}

function isReady({ report }: LiveProcess): boolean {
  return report?.phase === "ready";
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
  if (live.startedAtMs === undefined) return isRecorded(status, live, run) ? { ...starting, action: { op: "go" } } : starting;
  if (live.report?.phase !== "ready") {
    const deadlineMs = live.startedAtMs + spec.startupDeadlineSeconds * 1000;
    return run.nowMs >= deadlineMs
      ? { ...starting, action: { op: "kill", why: "StartupDeadline" } }
      : { ...starting, lookAtMs: deadlineMs };
  }
  return { ...watchProgress(task, live, live.startedAtMs, run), ...pausedText(task, run.memory) };
}

function pausedText({ spec }: FlowTask, memory: MemoryState | undefined): Partial<TaskDecision> {
  if (spec.desiredState !== "Paused" || memory?.paused !== true) return {};
  if (memory.rest === "free") return { reason: "Drained", message: "holds back, as asked; no message is in flight" };
  return { reason: "Paused", message: "holds back, as asked" };
}

/** P1: the program starts only after pid, start time and boot were written down; what may be fenced, where others read it. */
function isRecorded(status: FlowTaskStatus | undefined, { identity, fenceSeconds }: LiveProcess, { hasJournal }: RunState): boolean {
  if (hasJournal === true && fenceSeconds === undefined) return true;
  if (status?.fenceSeconds !== fenceSeconds) return false;
  return status?.pid === identity?.pid && status?.startTime === identity?.startTime && status?.bootId === identity?.bootId;
}

/** Whether the task has something to do and room for what comes of it. */
export function mayProgress(stats: TaskStats): boolean {
  return stats.state !== "waiting-space" && (stats.inputPending || stats.state === "user-code");
}

/** No progress: input was waiting, there was space, and yet nothing was taken, committed or written; or it could not have done anything. */
function watchProgress({ spec }: FlowTask, live: LiveProcess, startedAtMs: number, { nowMs, memory }: RunState): TaskDecision {
  const running = { phase: "Running", reason: "Ready", message: "the task is ready" } as const;
  const { stats, idleSeenAtMs, stoppedSinceMs } = live;
  if (spec.progressDeadlineSeconds === undefined || stats === undefined) return running;
  const stoppedAtMs = memory?.paused === true ? undefined : stoppedSinceMs;
  const progressedAtMs = mayProgress(stats) ? Math.max(stats.lastProgressMs, startedAtMs, idleSeenAtMs ?? 0) : undefined;
  const sinceMs = Math.min(stoppedAtMs ?? Number.POSITIVE_INFINITY, progressedAtMs ?? Number.POSITIVE_INFINITY);
  if (sinceMs === Number.POSITIVE_INFINITY) return running;
  const deadlineMs = sinceMs + spec.progressDeadlineSeconds * 1000;
  return nowMs >= deadlineMs ? { ...running, action: { op: "kill", why: "NoProgress" } } : { ...running, lookAtMs: deadlineMs };
}

/** Nothing of a flow starts before all of it is here: tasks, memory, devices. */
function decideFirst(task: FlowTask, record: TaskRecord, run: RunState): TaskDecision {
  const { spec } = task;
  const pending = (reason: string, message: string): TaskDecision => ({ phase: "Pending", reason, message });
  if (record.spawnProblem !== undefined) return { phase: "Failed", reason: "SpawnFailed", message: record.spawnProblem };
  if (run.memory?.state === "failed") {
    return { phase: "Failed", reason: run.memory.reason ?? "MemoryUnavailable", message: run.memory.problem ?? "" };
  }
  if (run.stopping) return pending("StopRequested", "another task of the flow was asked to stop");
  if (run.hasStrangers) return pending("WaitingForOthers", "processes of tasks that are gone have not ended yet");
  if (run.present < run.wanted) return pending("WaitingForTasks", `${run.present} of ${run.wanted} tasks of the flow are here`);
  if (run.refusal !== undefined) return { phase: "Pending", ...heldBack(run.refusal, run) };
  if (run.isHeldBack) return pending("WaitingForOthers", "another task of the flow may not start yet");
  if (run.missingClaims.length > 0) return pending("WaitingForDevices", `not allocated yet: ${run.missingClaims.join(", ")}`);
  if (run.memory === undefined) return pending("WaitingForMemory", "the flow's shared memory is not there yet");
  if (spec.index >= tasksThere(task, run)) {
    if (run.memory.asked?.get(spec.node) === spec.nbTasks) return NOT_NEEDED;
    return pending("WaitingForMemory", `the flow's shared memory has no room for task ${spec.index} of node ${spec.node} yet`);
  }
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
  if (record.spawnProblem !== undefined) return decideUnspawned(record.spawnProblem, record.spawnAgainAtMs, run);
  if (lastExit?.treeDead === false) return TREE_ALIVE;
  if (lastExit?.kind === "finished") return finish(task, lastExit.reason, run);
  if (run.refusal !== undefined && lastExit?.kind !== "hopeless") return { phase: "Backoff", ...heldBack(run.refusal, run) };
  if (lastExit?.kind === "retired" || (record.templateHash ?? task.spec.templateHash) !== task.spec.templateHash) return REPLACED;
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

/** What the machine lacks for a while costs no task its life. */
function decideUnspawned(problem: string, atMs: number | undefined, { nowMs }: RunState): TaskDecision {
  if (atMs === undefined) return { phase: "Failed", reason: "SpawnFailed", message: problem };
  const waits = { phase: "Backoff", reason: "SpawnDelayed", message: `it is tried again until it starts: ${problem}` } as const;
  return nowMs < atMs ? { ...waits, lookAtMs: atMs } : { ...waits, action: { op: "spawn", why: "Restart" } };
}

/** The last task of a batch run to finish answers for all: every message must have met its fate, once. */
function finish({ spec }: FlowTask, reason: string, { memory, isOver }: RunState): TaskDecision {
  const problems = spec.flowType === "Batch" && isOver ? (memory?.ledgerProblems ?? []) : [];
  if (problems.length > 0)
    return { phase: "Failed", reason: "LedgerMismatch", message: `messages were lost or repeated: ${problems.join("; ")}` };
  return { phase: "Succeeded", reason, message: "the task finished" };
}

function firstLine(text: string | undefined): string {
  return text?.split("\n")[0] ?? "";
}
