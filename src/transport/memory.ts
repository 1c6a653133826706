/** What those who look after a flow need of the data plane: create, watch, steer, recover, remove. */
import { layoutOf } from "./layout.js";
import type { DataPlan } from "./plan.js";

export { type CarryOverOptions, carryOver } from "./carry-over.js";
export { clearRetire, quiesce, requestPause, requestRetire, requestStop, ringAll, setTasks } from "./control.js";
export { createFlowMemory, giveFlowMemory, readPlan, readWholePlan, removeFlowMemory } from "./files.js";
export { type RecoverOptions, recoverTask } from "./recover.js";
export { openFlowStats } from "./stats.js";

/** Where the memory of a run lies unless the user names another folder. */
export function flowMemoryDir(runId: string, root = "/dev/shm"): string {
  return `${root}/videoflow-${process.getuid?.() ?? 0}/${runId}`;
}

/** Shared memory that a flow may need, in bytes. */
export function flowMemoryBytes(plan: DataPlan): number {
  return layoutOf(plan).budgetBytes;
}
