/**
 * The 32-bit state word of a cell: lap (20 bits) | task (9 bits) | state (3 bits). Pure arithmetic, nothing else.
 *
 * Position p lives in cell p mod N in lap p div N. EMPTY(lap) awaits the output of that lap; an acknowledged or dropped
 * position leaves EMPTY(lap + 1) behind, so a finished cell and a fresh one look alike and nothing has to be cleaned.
 */

/** Free for the outputs of this lap. In the place of the task stands the part of them that is awaited: 0 the first or only one. */
export const EMPTY = 0;
/** Holds outputs that nobody has taken. */
export const PUBLISHED = 1;
/** In the hands of the reading task whose number stands in the word. */
export const TAKEN = 2;
/** Realtime: being filled by the task in the word. */
export const WRITING = 3;
/** Realtime: being given up by the task in the word. */
export const DROPPING = 4;

export const MAX_TASKS = 512;
const LAP_SHIFT = 12;
const TASK_SHIFT = 3;
const STATE_MASK = 7;
const LAP_BITS = 20;
const COUNT_MASK = 0x7f;
const ORIGIN_SHIFT = 7;
const ORIGIN_MASK = 0x3ff;
const PART_SHIFT = 17;
/** Parts count modulo this, apart from the first: 0 never comes again. */
const PARTS = 256;
const ROW_SHIFT = 25;
const ROW_MASK = 0x3f;
const MORE = 1 << 31;
const ATTEMPT_BITS = 10;
const MAX_ATTEMPTS = 2 ** ATTEMPT_BITS - 1;
/** Outputs of one unit of work, in all its parts. */
export const MAX_UNIT_OUTPUTS = 2 ** (32 - ATTEMPT_BITS) - 1;

/** What turns a position into a cell and a lap. */
export interface RingShape {
  /** Cells - 1; the number of cells is a power of two. */
  readonly mask: number;
  /** log2 of the number of cells. */
  readonly shift: number;
  /** Laps count modulo lapMask + 1; fewer than 20 bits only in rings of more than 4096 cells. */
  readonly lapMask: number;
}

/** @param cells a power of two. */
export function ringShape(cells: number): RingShape {
  const shift = Math.log2(cells);
  return { mask: cells - 1, shift, lapMask: 2 ** Math.min(LAP_BITS, 32 - shift) - 1 };
}

/** @returns the lap of a position, modulo the ring's number of laps. */
export function lapOf(ring: RingShape, position: number): number {
  return ((position >>> 0) >>> ring.shift) & ring.lapMask;
}

export function nextLap(ring: RingShape, lap: number): number {
  return (lap + 1) & ring.lapMask;
}

/** @returns how many laps `a` is ahead of `b`; negative if behind. Right while they are less than half of all laps apart. */
export function lapsAhead(ring: RingShape, a: number, b: number): number {
  const size = ring.lapMask + 1;
  const distance = (a - b) & ring.lapMask;
  return distance >= size / 2 ? distance - size : distance;
}

/** @returns the signed 32-bit word. */
export function word(lap: number, state: number, task = 0): number {
  return (lap << LAP_SHIFT) | (task << TASK_SHIFT) | state;
}

/** @returns the part that follows a part; 0 is the first of its position alone. */
export function nextPart(part: number): number {
  return part === PARTS - 1 ? 1 : part + 1;
}

/** The word of a cell that says how many outputs it has, at most 64, whose they are, and whether more of the same position follow. */
export function countWord(count: number, origin: number, part: number, more: boolean): number {
  return count | (origin << ORIGIN_SHIFT) | (part << PART_SHIFT) | (more ? MORE : 0);
}

export function outputCount(value: number): number {
  return value & COUNT_MASK;
}

export function outputOrigin(value: number): number {
  return (value >>> ORIGIN_SHIFT) & ORIGIN_MASK;
}

export function outputPart(value: number): number {
  return (value >>> PART_SHIFT) & (PARTS - 1);
}

/** Which message of the cell was worked on last; whoever has the cell in hand writes it. */
export function outputRow(value: number): number {
  return (value >>> ROW_SHIFT) & ROW_MASK;
}

/** The same word, with another message that is worked on. */
export function withRow(value: number, row: number): number {
  return (value & ~(ROW_MASK << ROW_SHIFT)) | (row << ROW_SHIFT);
}

export function hasMore(value: number): boolean {
  return value < 0;
}

/** Attempts at a unit, and how many of its outputs are committed already, in one word. */
export function progressWord(attempts: number, outputs: number): number {
  return Math.min(attempts, MAX_ATTEMPTS) | (outputs << ATTEMPT_BITS);
}

export function attemptsOf(value: number): number {
  return value & MAX_ATTEMPTS;
}

export function outputsDone(value: number): number {
  return value >>> ATTEMPT_BITS;
}

export function wordLap(value: number): number {
  return value >>> LAP_SHIFT;
}

export function wordState(value: number): number {
  return value & STATE_MASK;
}

export function wordTask(value: number): number {
  return (value >>> TASK_SHIFT) & (MAX_TASKS - 1);
}

/** A slot of a pool as one word: task of the parent node and slot, plus one so that 0 means "none". */
export function slotReference(task: number, slot: number): number {
  return ((task << 20) | slot) + 1;
}

export function referenceTask(reference: number): number {
  return (reference - 1) >>> 20;
}

export function referenceSlot(reference: number): number {
  return (reference - 1) & 0xfffff;
}
