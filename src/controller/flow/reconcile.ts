/**
 * Stage 6: decides what to change so that the objects of a flow match its spec.
 * Knows what was observed; must not know stores, clocks or processes. Pure, and level-triggered: it looks at what is, not
 * at what happened, so lost and duplicated events do no harm. See docs/adr/0004-embedded-store.md for the order of writes.
 */
import type { FlowTask, VideoFlow, VideoFlowStatus } from "../../api/kinds.js";
import type { Refusal } from "../../api/refusal.js";
import type { FlowGraph } from "../../flow/graph.js";
import { type Admission, admitFlow, type ClaimStatuses, movesAway } from "./admission.js";
import { conditionOf, type Fact, fact } from "./conditions.js";
import { desiredTasks, FLOW_FINALIZER, runId, runNumber, taskCount } from "./desired.js";
import { idOf, isFinal } from "./holding.js";
import { abandon, abandonedTasks, forget, withUnreachable } from "./lost.js";
import type { Change, Observed, Plan } from "./observed.js";
import { type Own, ownOf } from "./own.js";
import { givesUp, hasBegun, isOutdated, refusalAmong, wasRefused } from "./refused.js";
import { canChangeChannels, changeChannels, isHalfDone } from "./relayout.js";
import { keepTasks, pauseTasks, type Rollout, rollOut, targetOf } from "./rollout.js";
import { failureText, flowStatus, hasSucceeded, pausedFact, type Situation, successReason, successText } from "./status.js";
import { isReady, isSurplus } from "./task-state.js";
import { dropIdleClaims, stopTasks, teardown, teardownMarked } from "./teardown.js";
import { remainingMs } from "./waiting.js";

const NO_CLAIMS: ClaimStatuses = new Map();
const ADMITTED = "Admitted";
/** Exit code of a task whose input data is bad: it ended its stream before it ended. */
const EXIT_BAD_DATA = 65;

/**
 * The plan for one flow.
 *
 * A run follows a changed spec while messages flow (rollout.ts). What it cannot follow stops it: all tasks are stopped, and
 * when all are final everything is removed and begins anew. A finished run never runs again; a higher `run` is another one.
 */
export function reconcileFlow(observed: Observed): Plan {
  const own = ownOf(observed.flow, observed.tasks, observed.claims);
  const lost = abandonedTasks(observed, own);
  if (lost.length > 0) return isLatched(observed) ? forget(observed, own, lost) : abandon(observed, own, lost);
  return withUnreachable(observed, own, reconcilePresent(observed, own));
}

function reconcilePresent(observed: Observed, own: Own): Plan {
  if (observed.flow.metadata.deletionTimestamp !== undefined) return reconcileDeletion(observed, own);
  const { changes, ...rest } = reconcileLive(observed, own);
  return { changes: [...adopt(observed), ...freeDeleted(own), ...changes], ...rest };
}

/** A claim that somebody deleted goes once no process can have its devices. */
function freeDeleted({ tasks, claims }: Own): Change[] {
  const ended = new Set(tasks.filter(isFinal).map(idOf));
  const free = claims.filter((claim) => claim.metadata.deletionTimestamp !== undefined && ended.has(idOf(claim)));
  return free.map((claim) => ({ op: "deleteClaim", claim, why: "it was deleted, and its task has ended" }));
}

/** The flow must not vanish before its tasks. */
function adopt({ flow }: Observed): Change[] {
  const finalizers = flow.metadata.finalizers ?? [];
  if (finalizers.includes(FLOW_FINALIZER)) return [];
  return [
    { op: "setFinalizers", object: flow, finalizers: [...finalizers, FLOW_FINALIZER], why: "its tasks must end before it is removed" },
  ];
}

function reconcileDeletion(observed: Observed, own: Own): Plan {
  const { flow } = observed;
  const changes = teardown(own.tasks, own.claims, "the flow is deleted");
  const left = own.tasks.filter((task) => !isFinal(task)).length;
  if (left > 0) {
    const status: VideoFlowStatus = {
      ...flow.status,
      observedGeneration: flow.metadata.generation,
      state: "Stopping",
      reason: "Deleted",
      message: `${left} of ${own.tasks.length} tasks still run`,
    };
    return { changes, status };
  }
  const finalizers = flow.metadata.finalizers ?? [];
  const others = finalizers.filter((name) => name !== FLOW_FINALIZER);
  const release: Change[] =
    others.length === finalizers.length ? [] : [{ op: "setFinalizers", object: flow, finalizers: others, why: "its tasks are gone" }];
  return { changes: [...changes, ...release], status: undefined };
}

function reconcileLive(observed: Observed, own: Own): Plan {
  const { flow, shape } = observed;
  const old = flow.status;
  if (isLatched(observed)) return { changes: [], status: { ...old, observedGeneration: flow.metadata.generation } };
  if (flow.spec.desiredState === "Stopped") return stopFlow(observed, own);
  if (isOldRun(observed, own)) return restart(observed, own, `run ${runNumber(flow)} begins`);
  if (hasSucceeded(own.tasks))
    return { changes: [], status: flowStatus(observed, running(observed, own, claimsOf(own), own.tasks[0]?.spec.host)) };
  if (shape.graph === undefined) return refuseSpec(observed, own);
  if (wasRefused(observed)) return clearAway(observed, own);
  const lost = own.tasks.find(isLost);
  if (lost !== undefined) return beginAgain(observed, own, lossText(lost));
  const refused = own.tasks.find(isCarryOverRefused);
  if (refused !== undefined) return beginAgain(observed, own, refused.status?.message ?? "");
  if (needsRestart(observed, own, shape.graph)) return restart(observed, own, "the run begins anew");
  if (movesAway(observed, own, shape.graph)) return beginAgain(observed, own, `host ${own.tasks[0]?.spec.host} is drained`);
  const refusal = refusalAmong(own.tasks);
  if (refusal !== undefined && !hasBegun(own.tasks)) return holdBack(observed, own, refusal);
  if (isRefused(observed, own)) return { changes: [], status: { ...old, observedGeneration: flow.metadata.generation } };
  return own.tasks.length === 0 ? admit(observed, own, shape.graph) : follow(observed, own, shape.graph);
}

/** This run has succeeded, and that never changes. */
function isLatched({ flow }: Observed): boolean {
  const { metadata, status } = flow;
  if (metadata.deletionTimestamp !== undefined) return false;
  return conditionOf("Succeeded", status?.conditions)?.status === "True" && (status?.run ?? 1) === runNumber(flow);
}

/** Tasks of an earlier run, or of an earlier flow of this name. */
function isOldRun({ flow }: Observed, { tasks }: Own): boolean {
  return tasks.some(({ spec }) => spec.run !== runId(flow));
}

/** The shared memory of the run is gone, and with it all that was in flight. */
function isLost({ status }: FlowTask): boolean {
  return status?.phase === "Failed" && status.reason === "MemoryLost";
}

/** What was committed cannot go on in the channels that the spec asks for. */
function isCarryOverRefused({ status }: FlowTask): boolean {
  return status?.phase === "Failed" && status.reason === "CarryOverRefused";
}

function beginAgain(observed: Observed, own: Own, why: string): Plan {
  const begunAgain = `${why}; the run began again from its start`;
  const { flow } = observed;
  return restart(
    { ...observed, flow: { ...flow, status: { ...flow.status, run: runNumber(flow), begunAgain } } },
    own,
    "the run begins again from its start",
  );
}

function lossText({ spec, status }: FlowTask): string {
  return `host ${spec.host} lost the run's shared memory: ${status?.message ?? "no reason given"}`;
}

function acceptedFact({ shape }: Observed): Fact {
  if (shape.graph === undefined) return fact("Accepted", false, "Invalid", shape.problems.join("; "));
  return fact("Accepted", true, "Valid", "the spec is valid");
}

/** An invalid spec starts nothing, and leaves alone what runs; a run that could only begin anew ends. */
function refuseSpec(observed: Observed, own: Own): Plan {
  const message = observed.shape.problems.join("; ");
  const accepted = acceptedFact(observed);
  if (isCutShort(own.tasks)) return endRun(observed, own, message);
  if (own.tasks.length > 0) {
    const situation = running(observed, own, claimsOf(own), own.tasks[0]?.spec.host);
    const kept = situation.state === "Running" || situation.state === "Pending" ? { reason: "Invalid", message } : {};
    const changes = own.tasks.some(hasFailed) ? stopAfterFailure(own) : leaveAlone(observed, own); // Both would never end.
    return { changes, status: flowStatus(observed, { ...situation, ...kept }) };
  }
  const admitted = fact(ADMITTED, false, "Invalid", "an invalid spec is not admitted");
  const changes = dropIdleClaims(own.tasks, own.claims, "the spec is invalid");
  return {
    changes,
    status: flowStatus(observed, { state: "Failed", reason: "Invalid", message, accepted, admitted, claims: NO_CLAIMS, tasks: [] }),
  };
}

/** Under an invalid spec what runs goes on; what made way for a change works again. */
function leaveAlone({ flow }: Observed, own: Own): Change[] {
  const { desiredState } = flow.spec;
  return isHalfDone(own) ? pauseTasks(own.tasks, desiredState) : keepTasks(own, desiredState);
}

/** What is left of a run would wait for ever for the task that is missing. */
function endRun(observed: Observed, own: Own, problem: string): Plan {
  const left = own.tasks.filter((task) => !isFinal(task)).length;
  const message = `${problem}; a task was stopped, and the run cannot begin anew: ${left} of ${own.tasks.length} tasks still run`;
  const situation = running(observed, own, claimsOf(own), own.tasks[0]?.spec.host);
  return {
    changes: teardownMarked(own.tasks, own.claims, "a task was stopped, and an invalid spec starts no other run"),
    status: flowStatus(observed, { ...situation, state: "Stopping", reason: "Invalid", message }),
    ...(left === 0 ? { requeueAfterMs: 0 } : {}),
  };
}

function stopFlow(observed: Observed, own: Own): Plan {
  const left = own.tasks.filter((task) => !isFinal(task)).length;
  const changes = [...stopTasks(own.tasks, "the flow is stopped"), ...dropIdleClaims(own.tasks, own.claims, "the flow is stopped")];
  const failed = own.tasks.find((task) => hasFailed(task) && !isLost(task) && !isCarryOverRefused(task)); // It would have begun again.
  const claims = claimsOf(own);
  const situation = running(observed, own, claims, own.tasks[0]?.spec.host);
  const admitted = own.tasks.length > 0 ? situation.admitted : fact(ADMITTED, false, "Stopped", "the flow is stopped");
  if (left > 0)
    return {
      changes,
      status: flowStatus(observed, {
        ...situation,
        admitted,
        state: "Stopping",
        reason: "Draining",
        message: `${left} of ${own.tasks.length} tasks still run`,
      }),
    };
  if (failed !== undefined) return { changes, status: flowStatus(observed, { ...situation, admitted }) };
  return {
    changes,
    status: flowStatus(observed, {
      ...situation,
      admitted,
      state: "Stopped",
      reason: "Stopped",
      message: `${own.tasks.length} of ${own.tasks.length} tasks ended`,
    }),
  };
}

/** Tasks that were stopped although the flow should run and none has failed, or a run that cannot follow the spec. */
function needsRestart({ shape }: Observed, { tasks }: Own, graph: FlowGraph): boolean {
  if (tasks.some(hasFailed)) return tasks.some(({ spec }) => shape.hashes.get(`${spec.node}.${spec.index}`) !== spec.templateHash);
  return isCutShort(tasks) || (isOtherLayout({ shape }, tasks, graph) && !canChangeChannels({ tasks, claims: [] }, graph));
}

/** None has failed, yet one was stopped, or somebody deleted it: the run cannot end by itself. */
function isCutShort(tasks: readonly FlowTask[]): boolean {
  const isStopped = (task: FlowTask) =>
    task.spec.desiredState === "Stopped" ||
    task.status?.phase === "Stopped" ||
    (task.metadata.deletionTimestamp !== undefined && task.status?.phase !== "Succeeded");
  return !tasks.some(hasFailed) && tasks.some((task) => !isSurplus(task) && isStopped(task));
}

function hasFailed({ status }: FlowTask): boolean {
  return status?.phase === "Failed";
}

/** The spec needs other channels than those of the run. */
function isOtherLayout(observed: Pick<Observed, "shape">, tasks: readonly FlowTask[], graph: FlowGraph): boolean {
  if (tasks.length === 0) return false;
  const { layout } = targetOf(observed, tasks, graph);
  return tasks.some((task) => task.spec.layoutHash !== layout);
}

function restart(observed: Observed, own: Own, why: string): Plan {
  const left = own.tasks.filter((task) => !isFinal(task)).length;
  const message = `${why}: ${left} of ${own.tasks.length} old tasks still run`;
  const situation: Situation = {
    ...running(observed, { tasks: [], claims: [] }, NO_CLAIMS, own.tasks[0]?.spec.host),
    admitted: fact(ADMITTED, undefined, "Restarting", message),
    state: "Pending",
    reason: "Restarting",
    message,
    progress: { reason: "Restarting", message },
  };
  const changes = teardownMarked(own.tasks, own.claims, why);
  return { changes, status: flowStatus(observed, situation), ...(left === 0 ? { requeueAfterMs: 0 } : {}) };
}

/** Refused for this generation of the spec: that does not change when a device frees. */
function isRefused({ flow }: Observed, { tasks, claims }: Own): boolean {
  const admitted = conditionOf(ADMITTED, flow.status?.conditions);
  return (
    tasks.length === 0 &&
    claims.length === 0 &&
    flow.status?.state === "Failed" &&
    admitted?.status === "False" &&
    admitted.observedGeneration === flow.metadata.generation
  );
}

/** Its host refused it: what was made for it goes, and it stays as it is until its spec changes or another run is asked for. */
function clearAway({ flow }: Observed, own: Own): Plan {
  const changes = teardown(own.tasks, own.claims, "its host refused the flow");
  return { changes, status: { ...flow.status, observedGeneration: flow.metadata.generation } };
}

/**
 * Nothing has started, because the host does not let it: the flow waits for what is missing, or is refused. That it is refused stands in
 * its status before anything of it goes: what is left after a crash, or after a write that lost a race, must not look like a run cut short.
 */
function holdBack(observed: Observed, own: Own, refusal: Refusal): Plan {
  if (isOutdated(observed, own)) return restart(observed, own, "nothing had run yet of what is not wanted any more");
  const { reason, message } = refusal;
  const admitted = fact(ADMITTED, false, reason, message);
  const isGivenUp = givesUp(observed, refusal);
  const state = isGivenUp ? "Failed" : "Pending";
  const situation = { ...running(observed, own, claimsOf(own), own.tasks[0]?.spec.host), state, reason, message, admitted } as const;
  const leftMs = isGivenUp ? 0 : remainingMs(observed);
  return { changes: [], status: flowStatus(observed, situation), ...(leftMs === undefined ? {} : { requeueAfterMs: Math.max(0, leftMs) }) };
}

/** A run that has no tasks yet: all claims are decided, then all tasks are made. */
function admit(observed: Observed, own: Own, graph: FlowGraph): Plan {
  const admission = admitFlow(observed, own, graph);
  if (admission.outcome !== "Admitted") return notAdmitted(observed, admission);
  const situation = running(observed, own, admission.claims, admission.host);
  return { changes: [...admission.changes, ...firstTasks(observed, graph, admission)], status: flowStatus(observed, situation) };
}

/** A run that has tasks follows the spec, unless one of them has failed. */
function follow(observed: Observed, own: Own, graph: FlowGraph): Plan {
  const host = own.tasks[0]?.spec.host as string;
  if (own.tasks.some(hasFailed))
    return { changes: stopAfterFailure(own), status: flowStatus(observed, running(observed, own, claimsOf(own), host)) };
  const { changes, claims, progress, isRefused: refused, graph: present } = followSpec(observed, own, graph, host);
  if (refused && own.tasks.every(({ status }) => status?.templateHash === undefined)) {
    return restart(observed, own, "nothing had run yet of what is not wanted any more");
  }
  const situation = running(observed, own, claims, host, present);
  const refusal = refusalAmong(own.tasks);
  if (refusal !== undefined)
    return {
      changes,
      status: flowStatus(observed, { ...situation, progress: refusal, message: `${situation.message}; ${refusal.message}` }),
    };
  const told = progress === undefined ? {} : { progress, message: `${situation.message}; ${progress.message}` };
  // Of a change that a crash cut in two nothing can start until it can be finished.
  const waits = refused && situation.state === "Pending" && isHalfDone(own) && progress !== undefined ? { reason: progress.reason } : {};
  return { changes, status: flowStatus(observed, { ...situation, ...told, ...waits }) };
}

function followSpec(observed: Observed, own: Own, graph: FlowGraph, host: string): Rollout {
  const target = targetOf(observed, own.tasks, graph);
  return isOtherLayout(observed, own.tasks, graph) ? changeChannels(observed, own, target, host) : rollOut(observed, own, target, host);
}

function notAdmitted(observed: Observed, admission: Exclude<Admission, { outcome: "Admitted" }>): Plan {
  const { reason, message, changes, requeueAfterMs } = admission;
  const state = admission.outcome === "Refused" ? "Failed" : "Pending";
  const admitted = fact(ADMITTED, false, reason, message);
  const status = flowStatus(observed, { state, reason, message, accepted: acceptedFact(observed), admitted, claims: NO_CLAIMS, tasks: [] });
  return { changes, status, ...(requeueAfterMs === undefined ? {} : { requeueAfterMs }) };
}

/** Deterministic names: a second controller, or one with a stale view, can make no second child. */
function firstTasks(
  { flow, shape }: Observed,
  graph: FlowGraph,
  { host, run, claims }: Extract<Admission, { outcome: "Admitted" }>,
): Change[] {
  const onGpu = new Set([...claims].filter(([, { allocation }]) => allocation !== undefined).map(([name]) => name));
  const tasks = desiredTasks(flow, graph, shape.channels, { host, run, onGpu });
  return tasks.map((task) => ({ op: "createTask", task, why: "the spec asks for it" }));
}

/** The others drain if the failed task ended its stream; else they would wait for ever and are stopped. */
function stopAfterFailure({ tasks }: Own): Change[] {
  const failed = tasks.filter(hasFailed);
  if (failed.length === 0 || failed.every(endedItsStream)) return [];
  return stopTasks(tasks, `task ${failed[0]?.metadata.name} failed`);
}

function endedItsStream({ spec, status }: FlowTask): boolean {
  return spec.members[0]?.role === "Producer" && status?.lastExit?.code === EXIT_BAD_DATA;
}

function claimsOf({ claims }: Own): ClaimStatuses {
  return new Map(claims.flatMap(({ metadata, status }) => (status === undefined ? [] : [[metadata.name, status] as const])));
}

/** The situation of a flow that has, or is about to get, tasks: it follows from them. */
function running(
  observed: Observed,
  own: Own,
  claims: ClaimStatuses,
  host: string | undefined,
  graph: FlowGraph | undefined = observed.shape.graph,
): Situation {
  const { tasks } = own;
  const desired = graph === undefined ? tasks.length : taskCount(graph);
  const devices = [...new Set([...claims.values()].flatMap(({ message }) => (message === undefined ? [] : [message])))].join("; ");
  const admitted = fact(ADMITTED, true, ADMITTED, devices === "" ? `${desired} tasks on host ${host}` : devices);
  const base = {
    ...{ accepted: acceptedFact(observed), admitted, claims, tasks },
    ...(graph === undefined ? {} : { graph }),
    ...(host === undefined ? {} : { host }),
  };
  return { ...base, ...stateOf(observed.flow, tasks, desired, devices) };
}

function stateOf(
  { spec }: VideoFlow,
  tasks: readonly FlowTask[],
  desired: number,
  devices: string,
): Pick<Situation, "state" | "reason" | "message"> {
  const failed = tasks.find(hasFailed);
  const left = tasks.filter((task) => !isFinal(task)).length;
  const reason = failed?.status?.reason ?? "TaskFailed";
  if (failed !== undefined && left > 0)
    return { state: "Stopping", reason, message: `${failureText(failed)}; ${left} of ${tasks.length} tasks still run` };
  if (failed !== undefined) return { state: "Failed", reason, message: failureText(failed) };
  if (hasSucceeded(tasks)) return { state: "Succeeded", reason: successReason(tasks), message: successText(tasks) };
  const ready = tasks.filter(isReady).length;
  const message = `${ready} of ${desired} tasks are ready${devices === "" ? "" : `; ${devices}`}`;
  const paused = spec.desiredState === "Paused" && pausedFact(spec, tasks).status === "True";
  if (paused) return { state: "Paused", reason: "Paused", message };
  return ready === desired
    ? { state: "Running", reason: "TasksReady", message }
    : { state: tasks.some(({ status }) => status?.phase === "Running") ? "Running" : "Pending", reason: "TasksStarting", message };
}

/** What remains of a flow that is not there any more: its tasks end, then they and their claims go. */
export function reconcileOrphans(
  key: { namespace: string; name: string },
  observed: Pick<Observed, "tasks" | "claims">,
): readonly Change[] {
  const own = ownOf({ metadata: key } as Observed["flow"], observed.tasks, observed.claims);
  return teardown(own.tasks, own.claims, `flow ${idOf({ metadata: key })} is gone`);
}
