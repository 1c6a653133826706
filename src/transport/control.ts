/** Steering a whole flow through the words of its header. */
import { performance } from "node:perf_hooks";
import { OperatorError } from "../base/errors.js";
import { Bells } from "./bells.js";
import { type ControlMemory, createTaskFiles, giveAsBefore, openControl } from "./files.js";
import { HEADER, type Layout, mostAdded, NODE, type NodeLayout, TASK, type TaskLayout } from "./layout.js";
import type { DataPlan } from "./plan.js";
import type { Rest } from "./port.js";
import { isFinal, liveTasks, startedTasks, storeTasks } from "./replicas.js";
import { restOf } from "./rest.js";

const REST_LOOK_MS = 10;

/** Wakes every task of the flow: after a death, and whenever a word that sleepers cannot see has changed. */
export function ringAll(dir: string, plan: DataPlan): void {
  const memory = openControl(dir, plan);
  const bells = new Bells(memory, -1);
  bells.ringAll();
  bells.close();
  memory.unmap();
}

/**
 * Pauses the producers and waits until nothing moves, so that the topology of the flow may change once its tasks made way.
 *
 * @returns what rest there is after at most `timeoutMs`; the flow stays paused.
 */
export async function quiesce(dir: string, plan: DataPlan, timeoutMs: number): Promise<Rest> {
  requestPause(dir, plan, true);
  const memory = openControl(dir, plan);
  try {
    for (const endMs = performance.now() + timeoutMs; ; await new Promise((resolve) => setTimeout(resolve, REST_LOOK_MS))) {
      const rest = restOf(memory);
      if (rest !== "moving" || performance.now() >= endMs) return rest;
    }
  } finally {
    memory.unmap();
  }
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

export interface SetTasksOptions {
  /** Crash points of the tests. */
  readonly step?: (label: string) => void;
}

/**
 * Sets the number of replicas of a node while messages flow. New ones are started by the caller; those with an index beyond the
 * number finish what they have in hand and end with EXIT_RETIRED; what one of them had in hand when it died, its siblings take. Of a
 * partitioned node no process may live meanwhile. May be interrupted anywhere and done again.
 *
 * @returns the number that counts: another one than asked for if the stream of the node is ending already.
 * @throws OperatorError REPLICAS_BUSY, SHM_FULL; RangeError for a number that is not 1 to the capacity.
 */
export function setTasks(dir: string, plan: DataPlan, name: string, count: number, options: SetTasksOptions = {}): number {
  const memory = openControl(dir, plan);
  try {
    const node = nodeOf(memory.layout, name);
    if (!(count >= 1 && count <= node.tasks.length))
      throw new RangeError(`node ${name} may have 1 to ${node.tasks.length} replicas, not ${count}`);
    if (isFinal(memory.i32, node)) return liveTasks(memory.i32, node);
    if (node.plan.partitionBy !== undefined) refuseBusy(memory, node);
    makeRoom(memory, node, count, options.step);
    return storeTasks(memory.i32, node, count);
  } finally {
    memory.unmap();
    ringAll(dir, plan);
  }
}

/** Keys change hands: none of the replicas may have one of them in its own. */
function refuseBusy({ i32 }: ControlMemory, node: NodeLayout): void {
  const busy = startedTasks(i32, node).filter(({ region }) => {
    return Atomics.load(i32, region + TASK.incarnation) > 0 && Atomics.load(i32, region + TASK.left) === 0;
  });
  if (busy.length === 0) return;
  throw new OperatorError("REPLICAS_BUSY", { node: node.plan.name, replicas: busy.map(({ index }) => index) });
}

/** Files first, then the words that let others look for them. */
function makeRoom({ i32, layout, dir }: ControlMemory, node: NodeLayout, count: number, step?: (label: string) => void): void {
  const most = Atomics.load(i32, node.header + NODE.most);
  for (const task of node.tasks.slice(most, count)) createTaskFiles(dir, node, task);
  giveAsBefore(dir);
  step?.("replica files made");
  Atomics.store(i32, node.header + NODE.most, Math.max(most, count));
  step?.("most replicas raised");
  const added = layout.nodes.reduce((sum, { header, plan }) => sum + Atomics.load(i32, header + NODE.most) - plan.tasks, 0);
  Atomics.store(i32, HEADER.added, Math.min(mostAdded(layout.plan), added));
  step?.("room added");
}

/** @throws RangeError */
function nodeOf({ nodes }: Layout, name: string): NodeLayout {
  const node = nodes.find((candidate) => candidate.plan.name === name);
  if (node === undefined) throw new RangeError(`the plan has no node ${name}`);
  return node;
}

/** @throws RangeError */
function taskOf(layout: Layout, name: string, index: number): { readonly node: NodeLayout; readonly task: TaskLayout } {
  const node = nodeOf(layout, name);
  const task = node.tasks[index];
  if (task === undefined) throw new RangeError(`the plan has no task ${name}.${index}`);
  return { node, task };
}

function setHeader(dir: string, plan: DataPlan, at: number, value: number): void {
  const memory = openControl(dir, plan);
  Atomics.store(memory.i32, at, value);
  memory.unmap();
  ringAll(dir, plan);
}
