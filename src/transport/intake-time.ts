/**
 * Joins by event time: reads the cells of all inputs, asks {@link decide} what to do, takes the cells of one group.
 *
 * The groups live in this process alone: what waits stays published, so a new incarnation finds it and groups it again. A cell
 * that was taken names its group in its owner word; groups are numbered 0, 1, 2, … by what was committed, as a producer's
 * messages are.
 */
import { performance } from "node:perf_hooks";
import { OperatorError } from "../base/errors.js";
import type { TaskContext } from "./context.js";
import { END, FLUSH, hasFlushed, type Intake, NO_INPUT, NO_SPACE, READY, SHED } from "./intake.js";
import { CELL, type EdgeLayout, MAX_OUTPUTS, type NodeLayout, TASK, TOTAL } from "./layout.js";
import type { OwnPool } from "./pool.js";
import { liveTasks, nominalSlots, windowOf } from "./replicas.js";
import { allEnded, cellOf, endOf, isFree, isWithinWindow, lowestUnfinished } from "./ring.js";
import { stateCode } from "./task-state.js";
import {
  type Decision,
  decide,
  type InputProgress,
  microseconds,
  type Pending,
  place,
  type TimeRules,
  timeRules,
  type Waiting,
  without,
} from "./time-groups.js";
import { hasMore, lapOf, lapsAhead, outputCount, PUBLISHED, referenceTask, TAKEN, word, wordLap, wordState } from "./words.js";

/** Reads the event time of a message that is published; NaN if it has none. */
export type ReadEventTs = (input: number, reference: number) => number;

/** A message that waits, and where. */
interface Seen extends Pending {
  readonly cell: number;
  /** The cell's word: another one means that the message is gone. */
  readonly word: number;
  readonly eventTs: number;
  /** Number of messages in the cell, and the task whose slots they take. */
  readonly count: number;
  readonly writer: number;
}

/** What this task knows of an input. */
interface Source {
  readonly edge: EdgeLayout;
  readonly name: string;
  /** By first word of the cell. */
  readonly seen: Map<number, Seen>;
  /** Cells without a message, to be freed. */
  readonly blanks: Seen[];
  /** Slots of each writer that wait here. */
  readonly held: Int32Array;
  next: number;
  latestUs: number;
  ended: boolean;
  /** Milliseconds; Infinity before its node and all before it have started. */
  startedMs: number;
  heardMs: number;
}

/** A group as it is given to the node. */
export interface ChosenGroup {
  /** Per input its cells. */
  readonly cells: readonly (readonly number[])[];
  readonly eventTs: number;
  /** Epoch microseconds. */
  readonly number: number;
}

const NOBODY: Waiting<Seen> = { groups: [], lists: [] };
const WORKING = stateCode("working");

export class TimeIntake implements Intake {
  position = 0;
  endPosition = 0;
  readonly filtered = false;
  readonly more = false;
  readonly cells = new Int32Array(0);
  /** The candidate of a READY look. */
  group: ChosenGroup = { cells: [], eventTs: Number.NaN, number: 0 };
  readonly rules: TimeRules;
  readonly #context: TaskContext;
  readonly #pool: OwnPool | undefined;
  readonly #readEventTs: ReadEventTs;
  readonly #sources: readonly Source[];
  #waiting = NOBODY;
  #chosen: readonly Seen[] = [];
  /** First number after what is set aside. */
  #floor = 0;
  #dueMs = Number.POSITIVE_INFINITY;

  constructor(context: TaskContext, pool: OwnPool | undefined, readEventTs: ReadEventTs) {
    const { plan } = context.node;
    if (plan.timeJoin === undefined) throw new Error(`node ${plan.name} joins by trace`);
    this.rules = timeRules(plan.timeJoin, plan.inputs, context.realtime);
    this.#context = context;
    this.#pool = pool;
    this.#readEventTs = readEventTs;
    this.#sources = context.inputs.map((edge) => aSource(context, edge));
  }

  /** @throws OperatorError JOIN_TIME_UNKNOWN, JOIN_TIME_AMBIGUOUS, JOIN_TIME_INCOMPLETE */
  look(): number {
    const nowMs = performance.now();
    this.#listen(nowMs);
    this.position = Math.max(this.#context.f64[this.#context.totals + TOTAL.next] as number, this.#floor);
    const blanks = this.#sources.flatMap((source) => source.blanks);
    if (blanks.length > 0) return this.#choose(SHED, blanks);
    return this.#follow(
      decide(
        this.#waiting,
        this.#sources.map((source) => this.#progressOf(source)),
        this.rules,
        nowMs,
      ),
    );
  }

  #follow(decision: Decision<Seen>): number {
    this.#dueMs = decision.kind === "wait" ? decision.dueMs : Number.POSITIVE_INFINITY;
    if (decision.kind === "shed") return this.#choose(SHED, decision.messages);
    if (decision.kind === "fail") throw this.#incomplete(decision.missing, decision.group.timeUs);
    if (decision.kind === "wait") return this.#isOver() ? this.#ended() : NO_INPUT;
    if (!this.#hasSpace(this.position)) return NO_SPACE;
    const members = decision.group.members.filter((member) => member !== undefined);
    const chosen = [...members, ...decision.lists];
    const cells = this.#sources.map((_, input) => chosen.filter((message) => message.input === input).map(({ cell }) => cell));
    this.group = { cells, eventTs: Math.min(...members.map(({ eventTs }) => eventTs)), number: decision.group.timeUs };
    return this.#choose(READY, chosen);
  }

  /** What a SHED look found: per message or mark its input and how many messages it has. */
  get chosen(): readonly { readonly input: number; readonly count: number }[] {
    return this.#chosen;
  }

  #choose(result: number, chosen: readonly Seen[]): number {
    this.#chosen = chosen;
    return result;
  }

  #incomplete(missing: readonly number[], timeUs: number): OperatorError {
    const names = missing.map((input) => (this.#sources[input] as Source).name);
    return new OperatorError("JOIN_TIME_INCOMPLETE", { node: this.#context.node.plan.name, eventTs: timeUs / 1e6, missing: names });
  }

  // --- Reading ------------------------------------------------------------------------------------------------------------

  #listen(nowMs: number): void {
    const fresh: Seen[] = [];
    for (const [input, source] of this.#sources.entries()) {
      if (source.startedMs === Number.POSITIVE_INFINITY && hasStarted(this.#context, source.edge.from)) source.startedMs = nowMs;
      const before = source.next;
      if (this.#context.realtime) this.#readAny(input, source, nowMs, fresh);
      else this.#readInOrder(input, source, nowMs, fresh);
      if (source.next !== before) source.heardMs = nowMs;
    }
    for (const message of fresh.sort(byTime)) this.#waiting = place(this.#waiting, message, this.rules);
  }

  /** Batch: a position that is missing is still to come, whatever is there behind it. */
  #readInOrder(input: number, source: Source, nowMs: number, fresh: Seen[]): void {
    const { edge } = source;
    const end = endOf(this.#context, edge); // Before the cells: the end is said last.
    for (; ; source.next += 1) {
      const cell = cellOf(edge, source.next);
      const lap = lapOf(edge, source.next);
      const found = Atomics.load(this.#context.i32, cell);
      if (found === word(lap, PUBLISHED)) this.#see(input, source, cell, found, nowMs, fresh);
      else if (!isBehind(edge, found, lap)) break;
    }
    source.ended = end >= 0 && source.next >= end;
  }

  /** Realtime: positions may never come, and messages that wait may be dropped by their writer. */
  #readAny(input: number, source: Source, nowMs: number, fresh: Seen[]): void {
    const { i32, f64 } = this.#context;
    const { edge } = source;
    const ended = allEnded(this.#context, edge);
    this.#forgetDropped(source);
    for (let cell = edge.cells; cell < edge.cells + edge.count * CELL.size; cell += CELL.size) {
      const found = Atomics.load(i32, cell);
      if (wordState(found) !== PUBLISHED || source.seen.has(cell)) continue;
      if (source.blanks.some((blank) => blank.cell === cell)) continue;
      const position = f64[(cell + CELL.position) / 2] as number;
      this.#see(input, source, cell, found, nowMs, fresh);
      source.next = Math.max(source.next, position + 1);
    }
    source.ended = ended;
  }

  #forgetDropped(source: Source): void {
    const isGone = ({ cell, word: seen }: Seen) => Atomics.load(this.#context.i32, cell) !== seen;
    const gone = [...source.seen.values()].filter(isGone);
    if (gone.length > 0) this.#forget(gone);
    const blanks = source.blanks.filter((blank) => !isGone(blank));
    source.blanks.splice(0, source.blanks.length, ...blanks);
  }

  #see(input: number, source: Source, cell: number, found: number, nowMs: number, fresh: Seen[]): void {
    const { i32, f64 } = this.#context;
    const reference = i32[cell + CELL.reference] as number;
    const parts = i32[cell + CELL.count] as number;
    const count = reference === 0 ? 0 : outputCount(parts);
    const position = f64[(cell + CELL.position) / 2] as number;
    const eventTs = count === 0 ? 0 : this.#readEventTs(input, reference);
    if (Atomics.load(i32, cell) !== found) return; // Dropped while we read it.
    const writer = count === 0 ? 0 : referenceTask(reference);
    const seen: Seen = { input, position, cell, word: found, eventTs, timeUs: microseconds(eventTs), seenMs: nowMs, count, writer };
    if (count === 0) {
      source.blanks.push(seen);
      return;
    }
    this.#check(source, seen, hasMore(parts));
    source.seen.set(cell, seen);
    source.held[writer] = (source.held[writer] as number) + count;
    source.latestUs = Math.max(source.latestUs, seen.timeUs);
    fresh.push(seen);
  }

  #check({ name }: Source, { input, eventTs, position, count }: Seen, more: boolean): void {
    const node = this.#context.node.plan.name;
    if (more) throw new OperatorError("OUTPUTS_TOO_MANY", { node: name, limit: MAX_OUTPUTS, reader: `${node}, which joins by event time` });
    if (!Number.isFinite(eventTs)) throw new OperatorError("JOIN_TIME_UNKNOWN", { node, input: name, position });
    if (count > 1 && !this.rules.collect.has(input)) throw new OperatorError("JOIN_TIME_AMBIGUOUS", { node, input: name, count });
  }

  #progressOf(source: Source): InputProgress {
    const { latestUs, next, ended, startedMs, heardMs } = source;
    const sinceMs = this.#context.realtime ? startedMs : Math.max(startedMs, heardMs);
    return { latestUs, next, ended, full: this.#isFull(source), sinceMs };
  }

  /** All its places, or all slots of one of its writers, are taken by what waits here. */
  #isFull({ edge, next, seen, held }: Source): boolean {
    if (this.#context.realtime || seen.size === 0) return false;
    const { i32, memory } = this.#context;
    const nominal = nominalSlots(memory, memory.layout.nodes[edge.from] as NodeLayout);
    return seen.size >= windowOf(i32, edge) || !isReached(this.#context, edge, next) || held.some((slots) => slots >= nominal);
  }

  // --- Taking -------------------------------------------------------------------------------------------------------------

  claim(): boolean {
    const { i32, task } = this.#context;
    const taken: Seen[] = [];
    for (const message of this.#chosen) {
      const mine = word(wordLap(message.word), TAKEN, task.task);
      if (Atomics.compareExchange(i32, message.cell, message.word, mine) !== message.word) return this.#giveBack(taken);
      i32[message.cell + CELL.owner] = this.position | 0;
      taken.push(message);
      this.#context.step?.("half taken");
    }
    this.#forget(this.#chosen);
    return true;
  }

  /** Realtime: a writer dropped one of them meanwhile. */
  #giveBack(taken: readonly Seen[]): false {
    for (const message of taken) Atomics.store(this.#context.i32, message.cell, message.word);
    return false;
  }

  #forget(messages: readonly Seen[]): void {
    for (const message of messages) {
      const source = this.#sources[message.input] as Source;
      if (source.seen.delete(message.cell)) source.held[message.writer] = (source.held[message.writer] as number) - message.count;
      const at = source.blanks.indexOf(message);
      if (at >= 0) source.blanks.splice(at, 1);
    }
    this.#waiting = without(this.#waiting, new Set(messages));
  }

  setAside(): void {
    this.#floor = this.position + 1;
  }

  /** Milliseconds until time alone may decide something. */
  dueInMs(): number {
    return Math.max(1, Math.ceil(this.#dueMs - performance.now()));
  }

  // --- Ending -------------------------------------------------------------------------------------------------------------

  #isOver(): boolean {
    return this.#sources.every(({ ended, seen, blanks }) => ended && seen.size === 0 && blanks.length === 0);
  }

  #ended(): number {
    if (hasFlushed(this.#context)) return END;
    this.endPosition = this.position + 1;
    return this.#hasSpace(this.position) ? FLUSH : NO_SPACE;
  }

  #hasSpace(position: number): boolean {
    if (this.#context.realtime) return true;
    for (const edge of this.#context.outputs) if (!isFree(this.#context, edge, position)) return false;
    return this.#pool === undefined || this.#pool.hasRoom();
  }
}

function aSource(context: TaskContext, edge: EdgeLayout): Source {
  return {
    edge,
    name: edge.plan.from,
    seen: new Map(),
    blanks: [],
    held: new Int32Array((context.memory.layout.nodes[edge.from] as NodeLayout).tasks.length),
    next: context.realtime ? 0 : lowestUnfinished(context, edge),
    latestUs: Number.NEGATIVE_INFINITY,
    ended: false,
    startedMs: Number.POSITIVE_INFINITY,
    heardMs: 0,
  };
}

function byTime(a: Seen, b: Seen): number {
  return a.timeUs - b.timeUs || a.input - b.input || a.position - b.position;
}

/** The position was finished earlier, or is in the hands of this task. */
function isBehind(edge: EdgeLayout, found: number, lap: number): boolean {
  const ahead = lapsAhead(edge, wordLap(found), lap);
  return ahead > 0 || (ahead === 0 && wordState(found) === TAKEN);
}

/** The cell of a position awaits it, or holds it. */
function isReached(context: TaskContext, edge: EdgeLayout, position: number): boolean {
  const ahead = lapsAhead(edge, wordLap(Atomics.load(context.i32, cellOf(edge, position))), lapOf(edge, position));
  return ahead > 0 || (ahead === 0 && isWithinWindow(context.i32, edge, position));
}

/** A node that is being opened for the first time, or waits for one that is, is not late yet. */
function hasStarted(context: TaskContext, node: number): boolean {
  const { nodes, edges } = context.memory.layout;
  const { tasks, inputs, plan } = nodes[node] as NodeLayout;
  const hasOpened = tasks.slice(0, Math.min(plan.tasks, liveTasks(context.i32, nodes[node] as NodeLayout))).every(({ region }) => {
    const commits = context.f64[(region + TASK.totalsF64) / 2 + TOTAL.commits] as number;
    return commits > 0 || (context.i32[region + TASK.state] as number) >= WORKING;
  });
  return hasOpened && inputs.every((edge) => hasStarted(context, (edges[edge] as EdgeLayout).from));
}
