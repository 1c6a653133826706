/** What those who look after a flow need of the data plane: create, watch, steer, recover, remove. */

export { type CarryOverOptions, carryOver } from "./carry-over.js";
export { clearRetire, quiesce, requestPause, requestRetire, requestStop, ringAll, setTasks } from "./control.js";
export { createFlowMemory, giveFlowMemory, readPlan, readWholePlan, removeFlowMemory } from "./files.js";
export { type RecoverOptions, recoverTask } from "./recover.js";
export { openFlowStats } from "./stats.js";
