/** Conditions in Kubernetes' words. Pure. */
import type { Condition } from "../../api/kinds.js";

/** A condition before it is known when it changed. */
export type Fact = Pick<Condition, "type" | "status" | "reason" | "message">;

/** Whether something holds, and why. */
export function fact(type: string, holds: boolean | undefined, reason: string, message: string): Fact {
  return { type, status: holds === undefined ? "Unknown" : holds ? "True" : "False", reason, message };
}

/** Stamps the facts; the time of a condition changes only with its status. */
export function conditionsOf(facts: readonly Fact[], old: readonly Condition[], generation: number, wallMs: number): Condition[] {
  return facts.map((entry) => {
    const before = old.find(({ type }) => type === entry.type);
    const lastTransitionTime = before?.status === entry.status ? before.lastTransitionTime : new Date(wallMs).toISOString();
    return { ...entry, observedGeneration: generation, lastTransitionTime };
  });
}

export function conditionOf(type: string, conditions: readonly Condition[] | undefined): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}
