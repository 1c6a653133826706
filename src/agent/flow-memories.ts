/** The agent's door to shared memory: makes, watches, drains and removes the memory of runs. Tests put a fake here. */
import type { DataPlan } from "../transport/plan.js";
import type { FlowStats } from "../transport/port.js";

export interface FlowMemories {
  /** Makes the folder with all files of the plan. @throws OperatorError SHM_FULL */
  create(dir: string, plan: DataPlan): void;
  /** Statistics of all tasks; owned by the caller, who closes it. */
  stats(dir: string, plan: DataPlan): FlowStats;
  /** Producers end their stream at the next message. */
  requestStop(dir: string, plan: DataPlan): void;
  /** Producers hold back while paused; what is in flight flows on. */
  requestPause(dir: string, plan: DataPlan, paused: boolean): void;
  /** The task takes no further input, commits what it has in hand and ends. Absent: SIGTERM must do. */
  requestRetire?(dir: string, plan: DataPlan, node: string, index: number): void;
  /** The next process of the task may take input again. */
  clearRetire?(dir: string, plan: DataPlan, node: string, index: number): void;
  /** Tasks beyond the number are retired for good, those up to it may start. */
  setTasks?(dir: string, plan: DataPlan, node: string, count: number): void;
  remove(dir: string): void;
}

/** Loaded when the agent starts, not when a command does. */
export async function loadFlowMemories(): Promise<FlowMemories> {
  const { createFlowMemory, openFlowStats, requestPause, requestStop, removeFlowMemory } = await import("../transport/memory.js");
  return { create: createFlowMemory, stats: openFlowStats, requestPause, requestStop, remove: removeFlowMemory };
}
