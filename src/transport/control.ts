/** Steering a whole flow through the words of its header. */
import { Bells } from "./bells.js";
import { openControl } from "./files.js";
import { HEADER } from "./layout.js";
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

function setHeader(dir: string, plan: DataPlan, at: number, value: number): void {
  const memory = openControl(dir, plan);
  Atomics.store(memory.i32, at, value);
  memory.unmap();
  ringAll(dir, plan);
}
