/** The status of a flow: what people and programs read of it. Pure. */
import type { FlowTask, TaskDecision, VideoFlowSpec, VideoFlowStatus } from "../../api/kinds.js";
import { taskName } from "../../api/kinds.js";
import type { FlowGraph, GraphNode } from "../../flow/graph.js";
import type { ClaimStatuses } from "./admission.js";
import { conditionsOf, type Fact, fact } from "./conditions.js";
import { runId, runNumber, taskCount } from "./desired.js";
import { isFinal } from "./holding.js";
import type { Observed } from "./observed.js";
import { isProducer, isReady } from "./task-state.js";
import { waitingOf } from "./waiting.js";

/** How far the flow is; the rest of the status follows from its tasks. */
export interface Situation {
  readonly state: NonNullable<VideoFlowStatus["state"]>;
  readonly reason: string;
  readonly message: string;
  readonly accepted: Fact;
  readonly admitted: Fact;
  /** Host of the tasks, once known. */
  readonly host?: string;
  /** As the tasks can really be; absent where the spec has none. */
  readonly graph?: FlowGraph;
  /** What a changed spec still waits for. */
  readonly progress?: { readonly reason: string; readonly message: string };
  readonly claims: ClaimStatuses;
  readonly tasks: readonly FlowTask[];
}

/** Builds the whole status; equal situations give equal statuses. */
export function flowStatus(observed: Observed, situation: Situation): VideoFlowStatus {
  const { flow, wallMs } = observed;
  const { state, reason, message, tasks, graph } = situation;
  const { generation } = flow.metadata;
  const run = runNumber(flow);
  const begunAgain = run === (flow.status?.run ?? 1) ? flow.status?.begunAgain : undefined;
  const waiting = state === "Pending" ? waitingOf(observed) : undefined;
  const desired = graph === undefined ? tasks.length : taskCount(graph);
  const ready = tasks.filter(isReady).length;
  const decisions = graph === undefined ? [] : decisionsOf(flow.metadata.name, graph, situation);
  const asked = graph === undefined ? 0 : gpuTasks(graph);
  const facts = [
    situation.accepted,
    situation.admitted,
    readyFact(ready, desired),
    degradedFact(tasks, decisions, begunAgain),
    pausedFact(flow.spec, tasks),
    drainedFact(flow.spec, tasks),
    succeededFact(observed, desired, tasks),
    reconcilingFact(situation, ready, desired),
    stalledFact(situation),
  ];
  return {
    observedGeneration: generation,
    run,
    runId: runId(flow),
    ...(begunAgain === undefined ? {} : { begunAgain }),
    ...(waiting === undefined ? {} : { waiting }),
    state,
    reason,
    message,
    ready: `${ready}/${desired}`,
    readyTasks: ready,
    desiredTasks: desired,
    ...(asked === 0 ? {} : { devices: `${decisions.filter(({ deviceType }) => deviceType === "GPU").length}/${asked}` }),
    warnings: warningsOf(observed, situation),
    decisions,
    conditions: conditionsOf(facts, flow.status?.conditions ?? [], generation, wallMs),
  };
}

function gpuTasks(graph: FlowGraph): number {
  return graph.nodes.filter(({ gpuWish, gpuUnsupported }) => gpuWish || gpuUnsupported).reduce((sum, { tasks }) => sum + tasks, 0);
}

function decisionsOf(flow: string, graph: FlowGraph, { claims, host }: Situation): TaskDecision[] {
  if (host === undefined)
    return [...claims].map(([task, { reason, message }]) => onCpu(task, reason ?? "WaitingForDevices", message ?? ""));
  return graph.nodes.flatMap((node) =>
    Array.from({ length: node.tasks }, (_, index) => {
      const task = taskName(flow, node.name, index);
      return decisionOf(task, node, claims);
    }),
  );
}

function decisionOf(task: string, node: GraphNode, claims: ClaimStatuses): TaskDecision {
  const claim = claims.get(task);
  if (claim?.allocation !== undefined) {
    return { task, deviceType: "GPU", devices: claim.allocation.devices, reason: "Allocated", message: claim.message ?? "" };
  }
  if (claim !== undefined) return onCpu(task, claim.reason ?? "CpuFallback", claim.message ?? "");
  if (node.gpuUnsupported) return onCpu(task, "NoGpuSupport", unsupportedText(node));
  return onCpu(task, "CpuWanted", `node ${node.name} asks for no GPU`);
}

function onCpu(task: string, reason: string, message: string): TaskDecision {
  return { task, deviceType: "CPU", devices: [], reason, message };
}

function unsupportedText(node: GraphNode): string {
  const components = node.members.map(({ component }) => component).join(", ");
  return `node ${node.name} asks for a GPU, but the source code of ${components} does not support one: ${node.tasks} of ${node.tasks} tasks on CPU`;
}

function readyFact(ready: number, desired: number): Fact {
  const all = desired > 0 && ready === desired;
  return fact("Ready", all, all ? "TasksReady" : "TasksNotReady", `${ready} of ${desired} tasks are ready`);
}

/** Runs, but below the wish. */
function degradedFact(tasks: readonly FlowTask[], decisions: readonly TaskDecision[], begunAgain: string | undefined): Fact {
  const backoff = tasks.filter(({ status }) => status?.phase === "Backoff");
  const provider = tasks.filter(({ spec, status }) => spec.deviceType === "GPU" && status?.provider?.toLowerCase() === "cpu");
  const lost = tasks.filter(({ status }) => status?.stateLost !== undefined);
  const bereft = tasks.filter((task) => task.status?.devicesLost !== undefined && !isFinal(task));
  const fallback = decisions.filter(({ reason }) => reason === "CpuFallback" || reason === "NoGpuSupport");
  const messages = [
    ...backoff.map(
      ({ metadata, status }) =>
        `task ${metadata.name} waits to be started again: ${status?.message ?? status?.lastExit?.message ?? "it died"}`,
    ),
    ...provider.map(
      ({ metadata, status }) => `task ${metadata.name} has a GPU but computes on the CPU: ${status?.providerReason ?? "no reason given"}`,
    ),
    ...bereft.map(({ metadata, status }) => `task ${metadata.name} lost its device: ${status?.devicesLost}`),
    ...lost.map(({ metadata, status }) => `task ${metadata.name} lost its state: ${status?.stateLost}`),
    ...new Set(fallback.map(({ message }) => message)),
    ...(begunAgain === undefined ? [] : [begunAgain]),
  ];
  const [reason] = [
    ...(backoff.length === 0 ? [] : [backoff.every((task) => hasSibling(task, tasks)) ? "ReplicaLost" : "TaskBackoff"]),
    ...(provider.length > 0 ? ["ProviderFallback"] : []),
    ...(bereft.length > 0 ? ["DeviceLost"] : []),
    ...(lost.length > 0 ? ["StateLost"] : []),
    ...fallback.map((decision) => decision.reason),
    ...(begunAgain === undefined ? [] : ["Restarted"]),
  ];
  return fact(
    "Degraded",
    reason !== undefined,
    reason ?? "AsWished",
    messages.length === 0 ? "all tasks run as wished" : messages.join("; "),
  );
}

/** Another task of its node does its work meanwhile. */
function hasSibling({ spec }: FlowTask, tasks: readonly FlowTask[]): boolean {
  return tasks.some((other) => other.spec.node === spec.node && other.status?.phase === "Running");
}

/** Producers hold back, as far as they have not ended. */
export function pausedFact({ desiredState }: VideoFlowSpec, tasks: readonly FlowTask[]): Fact {
  if (desiredState !== "Paused") return fact("Paused", false, "NotAsked", "the flow is not asked to pause");
  const producers = tasks.filter((task) => isProducer(task) && !isFinal(task));
  const held = producers.filter(isHeldBack).length;
  if (producers.length === 0 && tasks.length > 0)
    return fact("Paused", false, "StreamEnded", "all producers have ended: nothing to hold back");
  const all = held === producers.length && held > 0;
  return fact("Paused", all, all ? "HeldBack" : "Pausing", `${held} of ${producers.length} producers hold back`);
}

function isHeldBack({ metadata, status }: FlowTask): boolean {
  return status?.observedGeneration === metadata.generation && (status.reason === "Paused" || status.reason === "Drained");
}

/** Nothing is in flight: after a stop, because all tasks have ended; in a pause, because all that was given out has been consumed. */
function drainedFact({ desiredState }: VideoFlowSpec, tasks: readonly FlowTask[]): Fact {
  if (desiredState === "Running") return fact("Drained", false, "NotAsked", "the flow is not asked to stop or to pause");
  if (desiredState === "Paused") return drainedInPause(tasks);
  const left = tasks.filter((task) => !isFinal(task)).length;
  return fact("Drained", left === 0, left === 0 ? "AllTasksEnded" : "Draining", `${left} of ${tasks.length} tasks still run`);
}

function drainedInPause(tasks: readonly FlowTask[]): Fact {
  const producers = tasks.filter((task) => isProducer(task) && !isFinal(task));
  const all = producers.length > 0 && producers.every((task) => isHeldBack(task) && task.status?.reason === "Drained");
  return fact("Drained", all, all ? "NothingInFlight" : "Draining", all ? "no message is in flight" : "messages are still in flight");
}

/** GitOps tools wait while this holds. */
function reconcilingFact({ state, reason, message, progress }: Situation, ready: number, desired: number): Fact {
  if (progress !== undefined) return fact("Reconciling", true, progress.reason, progress.message);
  const busy = state === "Pending" || state === "Stopping" || (state === "Running" && ready < desired);
  return fact("Reconciling", busy, busy ? reason : "Settled", busy ? message : "nothing is under way");
}

/** Waiting does not help: somebody must act. */
function stalledFact({ state, reason, message, accepted, progress }: Situation): Fact {
  if (accepted.status === "False") return fact("Stalled", true, accepted.reason, accepted.message);
  if (state === "Failed") return fact("Stalled", true, reason, message);
  if (progress?.reason === "Unsatisfiable") return fact("Stalled", true, progress.reason, progress.message);
  return fact("Stalled", false, "NotStalled", "nothing stands in the way");
}

function succeededFact({ flow }: Observed, desired: number, tasks: readonly FlowTask[]): Fact {
  const failed = tasks.find(({ status }) => status?.phase === "Failed");
  if (failed !== undefined) return fact("Succeeded", false, failed.status?.reason ?? "TaskFailed", failureText(failed));
  const done = tasks.filter(({ status }) => status?.phase === "Succeeded").length;
  if (flow.spec.desiredState === "Stopped")
    return fact("Succeeded", undefined, "Stopped", `stopped when ${done} of ${desired} tasks had finished`);
  if (!hasSucceeded(tasks)) return fact("Succeeded", undefined, "NotFinished", `${done} of ${desired} tasks have finished`);
  return fact("Succeeded", true, successReason(tasks), successText(tasks));
}

/** All tasks of one run finished by themselves, whatever the spec says by now. */
export function hasSucceeded(tasks: readonly FlowTask[]): boolean {
  const [first] = tasks;
  if (first === undefined) return false;
  return tasks.every(({ spec, status }) => status?.phase === "Succeeded" && spec.run === first.spec.run && spec.flowTasks === tasks.length);
}

/** A task that finished with dead letters says so in its reason. */
export function successReason(tasks: readonly FlowTask[]): string {
  return tasks.some(hasDeadLetters) ? "CompletedWithDeadLetters" : "Completed";
}

/** What has become of a run that has succeeded, and whose inputs were given up. */
export function successText(tasks: readonly FlowTask[]): string {
  const done = `all ${tasks.length} tasks have finished`;
  const gaveUp = [...new Set(tasks.filter(hasDeadLetters).map(({ spec }) => spec.node))];
  if (gaveUp.length === 0) return done;
  return `${done}; inputs of ${gaveUp.join(", ")} are in the dead letters`;
}

function hasDeadLetters({ status }: FlowTask): boolean {
  return status?.reason === "CompletedWithDeadLetters";
}

/** "task f.reader.0 failed: …" */
export function failureText({ metadata, status }: FlowTask): string {
  return `task ${metadata.name} failed: ${status?.lastExit?.message ?? status?.message ?? status?.reason ?? "no reason given"}`;
}

/** What the user should know although the flow runs. */
function warningsOf({ shape, hosts }: Observed, { host, claims, graph }: Situation): string[] {
  if (graph === undefined) return [...shape.warnings];
  const cores = hosts.find(({ metadata }) => metadata.name === host)?.status?.cores;
  const cpuBound = cpuBoundTasks(graph, claims);
  const crowded = cores !== undefined && cpuBound > cores ? [`${cpuBound} CPU-bound tasks share ${cores} cores of host ${host}`] : [];
  const unsupported = graph.nodes.filter(({ gpuUnsupported }) => gpuUnsupported).map(unsupportedText);
  return [...new Set([...shape.warnings, ...unsupported, ...crowded])];
}

/** Processor tasks on the CPU, GPU fallbacks included. */
export function cpuBoundTasks(graph: FlowGraph, claims: ClaimStatuses): number {
  const onGpu = [...claims.values()].filter(({ allocation }) => allocation !== undefined).length;
  const processors = graph.nodes.filter(({ role }) => role === "Processor").reduce((sum, { tasks }) => sum + tasks, 0);
  return processors - onGpu;
}
