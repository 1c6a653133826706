/** Steering a whole flow through the words of its header. */
import { Bells } from "./bells.js";
import { openControl } from "./files.js";
import { HEADER, type Layout, type NodeLayout, TASK, type TaskLayout } from "./layout.js";
import type { DataPlan } from "./plan.js";

/** Wakes every task of the flow: after a death, and whenever a word that sleepers cannot see has changed. */
export function ringAll(dir: string, plan: DataPlan): void {
  const memory = openControl(dir, plan);
  const bells = new Bells(memory, -1);
  for (const node of memory.layout.nodes) for (const task of node.tasks) bells.ring(node, task);
  bells.close();
  memory.unmap();
}

/** Asks the flow to drain: producers end their streams at the next message, everything downstream by end of stream. */
export function requestStop(dir: string, plan: DataPlan): void {
  setHeader(dir, plan, HEADER.stop, 1);
}

/** Producers hold back while paused; what is in flight flows on. */
export function requestPause(dir: string, plan: DataPlan, paused: boolean): void {
  setHeader(dir, plan, HEADER.pause, paused ? 1 : 0);
}

/**
 * Asks one task to make way: it takes no further input, commits what it has in hand, and its process ends with EXIT_RETIRED. The
 * next incarnation goes on where it stopped, once {@link clearRetire} was called. A task that is not running would leave at once.
 */
export function requestRetire(dir: string, plan: DataPlan, node: string, taskIndex: number): void {
  setRetire(dir, plan, node, taskIndex, 1);
}

/** Call it while the task is dead: its next incarnation works. */
export function clearRetire(dir: string, plan: DataPlan, node: string, taskIndex: number): void {
  setRetire(dir, plan, node, taskIndex, 0);
}

function setRetire(dir: string, plan: DataPlan, name: string, taskIndex: number, value: number): void {
  const memory = openControl(dir, plan);
  const { node, task } = taskOf(memory.layout, name, taskIndex);
  Atomics.store(memory.i32, task.region + TASK.retire, value);
  const bells = new Bells(memory, -1);
  bells.ring(node, task);
  bells.close();
  memory.unmap();
}

/** @throws RangeError */
function taskOf({ nodes }: Layout, name: string, index: number): { readonly node: NodeLayout; readonly task: TaskLayout } {
  const node = nodes.find((candidate) => candidate.plan.name === name);
  const task = node?.tasks[index];
  if (node === undefined || task === undefined) throw new RangeError(`the plan has no task ${name}.${index}`);
  return { node, task };
}

function setHeader(dir: string, plan: DataPlan, at: number, value: number): void {
  const memory = openControl(dir, plan);
  Atomics.store(memory.i32, at, value);
  memory.unmap();
  ringAll(dir, plan);
}
