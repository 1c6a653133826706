/** The agent's door to shared memory: makes, watches, drains and removes the memory of runs. Tests put a fake here. */
import type { TaskUser } from "../base/task-user.js";
import type { DataPlan } from "../transport/plan.js";
import type { FlowStats } from "../transport/port.js";

export interface FlowMemories {
  /** Makes the folder with all files of the plan. @throws OperatorError SHM_FULL */
  create(dir: string, plan: DataPlan): void;
  /** The plan of a folder that was made whole before. @throws OperatorError SHM_INVALID if it was not. */
  planOf(dir: string): DataPlan;
  /** Statistics of all tasks; owned by the caller, who closes it. */
  stats(dir: string, plan: DataPlan): FlowStats;
  /** Producers end their stream at the next message. */
  requestStop(dir: string, plan: DataPlan): void;
  /** Producers hold back while paused; what is in flight flows on. */
  requestPause(dir: string, plan: DataPlan, paused: boolean): void;
  /** The task takes no further input, commits what it has in hand and ends. */
  requestRetire(dir: string, plan: DataPlan, node: string, index: number): void;
  /** The next process of the task may take input again; while it has none. */
  clearRetire(dir: string, plan: DataPlan, node: string, index: number): void;
  /**
   * Tasks beyond the number are retired for good, those up to it may start.
   *
   * @returns the number that counts: another one if the stream of the node is ending.
   */
  setTasks(dir: string, plan: DataPlan, node: string, count: number): number;
  /**
   * What was committed counts in another memory of the same flow, which was made and not used yet; nodes of the same name go on.
   *
   * @throws OperatorError CARRY_OVER_REFUSED
   */
  carryOver(oldDir: string, oldPlan: DataPlan, newDir: string, newPlan: DataPlan): void;
  remove(dir: string): void;
  /** Lets tasks of another user work in it, once it was made. Absent: tasks have the agent's. */
  give?(dir: string): void;
}

/** Loaded when the agent starts, not when a command does. @param user of the tasks, if not the agent's own. */
export async function loadFlowMemories(user?: TaskUser): Promise<FlowMemories> {
  const memory = await import("../transport/memory.js");
  const {
    createFlowMemory,
    openFlowStats,
    readWholePlan,
    removeFlowMemory,
    requestPause,
    requestStop,
    requestRetire,
    clearRetire,
    setTasks,
    carryOver,
    giveFlowMemory,
  } = memory;
  return {
    ...{ create: createFlowMemory, planOf: readWholePlan, stats: openFlowStats, remove: removeFlowMemory },
    ...{ requestPause, requestStop, requestRetire, clearRetire, setTasks, carryOver },
    ...(user === undefined ? {} : { give: (dir: string) => giveFlowMemory(dir, user) }),
  };
}
