/**
 * After a death: finishes what the dead task had committed, takes back what it had not, from the shared words alone.
 *
 * Run by one party at a time, while the task is dead. May itself die at any instruction and be run again.
 */
import { AWAKE } from "./bells.js";
import { applyCommit, readRedo, setChainBits } from "./commit.js";
import { openContext, type TaskContext } from "./context.js";
import { CELL, EDGE, type EdgeLayout, MAX_OUTPUTS, MAX_RETAINED, RECOVERED, RETAINED, SLOT, TASK } from "./layout.js";
import type { DataPlan } from "./plan.js";
import { finishDrop } from "./realtime.js";
import { chainSlots, holds } from "./ring.js";
import {
  attemptsOf,
  DROPPING,
  EMPTY,
  outputCount,
  outputsDone,
  PUBLISHED,
  progressWord,
  TAKEN,
  WRITING,
  word,
  wordLap,
  wordState,
  wordTask,
} from "./words.js";

export interface RecoverOptions {
  /** The death was ordered: the attempt at the unit in hand does not count. */
  readonly ordered?: boolean;
  /** Crash points of the tests. */
  readonly step?: (label: string) => void;
}

/** Makes the words of a dead task whole again, then rings everybody. */
export function recoverTask(dir: string, plan: DataPlan, node: string, taskIndex: number, options: RecoverOptions = {}): void {
  const context = openContext(dir, plan, node, taskIndex, options);
  try {
    recover(context, options.ordered === true);
    Atomics.store(context.i32, context.region + TASK.left, RECOVERED);
    context.bells.ringAll();
  } finally {
    context.bells.close();
    context.memory.unmap();
  }
}

/** Also run by a port that closes with a unit in hand. */
export function recover(context: TaskContext, ordered: boolean): void {
  finishOrUndoCommit(context);
  if (context.realtime) for (const edge of context.memory.layout.edges) settleWrites(context, edge);
  forgiveAttempt(context, ordered);
  freeRetained(context);
  for (const edge of context.inputs) offerAgain(context, edge);
  const { i32, region } = context;
  Atomics.store(i32, region + TASK.inHand, 0);
  Atomics.store(i32, region + TASK.producing, 0);
  Atomics.store(i32, region + TASK.sleep, AWAKE);
  context.step?.("recovered");
}

function finishOrUndoCommit(context: TaskContext): void {
  const { i32, region } = context;
  const commit = Atomics.load(i32, region + TASK.commit);
  if (commit !== Atomics.load(i32, region + TASK.applied)) {
    const { redo, owners } = readRedo(context);
    applyCommit(context, redo, owners);
  } else if (Atomics.load(i32, region + TASK.prepared) !== commit) {
    setChainBits(context, readRedo(context).redo, 0);
    context.step?.("bits taken back");
    Atomics.store(i32, region + TASK.prepared, commit);
  }
}

/** Realtime: cells that the dead task was filling or dropping, on any edge. */
function settleWrites(context: TaskContext, edge: EdgeLayout): void {
  const { i32, task } = context;
  for (let cell = edge.cells; cell < edge.cells + edge.count * CELL.size; cell += CELL.size) {
    const found = Atomics.load(i32, cell);
    if (wordTask(found) !== task.task) continue;
    if (wordState(found) === DROPPING) finishDrop(context, edge, cell, found);
    if (wordState(found) === WRITING) Atomics.store(i32, cell, word(wordLap(found), EMPTY));
  }
}

function forgiveAttempt(context: TaskContext, ordered: boolean): void {
  const { i32, region, inputs } = context;
  const inUserCode = Atomics.exchange(i32, region + TASK.inUserCode, 0) === 1;
  if (!ordered || !inUserCode || inputs.length === 0) return;
  const counting = context.node.plan.timeJoin === undefined ? inputs.slice(0, 1) : inputs; // Any input may be missing in a group.
  for (const edge of counting) {
    forEachTaken(context, edge, (cell) => {
      const progress = i32[cell + CELL.attempts] as number;
      i32[cell + CELL.attempts] = progressWord(Math.max(0, attemptsOf(progress) - 1), outputsDone(progress));
    });
  }
}

/** What the dead task had kept beyond its commits is free, except what belongs to units that are offered again. */
function freeRetained(context: TaskContext): void {
  const { i32, region, memory } = context;
  const offered = offeredSlots(context);
  for (let note = 0; note < MAX_RETAINED; note += 1) {
    const at = region + TASK.retained + note * RETAINED.size;
    if (Atomics.load(i32, at + RETAINED.reference) === 0) continue;
    const { bit } = memory.layout.edges[i32[at + RETAINED.edge] as number] as EdgeLayout;
    const slot = i32[at + RETAINED.slot] as number;
    const stays = offered.has(slot) || !holds(i32, slot, i32[at + RETAINED.generation] as number, bit);
    if (!stays) Atomics.and(i32, slot + SLOT.bits, ~bit);
    context.step?.("retained freed");
    Atomics.store(i32, at + RETAINED.reference, 0);
  }
}

/** Control words of the slots of all units that the dead task had taken. */
function offeredSlots(context: TaskContext): Set<number> {
  const slots = new Set<number>();
  const chain = new Int32Array(MAX_OUTPUTS);
  for (const edge of context.inputs) {
    forEachTaken(context, edge, (cell) => {
      const { i32 } = context;
      const length = outputCount(i32[cell + CELL.count] as number);
      const found = chainSlots(context, edge, i32[cell + CELL.reference] as number, i32[cell + CELL.generation] as number, length, chain);
      for (let i = 0; i < found; i += 1) slots.add(chain[i] as number);
    });
  }
  return slots;
}

function offerAgain(context: TaskContext, edge: EdgeLayout): void {
  const { i32 } = context;
  forEachTaken(context, edge, (cell, found) => {
    Atomics.store(i32, cell, word(wordLap(found), PUBLISHED));
    context.step?.("offered again");
  });
  Atomics.add(i32, edge.header + EDGE.epoch, 1); // Always: an earlier recovery may have died just before this line.
}

function forEachTaken(context: TaskContext, edge: EdgeLayout, visit: (cell: number, found: number) => void): void {
  const { i32, task } = context;
  for (let cell = edge.cells; cell < edge.cells + edge.count * CELL.size; cell += CELL.size) {
    const found = Atomics.load(i32, cell);
    if (wordState(found) === TAKEN && wordTask(found) === task.task) visit(cell, found);
  }
}
