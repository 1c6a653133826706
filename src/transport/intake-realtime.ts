/** Realtime: the lowest position that is complete and later than the last delivered one; what can never be used is dropped. */
import { count, type TaskContext } from "./context.js";
import { END, FLUSH, hasFlushed, type Intake, isCompeting, isPartitioned, NO_INPUT, READY } from "./intake.js";
import { CELL, COUNTER, type EdgeLayout, TOTAL } from "./layout.js";
import { dropCell, markDead } from "./realtime.js";
import { hasSurplus, liveTasks, replicaOf, settleTasks } from "./replicas.js";
import { allEnded, cellOf, endOf, someTaken } from "./ring.js";
import { lapOf, lapsAhead, PUBLISHED, TAKEN, word, wordLap, wordState } from "./words.js";

/** What becomes of a position at a join. */
const WAITING = 0;
const COMPLETE = 1;
const DEAD = 2;
const NONE = 3;

export class RealtimeIntake implements Intake {
  position = 0;
  endPosition = 0;
  filtered = false;
  readonly more = false;
  readonly cells: Int32Array;
  readonly #found: Int32Array;
  readonly #context: TaskContext;
  readonly #inputs: readonly EdgeLayout[];
  readonly #competing: boolean;
  readonly #partitioned: boolean;
  #passed = 0;

  constructor(context: TaskContext) {
    this.#context = context;
    this.#inputs = context.inputs;
    this.cells = new Int32Array(context.inputs.length);
    this.#found = new Int32Array(context.inputs.length);
    this.#competing = isCompeting(context);
    this.#partitioned = isPartitioned(context);
  }

  look(): number {
    const ended = this.#inputs.every((edge) => allEnded(this.#context, edge)); // Before the cells: the end is said last.
    const next = this.#isAlone() ? Math.max(this.#passed, this.#context.f64[this.#context.totals + TOTAL.next] as number) : 0;
    this.position = Number.POSITIVE_INFINITY;
    for (const edge of this.#inputs) this.#search(edge, next);
    if (this.position < Number.POSITIVE_INFINITY) return this.#settle();
    return ended ? this.#ended() : NO_INPUT;
  }

  /** Nobody else may take what this task passes by. */
  #isAlone(): boolean {
    return !this.#competing || (this.#context.task.index === 0 && liveTasks(this.#context.i32, this.#context.node) === 1);
  }

  #search(edge: EdgeLayout, next: number): void {
    const { i32, f64 } = this.#context;
    for (let cell = edge.cells; cell < edge.cells + edge.count * CELL.size; cell += CELL.size) {
      const found = Atomics.load(i32, cell);
      if (wordState(found) !== PUBLISHED) continue;
      const position = f64[(cell + CELL.position) / 2] as number;
      if (position >= this.position || lapOf(edge, position) !== wordLap(found)) continue;
      this.#consider(edge, cell, found, position, next);
    }
  }

  #consider(edge: EdgeLayout, cell: number, found: number, position: number, next: number): void {
    const fate = this.#fateOf(position);
    if (this.#partitioned && this.#isElsewhere(position, fate)) return;
    if (fate === COMPLETE && position < next) {
      if (dropCell(this.#context, edge, cell, found)) count(this.#context, COUNTER.late, 1);
    } else if (fate === DEAD || (fate === WAITING && position < next)) {
      dropCell(this.#context, edge, cell, found);
    } else if (fate === COMPLETE || fate === NONE) {
      this.position = position;
      this.filtered = fate === NONE && this.#inputs.length > 1;
    }
  }

  /** The first input says who works on a position; while it is not there, nobody but the owner of "none" does. */
  #isElsewhere(position: number, fate: number): boolean {
    const { i32, node, task } = this.#context;
    const first = this.#inputs[0] as EdgeLayout;
    const cell = cellOf(first, position);
    if (fate === DEAD) return false;
    const here = Atomics.load(i32, cell) === word(lapOf(first, position), PUBLISHED);
    return replicaOf(here ? (i32[cell + CELL.owner] as number) : position, liveTasks(i32, node)) !== task.index;
  }

  #fateOf(position: number): number {
    let fate = COMPLETE;
    for (const edge of this.#inputs) {
      const half = this.#halfOf(edge, position);
      if (half === DEAD) return DEAD;
      if (half === NONE) fate = NONE;
      if (half === WAITING && fate === COMPLETE) fate = WAITING;
    }
    return fate;
  }

  #halfOf(edge: EdgeLayout, position: number): number {
    const { i32 } = this.#context;
    const cell = cellOf(edge, position);
    const lap = lapOf(edge, position);
    const ended = allEnded(this.#context, edge);
    const found = Atomics.load(i32, cell);
    if (found === word(lap, PUBLISHED)) return (i32[cell + CELL.reference] as number) === 0 ? NONE : COMPLETE;
    if (ended) return position >= endOf(this.#context, edge) ? NONE : DEAD;
    return lapsAhead(edge, wordLap(found), lap) > 0 ? DEAD : WAITING;
  }

  /** Fixes the cells of the chosen position. */
  #settle(): number {
    const { i32 } = this.#context;
    for (let i = 0; i < this.#inputs.length; i += 1) {
      const edge = this.#inputs[i] as EdgeLayout;
      const cell = cellOf(edge, this.position);
      this.#found[i] = Atomics.load(i32, cell);
      this.cells[i] = this.#found[i] === word(lapOf(edge, this.position), PUBLISHED) ? cell : -1;
    }
    return READY;
  }

  #ended(): number {
    const { task } = this.#context;
    const tasks = settleTasks(this.#context);
    if (task.index >= tasks) return END;
    if (hasFlushed(this.#context)) return this.#isOver() ? END : NO_INPUT;
    const last = Math.max(...this.#inputs.map((edge) => endOf(this.#context, edge)));
    this.position = last + task.index;
    this.endPosition = last + tasks;
    return FLUSH;
  }

  /** What a replica that was one too many has in hand is published before its siblings end, or comes to them if it dies. */
  #isOver(): boolean {
    const { i32, node } = this.#context;
    return !hasSurplus(i32, node) || !this.#inputs.some((edge) => someTaken(i32, edge));
  }

  claim(): boolean {
    for (let i = 0; i < this.cells.length; i += 1) {
      if ((this.cells[i] as number) < 0) continue;
      if (!this.#take(i)) return this.#giveBack(i);
      this.#context.step?.("half taken");
    }
    if (this.filtered) this.#barAbsent();
    return true;
  }

  setAside(): void {
    this.#passed = this.position + 1;
  }

  #take(input: number): boolean {
    const { i32, task } = this.#context;
    const published = this.#found[input] as number;
    const taken = word(wordLap(published), TAKEN, task.task);
    return Atomics.compareExchange(i32, this.cells[input] as number, published, taken) === published;
  }

  /** A writer dropped one half meanwhile. */
  #giveBack(inputs: number): false {
    for (let i = 0; i < inputs; i += 1) {
      const cell = this.cells[i] as number;
      if (cell >= 0) Atomics.store(this.#context.i32, cell, this.#found[i] as number);
    }
    return false;
  }

  /** The other halves of a filtered position are of no use when they come. */
  #barAbsent(): void {
    for (let i = 0; i < this.cells.length; i += 1) {
      if ((this.cells[i] as number) < 0) markDead(this.#context, this.#inputs[i] as EdgeLayout, this.position);
    }
  }
}
