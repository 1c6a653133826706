/**
 * Brings a run to other channels than those it began with, and loses nothing of it: producers hold back until nothing moves,
 * all tasks make way, then every task learns its new channels, and the agent carries over what was committed before it starts one.
 * Knows what was observed; must not know how memory is carried over. Pure, and level-triggered: it can begin anywhere.
 */
import type { FlowTask } from "../../api/kinds.js";
import type { FlowGraph } from "../../flow/graph.js";
import { reviseClaims } from "./claims-revision.js";
import { desiredTasks, runId } from "./desired.js";
import { isFinal } from "./holding.js";
import type { Change, Observed } from "./observed.js";
import type { Own } from "./own.js";
import {
  claimStatuses,
  keepTasks,
  onGpuOf,
  type Progress,
  type Rollout,
  shortageOf,
  type Target,
  updateTask,
  waitsFor,
} from "./rollout.js";
import { isProducer, isRetired, isSurplus } from "./task-state.js";
import { removeTask, teardown } from "./teardown.js";

/** What is to be done next with the tasks of the run. */
type Step = "Pause" | "Retire" | "Replace" | "Wait";

/**
 * Whether the run has tasks with other channels, and all that was committed can go on in the new ones. A stream that has ended
 * cannot; neither can what waits for partners in a join by time, or a run in which nothing was ever ready.
 */
export function canChangeChannels({ tasks }: Own, { flowType }: FlowGraph): boolean {
  const there = tasks.filter((task) => !isSurplus(task));
  if (there.some((task) => isFinal(task) || task.spec.flowType !== flowType)) return false;
  if (there.every(({ status }) => status?.templateHash === undefined)) return false;
  const stuck = there.every(isRetired) && there.some((task) => isProducer(task) && task.status?.rest === "Held");
  return !stuck;
}

/** @param target of another layout than some of the tasks. */
export function changeChannels(observed: Observed, own: Own, target: Target, host: string): Rollout {
  const { graph } = target;
  const revision = reviseClaims(observed, own, graph, host);
  const refusal = revision.outcome === "Refused" ? revision : shortageOf(observed, own, host, observed.shape.memoryBytes);
  const present = claimStatuses(own);
  if (refusal !== undefined) {
    const kept = isHalfDone(own) ? [] : keepTasks(own, observed.flow.spec.desiredState); // Half of them could not work.
    return { changes: kept, claims: present, graph, progress: waitsFor(refusal), isRefused: true };
  }
  const there = own.tasks.filter((task) => !isSurplus(task));
  const step = stepOf(there, own.tasks.length - there.length);
  const leavers = own.tasks.filter((task) => isSurplus(task) && isFinal(task));
  const claims = revision.outcome === "Granted" ? revision.claims : present;
  const changes = [...removeAll(leavers, own), ...(step === "Wait" ? [] : STEPS[step](there))];
  if (step !== "Replace" || revision.outcome !== "Granted") {
    return { changes: step === "Replace" ? [] : changes, claims: present, graph, progress: progressOf(step, there), isRefused: false };
  }
  const wanted = desiredTasks(observed.flow, graph, target.channels, { host, run: runId(observed.flow), onGpu: onGpuOf(claims) });
  const names = new Map(wanted.map((task) => [task.metadata.name, task]));
  const known = new Set(own.tasks.map(({ metadata }) => metadata.name));
  return {
    changes: [
      ...revision.changes,
      ...there.flatMap((task) => {
        const want = names.get(task.metadata.name);
        return want === undefined ? [] : updateTask(task, want.spec, CHANGED);
      }),
      ...wanted.filter(({ metadata }) => !known.has(metadata.name)).map((task): Change => ({ op: "createTask", task, why: CHANGED })),
      ...removeAll(
        there.filter(({ metadata }) => !names.has(metadata.name)),
        own,
      ),
    ],
    claims,
    graph,
    progress: progressOf(step, there),
    isRefused: false,
  };
}

/** Some tasks know other channels than the rest: only a crash between two writes leaves that. */
export function isHalfDone({ tasks }: Own): boolean {
  return tasks.some(({ spec }) => spec.layoutHash !== tasks[0]?.spec.layoutHash);
}

const CHANGED = "the flow has other channels";

const STEPS: Readonly<Record<"Pause" | "Retire" | "Replace", (tasks: readonly FlowTask[]) => Change[]>> = {
  Pause: (tasks) =>
    tasks.flatMap((task) => ask(task, isProducer(task) ? "Paused" : "Running", "nothing may be in flight when channels change")),
  Retire: (tasks) => tasks.flatMap((task) => ask(task, "Retired", "the channels change while no process lives")),
  Replace: () => [],
};

function ask(task: FlowTask, desiredState: FlowTask["spec"]["desiredState"], why: string): Change[] {
  return updateTask(task, { ...task.spec, desiredState }, why);
}

/** Once some are asked to make way all are; only what is found in flight when no process is left lets them work again. */
function stepOf(tasks: readonly FlowTask[], leaving: number): Step {
  const producers = tasks.filter(isProducer);
  const retired = tasks.filter(isRetired).length;
  if (retired === tasks.length && leaving > 0) return "Wait";
  if (retired === tasks.length) {
    if (producers.every(({ status }) => status?.rest === "Free")) return "Replace";
    return producers.some(({ status }) => status?.rest === "Moving") ? "Pause" : "Wait";
  }
  if (tasks.some(({ spec }) => spec.desiredState === "Retired")) return "Retire";
  return producers.every((task) => isAtRest(task) || hasNoProcess(task)) ? "Retire" : "Pause";
}

/**
 * It cannot hold back: a run of which a crash left only a part of the new tasks never begins, so it is not waited for. What its
 * agent said before it was asked does not count: one that had made way is about to work again.
 */
function hasNoProcess({ metadata, status }: FlowTask): boolean {
  if (status?.phase === undefined) return true;
  return status.phase === "Pending" && status.observedGeneration === metadata.generation;
}

/** It holds back, and nothing moves in the flow; what consumers have set aside they settle when they make way. */
function isAtRest({ metadata, spec, status }: FlowTask): boolean {
  const isSeen = status?.observedGeneration === metadata.generation;
  return spec.desiredState === "Paused" && isSeen && (status?.rest === "Free" || status?.rest === "Held");
}

/** Their agent proved that they have no process, and starts none: the claim goes first, then the task. */
function removeAll(tasks: readonly FlowTask[], { claims }: Own): Change[] {
  return tasks.flatMap((task) => {
    const held = claims.filter(({ metadata }) => metadata.name === task.metadata.name);
    if (isFinal(task)) return teardown([task], held, "the spec has no such task");
    const given = held.map((claim): Change => ({ op: "deleteClaim", claim, why: "the spec has no such task" }));
    return [...given, ...removeTask(task, "the spec has no such task")];
  });
}

function progressOf(step: Step, tasks: readonly FlowTask[]): Progress {
  const left = tasks.filter((task) => !isRetired(task)).length;
  const text = {
    Pause: "its producers hold back until nothing is in flight",
    Retire: `${left} of ${tasks.length} tasks have not made way yet`,
    Wait: `${left} of ${tasks.length} tasks have not made way yet`,
    Replace: "what was committed is carried over",
  }[step];
  return { reason: "ChangingChannels", message: `the flow gets other channels: ${text}` };
}
