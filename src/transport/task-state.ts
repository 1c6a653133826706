/** Codes of the state word of a task, in their order in shared memory. */
import type { TaskState } from "./port.js";

export const TASK_STATES: readonly TaskState[] = [
  "none",
  "opening",
  "working",
  "waiting-input",
  "waiting-space",
  "user-code",
  "ended",
  "retired",
];

export function stateCode(state: TaskState): number {
  return TASK_STATES.indexOf(state);
}
