/** Flows whose host does not let them start: a component that it does not allow, a file or a Secret that is not there. Pure. */
import type { FlowTask } from "../../api/kinds.js";
import { REFUSALS, type Refusal, refusalOf } from "../../api/refusal.js";
import { conditionOf } from "./conditions.js";
import { isFinal } from "./holding.js";
import type { Observed } from "./observed.js";
import type { Own } from "./own.js";
import { remainingMs } from "./waiting.js";

/** So many different messages are told; the rest is counted. */
const MOST_MESSAGES = 4;

/** What the tasks of a flow are refused for: the first reason, one that no wait can help before others, with what each task says of it. */
export function refusalAmong(tasks: readonly FlowTask[]): Refusal | undefined {
  const all = tasks.flatMap((task) => (isFinal(task) ? [] : (refusalOf(task) ?? [])));
  const first = all.find(({ reason }) => REFUSALS[reason] === "Final") ?? all[0];
  if (first === undefined) return undefined;
  const messages = [...new Set(all.filter(({ reason }) => reason === first.reason).map(({ message }) => message))];
  const more = messages.length - MOST_MESSAGES;
  return { reason: first.reason, message: [...messages.slice(0, MOST_MESSAGES), ...(more > 0 ? [`${more} more`] : [])].join("; ") };
}

/** Some process of these tasks was started. */
export function hasBegun(tasks: readonly FlowTask[]): boolean {
  return tasks.some(({ status }) => status?.pid !== undefined || status?.templateHash !== undefined || status?.lastExit !== undefined);
}

/** The flow was refused for this generation of its spec, and what was made for it may still be there. */
export function wasRefused({ flow }: Observed): boolean {
  const admitted = conditionOf("Admitted", flow.status?.conditions);
  return (
    flow.status?.state === "Failed" &&
    admitted?.status === "False" &&
    admitted.observedGeneration === flow.metadata.generation &&
    Object.hasOwn(REFUSALS, admitted.reason)
  );
}

/** Whether the flow must not wait for what its host lacks. */
export function givesUp(observed: Observed, { reason }: Refusal): boolean {
  const { flow, defaultAdmission } = observed;
  const policy = flow.spec.admission?.policy ?? defaultAdmission;
  return REFUSALS[reason] === "Final" || policy === "Fail" || (remainingMs(observed) ?? Number.POSITIVE_INFINITY) <= 0;
}

/** Its tasks are of another template or number than the spec asks for. */
export function isOutdated({ shape }: Observed, { tasks }: Own): boolean {
  const present = new Map(tasks.map(({ spec }) => [`${spec.node}.${spec.index}`, spec.templateHash]));
  return present.size !== shape.hashes.size || [...shape.hashes].some(([task, hash]) => present.get(task) !== hash);
}
