/**
 * Cells of one edge in realtime: the writer never waits, what is too much is dropped, oldest first, and counted.
 *
 * Every change of a cell goes through a word that names the task doing it (WRITING, DROPPING, TAKEN), so that a death in
 * between is finished or taken back by the recovery of that task. A position that can never be completed at a join is *dead*:
 * its cell there moves on to the next lap, and a late publish finds no place.
 */
import { count, type TaskContext } from "./context.js";
import { CELL, COUNTER, type EdgeLayout, MAX_OUTPUTS } from "./layout.js";
import { keepOf } from "./replicas.js";
import { cellOf, chainSlots, fillCell, freeChain, freeSlots, type Output } from "./ring.js";
import { DROPPING, EMPTY, lapOf, lapsAhead, nextLap, PUBLISHED, WRITING, word, wordLap, wordState, wordTask } from "./words.js";

/** Publishes the outputs of a position, or gives them up if their cell is occupied, and drops the oldest beyond `keep`. */
export function publishRealtime(context: TaskContext, edge: EdgeLayout, output: Output, owner: number): void {
  for (;;) {
    const done = tryPlace(context, edge, output, owner);
    if (done === AGAIN) continue;
    if (done === PLACED) dropBeyond(context, edge, keepOf(context.i32, edge));
    return;
  }
}

const AGAIN = 0;
const PLACED = 1;
const GIVEN_UP = 2;

function tryPlace(context: TaskContext, edge: EdgeLayout, output: Output, owner: number): number {
  const cell = cellOf(edge, output.position);
  const lap = lapOf(edge, output.position);
  const found = Atomics.load(context.i32, cell);
  const ahead = lapsAhead(edge, lap, wordLap(found));
  const mine = wordState(found) === WRITING && wordTask(found) === context.task.task;
  if (ahead < 0) return giveUp(context, edge, output);
  if (wordState(found) === EMPTY || mine) return fill(context, edge, output, owner, cell, found, lap);
  if (ahead === 0) return PLACED; // By the incarnation that died.
  if (wordState(found) !== PUBLISHED || !mayReplace(context, edge, cell)) return giveUp(context, edge, output);
  dropCell(context, edge, cell, found);
  return AGAIN;
}

/** An older "none", or an older message that `keep` would drop anyway. */
function mayReplace(context: TaskContext, edge: EdgeLayout, cell: number): boolean {
  if ((context.i32[cell + CELL.reference] as number) === 0) return true;
  return untaken(context, edge).messages >= keepOf(context.i32, edge);
}

function fill(context: TaskContext, edge: EdgeLayout, output: Output, owner: number, cell: number, found: number, lap: number): number {
  const { i32, task } = context;
  const claim = word(lap, WRITING, task.task);
  if (Atomics.compareExchange(i32, cell, found, claim) !== found) return AGAIN;
  context.step?.("cell claimed");
  if (output.head !== 0 && !isOffered(context, edge, output)) {
    Atomics.store(i32, cell, word(nextLap(edge, lap), EMPTY));
    return GIVEN_UP;
  }
  fillCell(context, cell, output, owner);
  context.step?.("cell filled");
  Atomics.store(i32, cell, word(lap, PUBLISHED));
  return PLACED;
}

const chain = new Int32Array(MAX_OUTPUTS);

/** A recovery must not publish what the dead task had given up already: the edge's bit is gone from the first slot. */
function isOffered(context: TaskContext, edge: EdgeLayout, output: Output): boolean {
  return chainSlots(context, edge, output.head, output.generation, 1, chain) === 1;
}

function giveUp(context: TaskContext, edge: EdgeLayout, output: Output): number {
  if (output.head !== 0) count(context, COUNTER.dropped, 1);
  freeSlots(context, edge, output.head, output.generation, output.count);
  context.step?.("given up");
  releasePosition(context, edge, output.position);
  return GIVEN_UP;
}

/** Messages that nobody has taken, "none" marks apart, and the cell of the oldest. */
function untaken(context: TaskContext, edge: EdgeLayout): { readonly messages: number; readonly oldest: number; readonly found: number } {
  const { i32, f64 } = context;
  let messages = 0;
  let oldest = -1;
  let found = 0;
  let lowest = Number.POSITIVE_INFINITY;
  for (let cell = edge.cells; cell < edge.cells + edge.count * CELL.size; cell += CELL.size) {
    const value = Atomics.load(i32, cell);
    if (wordState(value) !== PUBLISHED || (i32[cell + CELL.reference] as number) === 0) continue;
    messages += 1;
    const position = f64[(cell + CELL.position) / 2] as number;
    if (position >= lowest) continue;
    lowest = position;
    oldest = cell;
    found = value;
  }
  return { messages, oldest, found };
}

function dropBeyond(context: TaskContext, edge: EdgeLayout, keep: number): void {
  for (;;) {
    const { messages, oldest, found } = untaken(context, edge);
    if (messages <= keep) return;
    dropCell(context, edge, oldest, found);
  }
}

/** Gives up an untaken cell and releases its position elsewhere; nothing happens if it changed meanwhile. */
export function dropCell(context: TaskContext, edge: EdgeLayout, cell: number, found: number): boolean {
  const { i32, task } = context;
  const dropping = word(wordLap(found), DROPPING, task.task);
  if (Atomics.compareExchange(i32, cell, found, dropping) !== found) return false;
  context.step?.("dropping");
  finishDrop(context, edge, cell, dropping);
  return true;
}

/** Also run by the recovery of a task that died while dropping. */
export function finishDrop(context: TaskContext, edge: EdgeLayout, cell: number, dropping: number): void {
  const { i32, f64 } = context;
  const position = f64[(cell + CELL.position) / 2] as number;
  if ((i32[cell + CELL.reference] as number) !== 0) count(context, COUNTER.dropped, 1);
  freeChain(context, edge, cell);
  releasePosition(context, edge, position);
  context.step?.("drop released");
  Atomics.store(i32, cell, word(nextLap(edge, wordLap(dropping)), EMPTY));
}

/** A position that was given up on `edge` is dead at the joins that would have paired it. */
export function releasePosition(context: TaskContext, edge: EdgeLayout, position: number): void {
  for (const number of edge.releases) markDead(context, context.memory.layout.edges[number] as EdgeLayout, position);
}

/** Drops what is there of a position, or bars its later publish. What somebody works on is left to the reader. */
export function markDead(context: TaskContext, edge: EdgeLayout, position: number): void {
  const { i32 } = context;
  const cell = cellOf(edge, position);
  const lap = lapOf(edge, position);
  for (;;) {
    const found = Atomics.load(i32, cell);
    const ahead = lapsAhead(edge, lap, wordLap(found));
    const free = wordState(found) === EMPTY;
    if (ahead < 0 || (!free && (ahead > 0 || wordState(found) !== PUBLISHED))) return;
    if (!free) return dropHere(context, edge, cell, found);
    if (Atomics.compareExchange(i32, cell, found, word(nextLap(edge, lap), EMPTY)) === found) return;
  }
}

/** Without releasing further: the edge that dropped first names all of its joins. */
function dropHere(context: TaskContext, edge: EdgeLayout, cell: number, found: number): void {
  const { i32, task } = context;
  if (Atomics.compareExchange(i32, cell, found, word(wordLap(found), DROPPING, task.task)) !== found) return;
  context.step?.("releasing");
  if ((i32[cell + CELL.reference] as number) !== 0) count(context, COUNTER.dropped, 1);
  freeChain(context, edge, cell);
  Atomics.store(i32, cell, word(nextLap(edge, wordLap(found)), EMPTY));
}
