/**
 * Decides what one host must do so that its processes match its tasks. Pure: no I/O, clock or chance. Level-triggered: it
 * looks at what is, not at what happened, so lost and repeated events do no harm.
 */
import type { DeviceClaim, FlowTask, FlowTaskStatus } from "../api/kinds.js";
import { REFUSALS } from "../api/refusal.js";
import { sameJson } from "../base/same-json.js";
import type { DataPlan } from "../transport/plan.js";
import type { Rest } from "../transport/port.js";
import { assembleDataPlan } from "./data-plan.js";
import {
  type LiveProcess,
  type MemoryState,
  mayHaveProcess,
  NEW_RECORD,
  type ObservedHost,
  restartsOf,
  type TaskRecord,
} from "./observed.js";
import {
  CARRY_OVER_RETRY_MS,
  decideTask,
  hasOtherChannels,
  isFinal,
  type RunState,
  type TaskAction,
  type TaskDecision,
  wantsStop,
} from "./reconcile-task.js";

/** While one of its tasks has it, deleting the task waits until its process tree is dead. */
export const TASK_FINALIZER = "videoflow.io/process";
/** What comes before the first process of a task is told if it lasts so long: as a rule it takes less, and each word is a write. */
const BRIEF_MS = 300;

export type HostAction =
  | { readonly op: "createMemory"; readonly run: string; readonly plan: DataPlan; readonly layout: string }
  /** Brings the run to other channels, with what was committed; nobody of it lives. */
  | { readonly op: "carryOver"; readonly run: string; readonly plan: DataPlan; readonly layout: string }
  /** Asks the flow to end its producers and finish what is in flight. */
  | { readonly op: "drain"; readonly run: string }
  /** Producers hold back, or go on. */
  | { readonly op: "pause"; readonly run: string; readonly paused: boolean }
  /** From now on the node has so many tasks; those beyond are retired for good. */
  | { readonly op: "setTasks"; readonly run: string; readonly node: string; readonly count: number }
  /** All tasks of the run are final and dead. */
  | { readonly op: "removeMemory"; readonly run: string }
  | { readonly op: "prepare"; readonly claim: DeviceClaim }
  | { readonly op: "status"; readonly task: FlowTask; readonly status: FlowTaskStatus }
  | { readonly op: "release"; readonly task: FlowTask }
  | { readonly op: "forget"; readonly uid: string }
  | (TaskAction & { readonly uid: string });

export interface HostPlan {
  readonly actions: readonly HostAction[];
  /** Look again after this many milliseconds; absent: when something changes. */
  readonly requeueAfterMs?: number;
}

export function reconcileHost(observed: ObservedHost): HostPlan {
  const runs = groupByRun(observed.tasks);
  const strangers = hasStrangers(observed);
  const decided = [...runs].map(([run, tasks]) => reconcileRun(run, tasks, observed, strangers));
  const actions = [...decided.flatMap((plan) => plan.actions), ...leftMemories(runs, observed), ...reconcileStrangers(observed)];
  const looks = decided.flatMap((plan) => plan.looksAtMs);
  if (looks.length === 0) return { actions };
  return { actions, requeueAfterMs: Math.max(0, Math.min(...looks) - observed.nowMs) };
}

interface RunPlan {
  readonly actions: readonly HostAction[];
  readonly looksAtMs: readonly number[];
}

function reconcileRun(run: string, tasks: readonly FlowTask[], observed: ObservedHost, strangers: boolean): RunPlan {
  const state = stateOfRun(run, tasks, observed, strangers);
  const isLive = tasks.some((task) => mayHaveProcess(observed.records.get(task.metadata.uid)));
  const plans = tasks.map((task) => {
    const claim = claimOf(task, observed);
    const record = observed.records.get(task.metadata.uid);
    const decision = decideTask(task, record, { ...state, ...requirementOf(task, observed) });
    const tellAtMs = isBrief(task, record, decision) ? (observed.seenAtMs?.get(task.metadata.uid) ?? 0) + BRIEF_MS : 0;
    const isTold = observed.nowMs >= tellAtMs;
    const seen = { devicesLost: lostDevices(claim, observed), rest: restSeen(task, state, isLive) };
    const actions = actionsOf(task, record, claim, decision, seen);
    return { decision, tellAtMs: isTold ? [] : [tellAtMs], actions: actions.filter(({ op }) => isTold || op !== "status") };
  });
  return {
    actions: [...memoryActions(run, tasks, state, observed), ...plans.flatMap((plan) => plan.actions)],
    looksAtMs: plans.flatMap((plan) => [...plan.tellAtMs, ...(plan.decision.lookAtMs === undefined ? [] : [plan.decision.lookAtMs])]),
  };
}

function stateOfRun(run: string, tasks: readonly FlowTask[], observed: ObservedHost, strangers: boolean): RunState {
  const { nowMs, keeperLost, hasJournal = false } = observed;
  const memory = memoryOf(run, tasks, observed);
  const wanted = Math.max(...tasks.map((task) => task.spec.flowTasks));
  const missing = tasks.filter((task) => task.spec.claim !== undefined && claimOf(task, observed)?.status?.allocation === undefined);
  const missingClaims = missing.map((task) => task.spec.claim as string);
  const standstillSinceMs = standstillSince(tasks.flatMap((task) => observed.records.get(task.metadata.uid)?.process ?? []));
  const common = {
    nowMs,
    memory,
    present: tasks.length,
    wanted,
    missingClaims,
    stopping: tasks.some(wantsStop),
    hasStrangers: strangers,
    keeperLost,
    hasJournal,
    isMemoryLost: isMemoryLost(tasks, memory, observed),
    isOver: tasks.every((task) => hasFinished(task, observed.records.get(task.metadata.uid))),
    isHeldBack: tasks.some((task) => isHeldBack(task, observed)),
  };
  return { ...common, ...(standstillSinceMs === undefined ? {} : { standstillSinceMs }) };
}

/** None of the tasks that the memory was made for is left: the run began again under the same name before all of them were seen to end. */
function isOfEarlier(tasks: readonly FlowTask[], { madeFor }: MemoryState): boolean {
  return madeFor !== undefined && !tasks.some(({ metadata }) => madeFor.includes(metadata.uid));
}

/** What an earlier beginning of the run left is none of its own. */
function memoryOf(run: string, tasks: readonly FlowTask[], { memories }: ObservedHost): MemoryState | undefined {
  const memory = memories.get(run);
  return memory === undefined || isOfEarlier(tasks, memory) ? undefined : memory;
}

/** It has never had a process, and may not get one yet. */
function isHeldBack({ metadata }: FlowTask, { requirements, records }: ObservedHost): boolean {
  const { state = "met" } = requirements?.get(metadata.uid) ?? {};
  return state !== "met" && (records.get(metadata.uid)?.incarnations ?? 0) === 0;
}

function requirementOf({ metadata }: FlowTask, { requirements }: ObservedHost): Pick<RunState, "refusal"> {
  const requirement = requirements?.get(metadata.uid);
  return requirement?.state === "refused" ? { refusal: requirement.refusal } : {};
}

/** What is in flight: told by producers that hold back, and by those that made way once nobody of the run lives. */
function restSeen({ spec }: FlowTask, { memory }: RunState, isLive: boolean): Rest | undefined {
  if (spec.members[0]?.role !== "Producer") return undefined;
  if (spec.desiredState === "Retired") return isLive ? undefined : memory?.rest;
  return spec.desiredState === "Paused" && memory?.paused === true ? memory.rest : undefined;
}

/** What of a task's status is seen elsewhere than at its process. */
interface Seen {
  readonly devicesLost?: string | undefined;
  readonly rest?: Rest | undefined;
}

const REST: Readonly<Record<Rest, NonNullable<FlowTaskStatus["rest"]>>> = { moving: "Moving", held: "Held", free: "Free" };

function hasFinished({ status }: FlowTask, record: TaskRecord | undefined): boolean {
  return status?.phase === "Succeeded" || (record?.process === undefined && record?.lastExit?.kind === "finished");
}

/** Some task had a process, and the memory is not there any more: with the machine, or with who owned it. */
function isMemoryLost(tasks: readonly FlowTask[], memory: MemoryState | undefined, { records }: ObservedHost): boolean {
  if (memory !== undefined || tasks.every(isFinal)) return false;
  return tasks.some((task) => hadProcess(task) || (records.get(task.metadata.uid)?.incarnations ?? 0) > 0);
}

function hadProcess({ status }: FlowTask): boolean {
  return status?.phase === "Running" || status?.phase === "Backoff" || status?.phase === "Succeeded" || status?.pid !== undefined;
}

/** When the last of the live tasks did something, if none of them can do anything now. */
function standstillSince(processes: readonly LiveProcess[]): number | undefined {
  const stuck = processes.every(
    ({ stats }) => stats?.state === "waiting-space" || (stats?.state === "waiting-input" && !stats.inputPending),
  );
  return stuck ? Math.max(...processes.map(({ stats }) => stats?.lastProgressMs ?? 0)) : undefined;
}

function claimOf({ metadata, spec }: FlowTask, { claims }: ObservedHost): DeviceClaim | undefined {
  return spec.claim === undefined ? undefined : claims.get(`${metadata.namespace}/${spec.claim}`);
}

/** Memory comes when the whole flow is here and before any process, and goes when nobody needs it any more. */
function memoryActions(run: string, tasks: readonly FlowTask[], state: RunState, observed: ObservedHost): HostAction[] {
  const { records, keeperLost } = observed;
  const { memory } = state;
  const live = tasks.some((task) => records.get(task.metadata.uid)?.process !== undefined);
  const over = tasks.every(isFinal) && !live;
  if (memory === undefined && observed.memories.has(run)) return state.hasStrangers === true ? [] : [{ op: "removeMemory", run }];
  if (memory === undefined) {
    const begun = state.isMemoryLost || tasks.some(isFinal);
    const complete =
      !state.isHeldBack && state.present >= state.wanted && state.missingClaims.length === 0 && !state.stopping && !keeperLost && !begun;
    return complete ? [{ op: "createMemory", run, plan: assembleDataPlan(tasks), layout: layoutOf(tasks) ?? "" }] : [];
  }
  if (over) return [{ op: "removeMemory", run }];
  if (memory.state !== "ready") return [];
  const drain = memory.drainAskedAtMs === undefined && live && tasks.some(({ spec }) => spec.desiredState === "Stopped");
  return [
    ...(drain ? [{ op: "drain", run } as const] : []),
    ...pauseActions(run, tasks, memory),
    ...(tasks.some((task) => hasOtherChannels(task, memory))
      ? carryOverActions(run, tasks, memory, state, observed)
      : scaleActions(run, tasks, memory, observed)),
  ];
}

/** Hash of the channels that all of them know; undefined while they do not agree. */
function layoutOf(tasks: readonly FlowTask[]): string | undefined {
  const layouts = new Set(tasks.map(({ spec }) => spec.layoutHash));
  return layouts.size === 1 ? [...layouts][0] : undefined;
}

/** Once all tasks of the changed flow are here and know it, and no process of the old one lives. */
function carryOverActions(
  run: string,
  tasks: readonly FlowTask[],
  memory: MemoryState,
  state: RunState,
  { records }: ObservedHost,
): HostAction[] {
  const layout = layoutOf(tasks);
  const whole = layout !== undefined && state.present === state.wanted && state.missingClaims.length === 0;
  const isLive = tasks.some((task) => mayHaveProcess(records.get(task.metadata.uid)));
  if (!whole || isLive || state.hasStrangers === true || state.isHeldBack || state.stopping || state.keeperLost) return [];
  const { carryOver } = memory;
  const tried = carryOver?.layout === layout && (carryOver.isRefused || state.nowMs < carryOver.atMs + CARRY_OVER_RETRY_MS);
  return tried ? [] : [{ op: "carryOver", run, plan: assembleDataPlan(tasks), layout }];
}

/** Producers that made way hold back as they were asked to before. */
function pauseActions(run: string, tasks: readonly FlowTask[], memory: MemoryState): HostAction[] {
  const producers = tasks.filter((task) => task.spec.members[0]?.role === "Producer" && !isFinal(task));
  const made = producers.length > 0 && producers.every(({ spec }) => spec.desiredState === "Retired");
  const paused = made ? memory.paused === true : producers.some(({ spec }) => spec.desiredState === "Paused");
  return paused === (memory.paused ?? false) ? [] : [{ op: "pause", run, paused }];
}

/** Once all tasks of a node agree on their number. The keys of a partitioned node change hands while none of it lives. */
function scaleActions(run: string, tasks: readonly FlowTask[], memory: MemoryState, { records }: ObservedHost): HostAction[] {
  return [...(memory.tasks ?? [])].flatMap(([node, count]): HostAction[] => {
    const own = tasks.filter(({ spec }) => spec.node === node);
    const wanted = own[0]?.spec.nbTasks ?? count;
    if (wanted === (memory.asked?.get(node) ?? count) || own.some(({ spec }) => spec.nbTasks !== wanted)) return [];
    const alive = own.some(({ metadata }) => records.get(metadata.uid)?.process !== undefined);
    return own[0]?.spec.channels.partitionBy !== undefined && alive ? [] : [{ op: "setTasks", run, node, count: wanted }];
  });
}

function actionsOf(
  task: FlowTask,
  record: TaskRecord | undefined,
  claim: DeviceClaim | undefined,
  decision: TaskDecision,
  seen: Seen,
): HostAction[] {
  const { uid } = task.metadata;
  const actions: HostAction[] = [];
  const status = desiredStatus(task, record, decision, seen);
  if (decision.action?.op === "spawn" && claim !== undefined && claim.status?.prepared !== true) actions.push({ op: "prepare", claim });
  if (!isFinal(task) && !sameJson(status, task.status)) actions.push({ op: "status", task, status });
  if (decision.action !== undefined) actions.push({ ...decision.action, uid });
  if (mayRelease(task, record)) actions.push({ op: "release", task });
  return actions;
}

/** Nothing is known of a first process yet, and it may be here in a moment. */
function isBrief({ status }: FlowTask, record: TaskRecord | undefined, { phase, reason }: TaskDecision): boolean {
  if (status !== undefined || record?.process?.identity !== undefined || Object.hasOwn(REFUSALS, reason)) return false;
  return phase === "Pending" || phase === "Starting";
}

function mayRelease({ metadata }: FlowTask, record: TaskRecord | undefined): boolean {
  const asked = metadata.deletionTimestamp !== undefined && metadata.finalizers?.includes(TASK_FINALIZER) === true;
  return asked && !mayHaveProcess(record);
}

/** The status that the agent wants to stand in the store; the fields of a process are there only while it lives. */
export function desiredStatus(
  task: FlowTask,
  record: TaskRecord = NEW_RECORD,
  { phase, reason, message }: TaskDecision,
  { devicesLost, rest }: Seen = {},
): FlowTaskStatus {
  const { process, lastExit, provider, providerReason, stateLost, readyTemplate } = record;
  return {
    observedGeneration: task.metadata.generation,
    phase,
    reason,
    message,
    ...(process?.identity ?? {}),
    ...(process?.fenceSeconds === undefined ? {} : { fenceSeconds: process.fenceSeconds }),
    restarts: restartsOf(record),
    ...(rest === undefined ? {} : { rest: REST[rest] }),
    ...(readyTemplate === undefined ? {} : { templateHash: readyTemplate }),
    ...(provider === undefined ? {} : { provider }),
    ...(providerReason === undefined ? {} : { providerReason }),
    ...(stateLost === undefined ? {} : { stateLost }),
    ...(devicesLost === undefined ? {} : { devicesLost }),
    ...(lastExit === undefined ? {} : { lastExit: exitFields(lastExit) }),
    ...(task.status?.conditions === undefined ? {} : { conditions: task.status.conditions }),
  };
}

function exitFields({
  kind: _kind,
  treeDead: _treeDead,
  log: _log,
  ...exit
}: NonNullable<TaskRecord["lastExit"]>): NonNullable<FlowTaskStatus["lastExit"]> {
  return exit;
}

/** A device that a process has cannot be taken from it; its user must know. */
function lostDevices(claim: DeviceClaim | undefined, { devices }: ObservedHost): string | undefined {
  const texts = (claim?.status?.allocation?.devices ?? []).flatMap((uuid) => {
    const { reason, message } = devices?.get(uuid) ?? {};
    return reason === "Lost" || reason === "Unreadable" ? [`${uuid} ${message ?? reason}`] : [];
  });
  return texts.length === 0 ? undefined : texts.join("; ");
}

/** Some process runs whose task is gone from the store: it may be of the very name that is to be started. */
function hasStrangers({ tasks, records }: ObservedHost): boolean {
  const known = new Set(tasks.map((task) => task.metadata.uid));
  return [...records].some(([uid, { process }]) => !known.has(uid) && process !== undefined);
}

/** Processes whose task is gone from the store are killed, then forgotten. */
function reconcileStrangers({ tasks, records }: ObservedHost): HostAction[] {
  const known = new Set(tasks.map((task) => task.metadata.uid));
  return [...records].flatMap(([uid, { process }]): HostAction[] => {
    if (known.has(uid)) return [];
    if (process === undefined) return [{ op: "forget", uid }];
    if (process.stopped !== undefined || process.killed !== undefined) return [];
    return process.startedAtMs === undefined
      ? [{ op: "kill", uid, why: "Deleted" }]
      : [{ op: "stop", uid, graceMs: 2_000, why: "Deleted" }];
  });
}

/** Memory of runs that have no task any more, once no process is left that could use it. */
function leftMemories(runs: ReadonlyMap<string, unknown>, { memories, tasks, records }: ObservedHost): HostAction[] {
  const known = new Set(tasks.map((task) => task.metadata.uid));
  const strangers = [...records].some(([uid, record]) => !known.has(uid) && record.process !== undefined);
  if (strangers) return [];
  return [...memories.keys()].filter((run) => !runs.has(run)).map((run) => ({ op: "removeMemory", run }));
}

function groupByRun(tasks: readonly FlowTask[]): Map<string, FlowTask[]> {
  const runs = new Map<string, FlowTask[]>();
  const sorted = [...tasks].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  for (const task of sorted) runs.set(task.spec.run, [...(runs.get(task.spec.run) ?? []), task]);
  return runs;
}
