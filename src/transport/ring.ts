/** Cells of one edge in batch: published once, acknowledged once. What a SIGKILL leaves is told by the words alone. */
import type { TaskContext } from "./context.js";
import { CELL, EDGE, type EdgeLayout, MAX_OUTPUTS, type NodeLayout, SLOT, TASK, type TaskLayout } from "./layout.js";
import { liveTasks, startedTasks, windowOf } from "./replicas.js";
import {
  countWord,
  EMPTY,
  hasMore,
  lapOf,
  lapsAhead,
  nextLap,
  nextPart,
  outputCount,
  outputPart,
  PUBLISHED,
  referenceSlot,
  referenceTask,
  TAKEN,
  word,
  wordLap,
  wordState,
  wordTask,
} from "./words.js";

/** What a commit puts into the cells of all output edges. */
export interface Output {
  readonly position: number;
  /** First slot of the chain; 0 = "none". */
  readonly head: number;
  readonly generation: number;
  readonly count: number;
  /** 0: from a producer's message; n: from the flush of node n - 1. */
  readonly origin: number;
  /** Which part of the outputs of its position this is, and whether more follow. */
  readonly part: number;
  readonly more: boolean;
}

/** @returns the first word of the cell of a position. */
export function cellOf(edge: EdgeLayout, position: number): number {
  return edge.cells + ((position >>> 0) & edge.mask) * CELL.size;
}

/** @returns whether the cell awaits outputs of exactly this position, and no position a window before it is unfinished. */
export function isFree(context: TaskContext, edge: EdgeLayout, position: number): boolean {
  const { i32 } = context;
  const found = Atomics.load(i32, cellOf(edge, position));
  return wordState(found) === EMPTY && wordLap(found) === lapOf(edge, position) && isWithinWindow(i32, edge, position);
}

/** @returns whether the position may be published as far as the number of unfinished positions says. */
export function isWithinWindow(i32: Int32Array, edge: EdgeLayout, position: number): boolean {
  const window = windowOf(i32, edge);
  if (window === edge.count || position < window) return true;
  const before = position - window;
  return lapsAhead(edge, wordLap(Atomics.load(i32, cellOf(edge, before))), lapOf(edge, before)) > 0;
}

/** Which part of the outputs of a position its free cell awaits. */
export function awaitedPart(context: TaskContext, edge: EdgeLayout, position: number): number {
  return wordTask(context.i32[cellOf(edge, position)] as number);
}

/** Fills a cell before its state makes it count. */
export function fillCell(context: TaskContext, cell: number, output: Output, owner: number): void {
  const { i32, f64 } = context;
  i32[cell + CELL.reference] = output.head;
  i32[cell + CELL.generation] = output.generation;
  i32[cell + CELL.count] = countWord(output.count, output.origin, output.part, output.more);
  i32[cell + CELL.owner] = owner;
  i32[cell + CELL.attempts] = 0;
  f64[(cell + CELL.position) / 2] = output.position;
}

/** Publishes a part of the outputs of a position, unless an earlier incarnation did. */
export function publish(context: TaskContext, edge: EdgeLayout, output: Output, owner: number): void {
  const cell = cellOf(edge, output.position);
  const lap = lapOf(edge, output.position);
  if (context.i32[cell] !== word(lap, EMPTY, output.part)) return; // Nobody else writes the word while it awaits this position.
  fillCell(context, cell, output, owner);
  context.step?.("cell filled");
  Atomics.store(context.i32, cell, word(lap, PUBLISHED));
}

const chain = new Int32Array(MAX_OUTPUTS);

/**
 * Frees a cell's slots for one edge, last to first, then the cell: for its next lap, or for more outputs of the same position. Each slot is freed only if it still holds the chain's
 * generation, so that doing it again after a death harms nobody who uses the slot by then.
 *
 * @param kept whether the slot's message was retained and stays.
 */
export function freeCell(context: TaskContext, edge: EdgeLayout, cell: number, lap: number, kept?: (slot: number) => boolean): void {
  freeChain(context, edge, cell, kept);
  context.step?.("slots freed");
  const parts = context.i32[cell + CELL.count] as number;
  Atomics.store(context.i32, cell, hasMore(parts) ? word(lap, EMPTY, nextPart(outputPart(parts))) : word(nextLap(edge, lap), EMPTY));
}

/** Clears the edge's bit in all slots of a cell's chain. */
export function freeChain(context: TaskContext, edge: EdgeLayout, cell: number, kept?: (slot: number) => boolean): void {
  const { i32 } = context;
  const reference = i32[cell + CELL.reference] as number;
  freeSlots(context, edge, reference, i32[cell + CELL.generation] as number, outputCount(i32[cell + CELL.count] as number), kept);
}

/** Clears the edge's bit in the slots of a chain that starts at `reference`. */
export function freeSlots(
  context: TaskContext,
  edge: EdgeLayout,
  reference: number,
  generation: number,
  length: number,
  kept?: (slot: number) => boolean,
): void {
  const found = chainSlots(context, edge, reference, generation, length, chain);
  for (let i = found - 1; i >= 0; i -= 1) {
    const slot = chain[i] as number;
    if (kept === undefined || !kept(slot)) Atomics.and(context.i32, slot + SLOT.bits, ~edge.bit);
    context.step?.("slot freed");
  }
}

/** Lists the control words of a chain's slots, as far as they still hold it. @returns how many. */
export function chainSlots(
  context: TaskContext,
  edge: EdgeLayout,
  reference: number,
  firstGeneration: number,
  expected: number,
  into: Int32Array,
): number {
  if (reference === 0) return 0;
  const { i32 } = context;
  const parent = context.memory.layout.nodes[edge.from] as NodeLayout;
  const slots = (parent.tasks[referenceTask(reference)] as TaskLayout).slots;
  let slot = slots + referenceSlot(reference) * SLOT.size;
  let generation = firstGeneration;
  let length = 0;
  while (length < expected && holds(i32, slot, generation, edge.bit)) {
    into[length] = slot;
    length += 1;
    generation = i32[slot + SLOT.nextGeneration] as number;
    slot = slots + ((i32[slot + SLOT.next] as number) - 1) * SLOT.size;
  }
  return length;
}

/** Whether a slot still waits for this edge with the content of this generation. The order of the two loads matters. */
export function holds(i32: Int32Array, slot: number, generation: number, bit: number): boolean {
  const waiting = (Atomics.load(i32, slot + SLOT.bits) & bit) !== 0;
  return waiting && Atomics.load(i32, slot + SLOT.generation) === generation;
}

/** The end of a parent's stream on an edge: the number of its positions, or -1 while it is unknown. */
export function endOf(context: TaskContext, edge: EdgeLayout): number {
  const { i32, f64 } = context;
  for (const task of startedTasks(i32, context.memory.layout.nodes[edge.from] as NodeLayout)) {
    if (Atomics.load(i32, task.region + TASK.endKnown) === 1) return f64[(task.region + TASK.endPositionF64) / 2] as number;
  }
  return -1;
}

/** Whether every task of the parent has said its last word; the last of them waited for replicas that were one too many. */
export function allEnded({ i32, memory }: TaskContext, edge: EdgeLayout): boolean {
  const node = memory.layout.nodes[edge.from] as NodeLayout;
  const live = liveTasks(i32, node);
  for (let index = 0; index < live; index += 1) {
    if (Atomics.load(i32, (node.tasks[index] as TaskLayout).region + TASK.ended) !== 1) return false;
  }
  return true;
}

/** Whether somebody has a unit of this edge in hand. */
export function someTaken(i32: Int32Array, edge: EdgeLayout): boolean {
  for (let cell = edge.cells; cell < edge.cells + edge.count * CELL.size; cell += CELL.size) {
    if (wordState(Atomics.load(i32, cell)) === TAKEN) return true;
  }
  return false;
}

/** Batch: the lowest position that is not acknowledged, from the cells alone; O(cells), after an open and after a recovery. */
export function lowestUnfinished(context: TaskContext, edge: EdgeLayout): number {
  const { i32, f64 } = context;
  let lowest = Number.POSITIVE_INFINITY;
  for (let index = 0; index < edge.count; index += 1) {
    const cell = edge.cells + index * CELL.size;
    const value = Atomics.load(i32, cell);
    const last = f64[(cell + CELL.position) / 2] as number;
    const lap = Math.floor(last / edge.count);
    const exact = wordState(value) !== EMPTY || (lap & edge.lapMask) === wordLap(value) ? lap : lap + 1;
    lowest = Math.min(lowest, exact * edge.count + index);
  }
  return lowest;
}

export function epochOf(context: TaskContext, edge: EdgeLayout): number {
  return Atomics.load(context.i32, edge.header + EDGE.epoch);
}
