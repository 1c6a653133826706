/**
 * Tasks whose host is lost: they are dead because their host was fenced or an operator deleted it, or nobody knows.
 * Pure. Nothing is given up on a guess: a host that is only silent keeps its tasks and its devices.
 */
import type { DeviceClaim, FlowTask, VideoFlowStatus } from "../../api/kinds.js";
import { fencedInMs, isReachable } from "../host/reach.js";
import { conditionsOf, fact } from "./conditions.js";
import { runNumber } from "./desired.js";
import { idOf, isFinal } from "./identity.js";
import type { Change, Observed, Plan } from "./observed.js";
import type { Own } from "./own.js";
import { removeTask } from "./teardown.js";

/** Tasks that are certainly dead although their agent did not say so: their Host is deleted, or was silent beyond their fence. */
export function abandonedTasks({ hosts, silence }: Observed, { tasks }: Own): FlowTask[] {
  const known = new Set(hosts.map(({ metadata }) => metadata.name));
  return tasks.filter((task) => {
    if (!known.has(task.spec.host)) return !isFinal(task) || task.metadata.deletionTimestamp !== undefined;
    const leftMs = isFinal(task) ? undefined : fencedInMs(task, silence);
    return leftMs !== undefined && leftMs <= 0;
  });
}

/**
 * Gives up the tasks of a lost host, so that the flow can begin again elsewhere or end.
 *
 * All are marked as stopped before the first one goes, final ones too: should the host come back in between, its agent ends
 * them. Claims of lost tasks stay until they are decided anew: no task is without its claim. That of a final task goes before
 * the task, for it holds nothing as long as the task is there.
 */
export function abandon({ flow }: Observed, { tasks, claims }: Own, lost: readonly FlowTask[]): Plan {
  const host = lost[0]?.spec.host ?? "";
  const why = `host ${host} is lost`;
  const marks = tasks.filter(({ spec }) => spec.desiredState !== "Stopped").map((task): Change => ({ op: "stopTask", task, why }));
  const given = tasks.every((task) => isFinal(task) || lost.includes(task)) ? tasks.flatMap((task) => giveUp(task, claims, why)) : [];
  const changes = marks.length > 0 ? marks : given;
  const message = `${why}: ${lost.length} of ${tasks.length} tasks are given up`;
  const state = flow.metadata.deletionTimestamp === undefined ? "Pending" : "Stopping";
  const begunAgain = { run: runNumber(flow), begunAgain: `${why}; the run began again from its start` };
  const status: VideoFlowStatus = {
    ...{ ...flow.status, ...(state === "Pending" ? begunAgain : {}) },
    ...{ observedGeneration: flow.metadata.generation, state, reason: "HostLost", message },
  };
  return { changes, status, ...(changes.length > 0 ? { requeueAfterMs: 0 } : {}) };
}

/** Of a run that has succeeded nothing begins again: those of its tasks that somebody deleted go, as their host cannot say so. */
export function forget({ flow }: Observed, { claims }: Own, lost: readonly FlowTask[]): Plan {
  const changes = lost.flatMap((task) => giveUp(task, claims, `host ${task.spec.host} is lost`));
  return { changes, status: { ...flow.status, observedGeneration: flow.metadata.generation } };
}

function giveUp(task: FlowTask, claims: readonly DeviceClaim[], why: string): Change[] {
  const spent = isFinal(task) ? claims.filter((claim) => idOf(claim) === idOf(task)) : [];
  return [...spent.map((claim): Change => ({ op: "deleteClaim", claim, why })), ...removeTask(task, why)];
}

/** Says of a flow whose host is silent that nobody knows how its tasks are, and looks again when they are fenced. */
export function withUnreachable(observed: Observed, { tasks }: Own, plan: Plan): Plan {
  const silent = tasks.filter((task) => !isFinal(task) && !isReachable(task.spec.host, observed.silence));
  if (silent.length === 0) return plan;
  const waits = silent.flatMap((task) => fencedInMs(task, observed.silence) ?? []);
  const againMs = Math.min(...waits, plan.requeueAfterMs ?? Number.POSITIVE_INFINITY);
  const requeue = againMs === Number.POSITIVE_INFINITY ? {} : { requeueAfterMs: Math.max(1, againMs) };
  return { ...plan, ...requeue, status: plan.status && unreachableStatus(observed, silent, waits.length === silent.length, plan.status) };
}

function unreachableStatus(
  { flow, wallMs }: Observed,
  silent: readonly FlowTask[],
  isFenced: boolean,
  status: VideoFlowStatus,
): VideoFlowStatus {
  const host = silent[0]?.spec.host;
  const then = isFenced ? "its keeper kills them, then the flow moves" : "they are left alone until it is back or its Host is deleted";
  const message = `host ${host} is not reachable: ${silent.length} tasks may run there or not; ${then}`;
  const ready = fact("Ready", undefined, "HostUnreachable", message);
  const facts = (status.conditions ?? []).map((condition) => (condition.type === "Ready" ? ready : condition));
  const conditions = conditionsOf(facts, flow.status?.conditions ?? [], flow.metadata.generation, wallMs);
  return { ...status, reason: "HostUnreachable", message, conditions };
}
