/**
 * Commit: outputs out and inputs acknowledged in one atomic step, whatever instruction the process dies at.
 *
 *     write the redo record · prepared = c + 1 · set the slots' bits · COMMIT = c + 1 · publish · acknowledge · applied = c + 1
 *
 * Before the store of COMMIT nothing has happened for the others; after it the same function finishes the work, in the task or,
 * if that died, in the recovery. Doing any part of it twice changes nothing.
 */
import type { TaskContext } from "./context.js";
import { CELL, type EdgeLayout, type NodeLayout, SLOT, TASK, TOTAL } from "./layout.js";
import { applyFates } from "./ledger.js";
import { publishRealtime } from "./realtime.js";
import { liveTasks, replicaOf } from "./replicas.js";
import { cellOf, freeCell, type Output, publish } from "./ring.js";
import { attemptsOf, lapOf, progressWord, referenceSlot, TAKEN, word, wordLap, wordState, wordTask } from "./words.js";

/** Kinds of a unit in the redo record. */
export const UNIT_DATA = 1;
export const UNIT_FLUSH = 2;
export const UNIT_PRODUCED = 3;
/** All units that the task holds up to a position; no outputs. */
export const UNIT_SETTLED = 4;
/** Messages that a join by time can never use: acknowledged, and nothing is published. */
export const UNIT_SHED = 5;

/** Bits of the redo record's word about parts. */
const REDO_MORE = 1 << 16;
const REDO_PARTIAL = 1 << 17;
const REDO_PART_MASK = 0xffff;

/** Owner words: any replica, all replicas may have to look. */
export const ANYONE = -1;
export const EVERYONE = -2;

/** The redo record; one object per port, filled anew for each commit. */
export class Redo implements Output {
  kind = 0;
  position = 0;
  head = 0;
  /** First control word of the first slot of the chain; meaningless for "none". */
  headWord = 0;
  generation = 0;
  count = 0;
  origin = 0;
  /** Flush: positions of this node's stream in all. */
  endPosition = 0;
  /** Word of the task's state from this commit on; see state-file.ts. */
  snapshot = 0;
  part = 0;
  more = false;
  /** Only a part of the unit's outputs: its inputs stay in hand. */
  partial = false;
  /** Of a partial commit: outputs of the unit that count from now on, and the word that keeps their number. */
  outputsDone = 0;
  progressAt = 0;
}

/** Writes the redo record and makes the outputs count. The totals in the record have been written by the caller. */
export function commitUnit(context: TaskContext, redo: Redo, owners: Int32Array, kept?: (slot: number) => boolean): void {
  const { i32, region } = context;
  writeRedo(context, redo, owners);
  context.step?.("redo written");
  const next = ((i32[region + TASK.commit] as number) + 1) | 0;
  i32[region + TASK.prepared] = next;
  context.step?.("prepared");
  if (redo.count > 0) setChainBits(context, redo, context.outputBits);
  context.step?.("bits set");
  Atomics.store(i32, region + TASK.commit, next);
  context.step?.("committed");
  applyCommit(context, redo, owners, kept);
}

function writeRedo(context: TaskContext, redo: Redo, owners: Int32Array): void {
  const { i32, f64, region } = context;
  i32[region + TASK.redoKind] = redo.kind;
  i32[region + TASK.redoHead] = redo.head;
  i32[region + TASK.redoGeneration] = redo.generation;
  i32[region + TASK.redoCount] = redo.count;
  i32[region + TASK.redoOrigin] = redo.origin;
  i32[region + TASK.redoSnapshot] = redo.snapshot;
  i32[region + TASK.redoPart] = redo.part | (redo.more ? REDO_MORE : 0) | (redo.partial ? REDO_PARTIAL : 0);
  i32[region + TASK.redoProgressAt] = redo.progressAt;
  i32[region + TASK.redoOutputsDone] = redo.outputsDone;
  f64[(region + TASK.redoPositionF64) / 2] = redo.position;
  f64[(region + TASK.redoEndPositionF64) / 2] = redo.endPosition;
  for (let i = 0; i < context.outputs.length; i += 1) i32[region + TASK.redoOwners + i] = owners[i] as number;
}

export function readRedo(context: TaskContext): { readonly redo: Redo; readonly owners: Int32Array } {
  const { i32, f64, region, task } = context;
  const redo = new Redo();
  redo.kind = i32[region + TASK.redoKind] as number;
  redo.head = i32[region + TASK.redoHead] as number;
  redo.headWord = task.slots + referenceSlot(redo.head) * SLOT.size;
  redo.generation = i32[region + TASK.redoGeneration] as number;
  redo.count = i32[region + TASK.redoCount] as number;
  redo.origin = i32[region + TASK.redoOrigin] as number;
  redo.snapshot = i32[region + TASK.redoSnapshot] as number;
  const parts = i32[region + TASK.redoPart] as number;
  redo.part = parts & REDO_PART_MASK;
  redo.more = (parts & REDO_MORE) !== 0;
  redo.partial = (parts & REDO_PARTIAL) !== 0;
  redo.progressAt = i32[region + TASK.redoProgressAt] as number;
  redo.outputsDone = i32[region + TASK.redoOutputsDone] as number;
  redo.position = f64[(region + TASK.redoPositionF64) / 2] as number;
  redo.endPosition = f64[(region + TASK.redoEndPositionF64) / 2] as number;
  return { redo, owners: i32.slice(region + TASK.redoOwners, region + TASK.redoOwners + context.outputs.length) };
}

/** Sets the bits of all slots of the chain: before the commit word nobody can see them; 0 takes them back. */
export function setChainBits(context: TaskContext, redo: Redo, bits: number): void {
  const { i32, task } = context;
  let slot = redo.headWord;
  for (let i = 0; i < redo.count; i += 1) {
    i32[slot + SLOT.bits] = bits;
    slot = task.slots + ((i32[slot + SLOT.next] as number) - 1) * SLOT.size;
  }
}

/** Everything after the commit word. */
export function applyCommit(context: TaskContext, redo: Redo, owners: Int32Array, kept?: (slot: number) => boolean): void {
  const { i32, f64, region } = context;
  if (redo.kind === UNIT_FLUSH) publishEnd(context, redo.endPosition);
  if (redo.kind !== UNIT_SHED && (redo.count > 0 || !redo.more)) publishAll(context, redo, owners);
  if (redo.partial) noteOutputs(context, redo);
  else settleInputs(context, redo, kept);
  i32[region + TASK.snapshot] = redo.snapshot;
  for (let i = 0; i < TOTAL.count; i += 1) f64[context.totals + i] = f64[context.redoTotals + i] as number;
  context.step?.("totals copied");
  if (redo.kind === UNIT_FLUSH && !redo.partial) Atomics.store(i32, region + TASK.flushed, 1);
  Atomics.store(i32, region + TASK.applied, i32[region + TASK.commit] as number);
  context.step?.("applied");
}

/** How many outputs of the unit are out: a later attempt at it, by whomever, gives them again and they are passed over. */
function noteOutputs({ i32, step }: TaskContext, { progressAt, outputsDone }: Redo): void {
  Atomics.store(i32, progressAt, progressWord(attemptsOf(Atomics.load(i32, progressAt)), outputsDone));
  step?.("outputs noted");
}

function settleInputs(context: TaskContext, redo: Redo, kept?: (slot: number) => boolean): void {
  const { i32, region } = context;
  if (redo.kind === UNIT_DATA || redo.kind === UNIT_SHED) acknowledge(context, redo.position, kept);
  if (redo.kind === UNIT_SETTLED) acknowledgeUpTo(context, redo.position, kept);
  applyFates(context);
  i32[region + TASK.progress] = 0;
}

function publishAll(context: TaskContext, redo: Redo, owners: Int32Array): void {
  for (let i = 0; i < context.outputs.length; i += 1) publishOne(context, context.outputs[i] as EdgeLayout, redo, owners[i] as number);
}

function publishOne(context: TaskContext, edge: EdgeLayout, redo: Redo, owner: number): void {
  if (context.realtime) publishRealtime(context, edge, redo, owner);
  else publish(context, edge, redo, owner);
  context.step?.("published");
  context.bells.wakeReaders(edge, readerOf(context, edge, owner));
  context.step?.("rung");
}

/** Whom a message concerns. @param owner the owner word of its cell */
function readerOf({ i32, memory }: TaskContext, edge: EdgeLayout, owner: number): number {
  return edge.partitionBy === undefined ? owner : replicaOf(owner, liveTasks(i32, memory.layout.nodes[edge.to] as NodeLayout));
}

/** Says how many positions this node's stream has. All replicas say the same. */
export function publishEnd(context: TaskContext, endPosition: number): void {
  const { i32, f64, region } = context;
  f64[(region + TASK.endPositionF64) / 2] = endPosition;
  context.step?.("end written");
  Atomics.store(i32, region + TASK.endKnown, 1);
}

/** Frees the cells that this task has taken of a position. What was freed before, or never there, is left alone. */
function acknowledge(context: TaskContext, position: number, kept?: (slot: number) => boolean): void {
  if (context.node.plan.timeJoin !== undefined) return acknowledgeGroups(context, (group) => group === (position | 0), kept);
  for (const edge of context.inputs) {
    const cell = cellOf(edge, position);
    const lap = lapOf(edge, position);
    if (context.i32[cell] !== word(lap, TAKEN, context.task.task)) continue; // Nobody else writes the word while it says so.
    freeCell(context, edge, cell, lap, kept);
    context.step?.("acknowledged");
  }
}

/** Frees all cells that this task has taken, up to a position, each edge in any order: nobody else can take them. */
function acknowledgeUpTo(context: TaskContext, position: number, kept?: (slot: number) => boolean): void {
  const { i32, f64, task } = context;
  if (context.node.plan.timeJoin !== undefined) return acknowledgeGroups(context, (group) => ((group - position) | 0) <= 0, kept);
  for (const edge of context.inputs) {
    for (let cell = edge.cells; cell < edge.cells + edge.count * CELL.size; cell += CELL.size) {
      const found = Atomics.load(i32, cell);
      if (wordState(found) !== TAKEN || wordTask(found) !== task.task || (f64[(cell + CELL.position) / 2] as number) > position) continue;
      freeCell(context, edge, cell, wordLap(found), kept);
      context.step?.("acknowledged");
    }
  }
}

/** Joins by time: frees the cells that this task has taken for some of its groups; the owner word of each names its group. */
function acknowledgeGroups(context: TaskContext, isMeant: (group: number) => boolean, kept?: (slot: number) => boolean): void {
  const { i32, task } = context;
  for (const edge of context.inputs) {
    for (let cell = edge.cells; cell < edge.cells + edge.count * CELL.size; cell += CELL.size) {
      const found = Atomics.load(i32, cell);
      if (wordState(found) !== TAKEN || wordTask(found) !== task.task || !isMeant(i32[cell + CELL.owner] as number)) continue;
      freeCell(context, edge, cell, wordLap(found), kept);
      context.step?.("acknowledged");
    }
  }
}
