/** Which unit of work is next for a task: one interface, a strict reader for batch and a freshest-wins reader for realtime. */
import type { TaskContext } from "./context.js";
import { TASK } from "./layout.js";

/** Results of a look. */
export const NO_INPUT = 1;
export const NO_SPACE = 2;
export const READY = 3;
export const FLUSH = 4;
export const END = 5;
/** Joins by time: the candidate is of no use, free it. */
export const SHED = 6;
/** The task was asked to make way. */
export const RETIRE = 7;

export interface Intake {
  /** The candidate found by look(): its position, and per input the first word of its cell, or -1 if it has no message. */
  readonly position: number;
  readonly cells: Int32Array;
  /** The join can never be completed, take what is there and pass "none" on (realtime). */
  readonly filtered: boolean;
  /** The claimed candidate is a part of the outputs of its position, and more follow. */
  readonly more: boolean;
  /** Flush: how many positions this node's stream has. */
  readonly endPosition: number;
  /** Looks without touching anything that others see (realtime: late messages are dropped on the way). */
  look(): number;
  /** Takes the candidate. @returns false if somebody else was faster. */
  claim(): boolean;
  /** The claimed candidate was worked on and is acknowledged later: what comes before it is late from now on. */
  setAside(): void;
}

export function hasFlushed(context: TaskContext): boolean {
  return Atomics.load(context.i32, context.region + TASK.flushed) === 1;
}

/** Replicas of a node whose first input says who works on what. */
export function isPartitioned({ node }: TaskContext): boolean {
  return node.plan.partitionBy !== undefined && node.tasks.length > 1;
}

/** Replicas that may compete for each unit. */
export function isCompeting({ node }: TaskContext): boolean {
  return node.plan.partitionBy === undefined && node.tasks.length > 1;
}
