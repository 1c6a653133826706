/** What a task's object says about its process. Pure. */
import type { FlowTask } from "../../api/kinds.js";
import { isFinal } from "./holding.js";

/** Its agent proved that it has no process, and starts none before it is asked to. */
export function isRetired({ metadata, spec, status }: FlowTask): boolean {
  const seen = status?.observedGeneration === metadata.generation;
  return spec.desiredState === "Retired" && seen && status?.phase === "Pending" && status.reason === "Retired";
}

/** One too many for its node: retired for good. */
export function isSurplus({ spec }: FlowTask): boolean {
  return spec.index >= spec.nbTasks;
}

/** Its process of the template that the spec asks for was not ready yet. */
export function isInProgress(task: FlowTask): boolean {
  return !isFinal(task) && !isSurplus(task) && task.status?.templateHash !== task.spec.templateHash;
}

/** It runs, or has finished. */
export function isReady({ status }: FlowTask): boolean {
  return status?.phase === "Running" || status?.phase === "Succeeded";
}

export function isProducer({ spec }: FlowTask): boolean {
  return spec.members[0]?.role === "Producer";
}
