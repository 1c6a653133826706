/** Batch: positions strictly in order, a join waits for all halves, and a unit is taken only when its outputs have a place. */
import type { TaskContext } from "./context.js";
import { END, FLUSH, hasFlushed, type Intake, isCompeting, isPartitioned, NO_INPUT, NO_SPACE, READY } from "./intake.js";
import { CELL, type EdgeLayout } from "./layout.js";
import type { OwnPool } from "./pool.js";
import { hasSurplus, liveTasks, replicaOf, settleTasks } from "./replicas.js";
import { cellOf, endOf, epochOf, isFree, lowestUnfinished } from "./ring.js";
import { EMPTY, hasMore, lapOf, lapsAhead, PUBLISHED, TAKEN, word, wordLap, wordState, wordTask } from "./words.js";

/** What look() finds at one input. */
const MISSING = 0;
const HERE = 1;
const ABSENT = 2;
const DONE = 3;
const ELSEWHERE = 4;

/** So many positions that siblings have finished are passed one by one; beyond that the whole ring is looked through for the next. */
const STEPS = 16;

export class BatchIntake implements Intake {
  position = 0;
  endPosition = 0;
  readonly filtered = false;
  more = false;
  readonly cells: Int32Array;
  readonly #context: TaskContext;
  readonly #pool: OwnPool | undefined;
  readonly #competing: boolean;
  readonly #partitioned: boolean;
  readonly #inputs: readonly EdgeLayout[];
  readonly #first: EdgeLayout;
  #next = 0;
  #epoch: number;
  /** Positions that were found finished in this look. */
  #passed = 0;

  constructor(context: TaskContext, pool: OwnPool | undefined) {
    this.#context = context;
    this.#pool = pool;
    this.#inputs = context.inputs;
    this.#first = context.inputs[0] as EdgeLayout;
    this.cells = new Int32Array(context.inputs.length);
    this.#competing = isCompeting(context);
    this.#partitioned = isPartitioned(context);
    this.#epoch = epochOf(context, this.#first);
    this.#next = lowestUnfinished(context, this.#first);
  }

  look(): number {
    const epoch = epochOf(this.#context, this.#first);
    if (epoch !== this.#epoch) {
      this.#epoch = epoch;
      this.#next = lowestUnfinished(this.#context, this.#first);
    }
    this.#passed = 0;
    for (;;) {
      const result = this.#lookAt(this.#next);
      if (result !== 0) return result;
      this.#next += 1;
    }
  }

  /** @returns 0 if the position is nothing for this task. */
  #lookAt(position: number): number {
    const first = this.#inspect(0, position);
    if (first === DONE) this.#pass(position);
    if (first === DONE || first === ELSEWHERE) return 0;
    if (first === MISSING) return NO_INPUT;
    let absent = first === ABSENT ? 1 : 0;
    const mine = !this.#partitioned || this.#replicaOf(position) === this.#context.task.index;
    if (!mine && first === HERE) return 0;
    for (let i = 1; i < this.#inputs.length; i += 1) {
      const half = this.#inspect(i, position);
      if (half === DONE || half === ELSEWHERE) return 0;
      if (half === MISSING) return NO_INPUT;
      if (half === ABSENT) absent += 1;
    }
    if (absent === this.#inputs.length) return this.#ended();
    if (!mine) return 0;
    this.position = position;
    return this.#hasSpace(position) ? READY : NO_SPACE;
  }

  /** Goes on behind a finished position. */
  #pass(position: number): void {
    this.#passed += 1;
    if (this.#passed % STEPS === 0) this.#next = Math.max(position, lowestUnfinished(this.#context, this.#first) - 1);
  }

  #inspect(input: number, position: number): number {
    const edge = this.#inputs[input] as EdgeLayout;
    const cell = cellOf(edge, position);
    const lap = lapOf(edge, position);
    const found = Atomics.load(this.#context.i32, cell);
    this.cells[input] = cell;
    if (found === word(lap, PUBLISHED)) return HERE;
    const ahead = lapsAhead(edge, wordLap(found), lap);
    const awaited = ahead === 0 && wordState(found) === EMPTY;
    if (awaited && this.#isMoreForAnother(found, cell)) return ELSEWHERE;
    if (ahead < 0 || awaited) return this.#isPastEnd(edge, position, input) ? ABSENT : MISSING;
    return ahead > 0 ? DONE : ELSEWHERE;
  }

  /** All parts of the outputs of a position belong to one replica of a partitioned node. */
  #isMoreForAnother(found: number, cell: number): boolean {
    const { i32, node, task } = this.#context;
    if (!this.#partitioned || wordTask(found) === 0) return false;
    return replicaOf(i32[cell + CELL.owner] as number, liveTasks(i32, node)) !== task.index;
  }

  /** A parent never publishes at or beyond its end, whether or not it published everything before. */
  #isPastEnd(edge: EdgeLayout, position: number, input: number): boolean {
    const end = endOf(this.#context, edge);
    if (end < 0 || position < end) return false;
    this.cells[input] = -1;
    return true;
  }

  #replicaOf(position: number): number {
    const { i32, node } = this.#context;
    const cell = this.cells[0] as number;
    return replicaOf(cell < 0 ? position : (i32[cell + CELL.owner] as number), liveTasks(i32, node));
  }

  #hasSpace(position: number): boolean {
    for (const edge of this.#context.outputs) if (!isFree(this.#context, edge, position)) return false;
    return this.#pool === undefined || this.#pool.hasRoom();
  }

  #ended(): number {
    const { task } = this.#context;
    const tasks = settleTasks(this.#context);
    if (task.index >= tasks) return END;
    if (hasFlushed(this.#context)) return this.#isOver() ? END : NO_INPUT;
    const last = Math.max(...this.#inputs.map((edge) => endOf(this.#context, edge)));
    this.position = last + task.index;
    this.endPosition = last + tasks;
    return this.#hasSpace(this.position) ? FLUSH : NO_SPACE;
  }

  /** A replica that was one too many may die with the last unit in its hands, and nobody else would take that. */
  #isOver(): boolean {
    if (!hasSurplus(this.#context.i32, this.#context.node)) return true;
    return this.#inputs.every((edge) => lowestUnfinished(this.#context, edge) >= endOf(this.#context, edge));
  }

  claim(): boolean {
    const { i32, task } = this.#context;
    for (let i = 0; i < this.cells.length; i += 1) {
      const cell = this.cells[i] as number;
      if (cell < 0) continue;
      const lap = lapOf(this.#inputs[i] as EdgeLayout, this.position);
      const taken = word(lap, TAKEN, task.task);
      if (!this.#competing) Atomics.store(i32, cell, taken);
      else if (Atomics.compareExchange(i32, cell, word(lap, PUBLISHED), taken) !== word(lap, PUBLISHED)) return false;
      this.#context.step?.("half taken");
    }
    this.more = this.cells.length === 1 && hasMore(i32[(this.cells[0] as number) + CELL.count] as number);
    this.#next = this.more ? this.position : this.position + 1;
    return true;
  }

  setAside(): void {}

  /** A sibling that sleeps may take what comes after; the writer rang only one of us. */
  moreFor(): boolean {
    if (!this.#competing || liveTasks(this.#context.i32, this.#context.node) === 1) return false;
    const cell = cellOf(this.#first, this.position + 1);
    return Atomics.load(this.#context.i32, cell) === word(lapOf(this.#first, this.position + 1), PUBLISHED);
  }
}
