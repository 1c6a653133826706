/** The end of a run's objects: tasks are asked to stop; when all are final, claims go, then tasks. Pure. */
import type { DeviceClaim, FlowTask } from "../../api/kinds.js";
import { idOf, isFinal } from "./holding.js";
import type { Change } from "./observed.js";

/** Asks every task that still runs to drain and end. */
export function stopTasks(tasks: readonly FlowTask[], why: string): Change[] {
  return tasks.filter((task) => !isFinal(task) && task.spec.desiredState !== "Stopped").map((task) => ({ op: "stopTask", task, why }));
}

/**
 * The next changes towards "no tasks, no claims".
 *
 * A claim goes before its task: while the final task is there the claim holds nothing, so a device can never be held by
 * a claim whose task somebody forgot, and never be free while a process has it.
 */
export function teardown(tasks: readonly FlowTask[], claims: readonly DeviceClaim[], why: string): Change[] {
  if (!tasks.every(isFinal)) return stopTasks(tasks, why);
  return [...claims.map((claim): Change => ({ op: "deleteClaim", claim, why })), ...tasks.flatMap((task) => removeTask(task, why))];
}

/** Claims of tasks that are not there: their devices are free, for no process ever had them. */
export function dropIdleClaims(tasks: readonly FlowTask[], claims: readonly DeviceClaim[], why: string): Change[] {
  const known = new Set(tasks.map(idOf));
  return claims.filter((claim) => !known.has(idOf(claim))).map((claim) => ({ op: "deleteClaim", claim, why }));
}

/**
 * As {@link teardown}, for a run that begins anew.
 *
 * Every task is marked as stopped, final ones too, before the first one goes; failed ones go first. So whatever is left
 * after a crash still says that its run is over.
 */
export function teardownMarked(tasks: readonly FlowTask[], claims: readonly DeviceClaim[], why: string): Change[] {
  if (!tasks.every(isFinal)) return stopTasks(tasks, why);
  const marks = tasks.filter(({ spec }) => spec.desiredState !== "Stopped").map((task): Change => ({ op: "stopTask", task, why }));
  if (marks.length > 0) return marks;
  return teardown(
    tasks.toSorted((a, b) => failedFirst(a) - failedFirst(b)),
    claims,
    why,
  );
}

function failedFirst({ status }: FlowTask): number {
  return status?.phase === "Failed" ? 0 : 1;
}

/** Lets go of a task whose processes are dead. */
export function removeTask(task: FlowTask, why: string): Change[] {
  const finalizers = task.metadata.finalizers ?? [];
  const release: Change[] =
    finalizers.length === 0 ? [] : [{ op: "setFinalizers", object: task, finalizers: [], why: "its process tree is proved dead" }];
  return [...release, { op: "deleteTask", task, why }];
}
