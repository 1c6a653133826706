/**
 * The port of one task: takes units, hands out slots, commits. {@link ./port.ts} says what callers may rely on.
 *
 * Its rooms: {@link ./inbox.ts} the messages of the unit in hand, {@link ./outbox.ts} its outputs, {@link ./retained.ts} what
 * outlives it, {@link ./totals.ts} what it adds up to, {@link ./sleeper.ts} the time in between.
 */
import { performance } from "node:perf_hooks";
import { OperatorError } from "../base/errors.js";
import type { DType, Tensor } from "../base/tensor.js";
import { ANYONE, commitUnit, EVERYONE, publishEnd, Redo, UNIT_DATA, UNIT_FLUSH, UNIT_PRODUCED, UNIT_SETTLED, UNIT_SHED } from "./commit.js";
import { count, noteProgress, openContext, publishState, type TaskContext } from "./context.js";
import { Inbox } from "./inbox.js";
import { END, FLUSH, type Intake, NO_INPUT, READY, RETIRE, SHED } from "./intake.js";
import { BatchIntake } from "./intake-batch.js";
import { RealtimeIntake } from "./intake-realtime.js";
import { type ReadEventTs, TimeIntake } from "./intake-time.js";
import { CELL, COUNTER, EDGE, type EdgeLayout, HEADER, LEFT, MAX_OUTPUTS, TASK, TOTAL } from "./layout.js";
import { type Fates, noFates, writeFates } from "./ledger.js";
import type { MessageView } from "./message-view.js";
import { Outbox } from "./outbox.js";
import type { DataPlan } from "./plan.js";
import { OwnPool } from "./pool.js";
import type { CommitOptions, OutputMessage, PortOptions, TaskPort, TaskState, Unit } from "./port.js";
import { countProcessTime } from "./process-times.js";
import { recover } from "./recover.js";
import { hasSurplus, isSurplus } from "./replicas.js";
import { Retained } from "./retained.js";
import { awaitedPart, isFree } from "./ring.js";
import { Sleeper } from "./sleeper.js";
import { StateFile } from "./state-file.js";
import { stateCode } from "./task-state.js";
import { type Addition, isDelivered, writeTotals } from "./totals.js";
import { attemptsOf, outputRow, outputsDone, progressWord, withRow } from "./words.js";

const WORKING = stateCode("working");
const USER_CODE = stateCode("user-code");
const ENDED = stateCode("ended");
const RETIRED = stateCode("retired");

const NO_MESSAGES: readonly MessageView[] = [];
const NO_CELL = -1;
const NOTHING: Readonly<Addition> = { commits: 0, messagesIn: 0, bytesIn: 0, messagesOut: 0, bytesOut: 0, marksOut: 0, filtered: 0 };
/** How a unit in hand will be committed; 0 = no unit. */
const IDLE = 0;

/**
 * Opens the port of a task. Of each task at most one port may be open, and after a death recoverTask() comes first.
 *
 * @throws OperatorError SHM_INVALID
 */
export function openTaskPort(dir: string, plan: DataPlan, node: string, taskIndex: number, options: PortOptions = {}): TaskPort {
  return new SharedMemoryPort(openContext(dir, plan, node, taskIndex, options), options);
}

class SharedMemoryPort implements TaskPort {
  readonly node: string;
  readonly taskIndex: number;
  readonly #context: TaskContext;
  readonly #i32: Int32Array;
  readonly #f64: Float64Array;
  readonly #region: number;
  readonly #intake: Intake | undefined;
  readonly #pool: OwnPool | undefined;
  readonly #inbox: Inbox;
  readonly #outbox: Outbox;
  readonly #retained: Retained;
  readonly #sleeper: Sleeper;
  readonly #states: StateFile;
  readonly #redo = new Redo();
  /** What the commit of one unit adds to the totals; filled anew for each. */
  readonly #addition: Addition = { ...NOTHING, commits: 1 };
  /** Units that are acknowledged later, in rising order of position. */
  readonly #aside: { readonly position: number; readonly messages: number; readonly bytes: number; readonly fates: Fates }[] = [];
  #unit = IDLE;
  #position = 0;
  #origin = 0;
  #attemptWord = NO_CELL;
  /** Where the number of outputs that are committed is kept while the unit is in hand. */
  #progressAt = 0;
  /** More outputs of the same position follow in a unit of their own. */
  #more = false;
  #filtered = 0;
  #buried = 0;
  #blocked = NO_INPUT;
  /** Clock readings in the unit in hand: user code was called, and it returned. -1: not yet. */
  #userSince = -1;
  #returnedMs = -1;
  #closed = false;

  constructor(context: TaskContext, options: PortOptions) {
    this.#context = context;
    this.#i32 = context.i32;
    this.#f64 = context.f64;
    this.#region = context.region;
    this.node = context.node.plan.name;
    this.taskIndex = context.task.index;
    this.#states = new StateFile(context);
    this.#retained = new Retained(context, options.private === true);
    this.#inbox = new Inbox(context, this.#retained);
    this.#pool = context.outputs.length > 0 ? new OwnPool(context, options.scrub === true) : undefined;
    this.#outbox = new Outbox(context, this.#pool, options.partSize);
    this.#intake = openIntake(context, this.#pool, (input, reference) => this.#inbox.eventTsOf(input, reference));
    this.#sleeper = new Sleeper(context, longestSleep(this.#intake, options.lookMs ?? 1_000), options.naps === true);
    this.#enroll();
  }

  #enroll(): void {
    Atomics.add(this.#i32, this.#region + TASK.incarnation, 1);
    Atomics.store(this.#i32, this.#region + TASK.pid, process.pid);
    Atomics.store(this.#i32, this.#region + TASK.left, 0);
    noteProgress(this.#context);
    this.setState("opening");
  }

  get committed(): number {
    return this.#f64[this.#context.totals + TOTAL.commits] as number;
  }

  get stopRequested(): boolean {
    return Atomics.load(this.#i32, HEADER.stop) !== 0;
  }

  get paused(): boolean {
    return Atomics.load(this.#i32, HEADER.pause) !== 0;
  }

  get retiring(): boolean {
    return Atomics.load(this.#i32, this.#region + TASK.retire) !== 0 || isSurplus(this.#context);
  }

  setState(state: TaskState): void {
    publishState(this.#context, stateCode(state));
  }

  // --- Taking -------------------------------------------------------------------------------------------------------------

  take(): Unit | undefined {
    if (this.#unit !== IDLE) throw new Error(`node ${this.node}: take() with a unit in hand`);
    const intake = this.#intake;
    if (intake === undefined) throw new Error(`node ${this.node}: take() in a producer`);
    for (;;) {
      const found = this.retiring ? RETIRE : intake.look();
      if (found === READY) {
        const unit = intake.claim() ? this.#openAny(intake) : undefined;
        if (unit !== undefined) return unit;
      } else if (found === SHED) this.#shed(intake);
      else if (found === FLUSH) return this.#openFlush(intake);
      else if (found === END) return { kind: "end", position: intake.endPosition, inputs: [], attempts: 0, row: 0 };
      else if (found === RETIRE) return { kind: "retire", position: intake.position, inputs: [], attempts: 0, row: 0 };
      else {
        this.#blocked = found;
        return undefined;
      }
    }
  }

  /** @param progressAt word of the attempts at the unit and of its committed outputs. */
  #hold(unit: number, position: number, progressAt = this.#region + TASK.progress): void {
    this.#unit = unit;
    this.#position = position;
    this.#progressAt = progressAt;
    this.#more = false;
    this.#outbox.begin(outputsDone(this.#i32[progressAt] as number));
    this.#f64[(this.#region + TASK.inHandPositionF64) / 2] = position;
    this.#i32[this.#region + TASK.inHand] = 1;
    publishState(this.#context, WORKING);
  }

  #openFlush(intake: Intake): Unit {
    this.#attemptWord = this.#region + TASK.flushAttempts;
    this.#hold(UNIT_FLUSH, intake.position);
    this.#origin = this.#context.task.node + 1;
    return {
      kind: "flush",
      position: intake.position,
      inputs: this.#context.inputs.map(() => NO_MESSAGES),
      attempts: this.#attempts,
      row: 0,
    };
  }

  get #attempts(): number {
    return attemptsOf(this.#i32[this.#attemptWord] as number);
  }

  #openAny(intake: Intake): Unit | undefined {
    return intake instanceof TimeIntake ? this.#openGroup(intake) : this.#open(intake);
  }

  #openGroup({ position, group, rules }: TimeIntake): Unit {
    this.#hold(UNIT_DATA, position);
    const inputs = group.cells.map((cells, input) => cells.flatMap((cell) => this.#inbox.read(input, cell)));
    this.#origin = 0;
    this.#attemptWord = (group.cells.flat()[0] as number) + CELL.attempts;
    const lists = inputs.map((_, input) => rules.collect.has(input));
    const attempts = this.#attempts;
    return { kind: "data", position, inputs, attempts, row: 0, group: { eventTs: group.eventTs, number: group.number, lists } };
  }

  /** What a join by time has no use for: acknowledged at once, and nothing goes out. */
  #shed(intake: Intake): void {
    if (!intake.claim()) return;
    this.#hold(UNIT_SHED, intake.position);
    for (const { input, count: messages } of (intake as TimeIntake).chosen) this.#inbox.note(input, messages);
    this.#filtered = 1;
    this.#attemptWord = NO_CELL;
    this.#commitOne(undefined);
  }

  /** @returns undefined if nothing of the unit concerns user code: it is committed as "none" at once. */
  #open(intake: Intake): Unit | undefined {
    const { cells } = intake;
    this.#attemptWord = (cells[0] as number) < 0 ? NO_CELL : (cells[0] as number) + CELL.attempts;
    if (this.#attemptWord === NO_CELL) this.#hold(UNIT_DATA, intake.position);
    else this.#hold(UNIT_DATA, intake.position, this.#attemptWord);
    this.#more = intake.more;
    this.#wakeSibling();
    let missing = false;
    const inputs = new Array<MessageView[]>(cells.length);
    for (let i = 0; i < cells.length; i += 1) {
      const messages = this.#inbox.read(i, cells[i] as number);
      if (messages.length === 0) missing = true;
      inputs[i] = messages;
    }
    const problem = cells.length > 1 ? this.#inbox.joinProblem(cells, inputs) : undefined;
    this.#origin = this.#inbox.originOf(cells);
    if (missing || intake.filtered || problem !== undefined) return this.#pass(cells.length > 1, problem);
    const row = cells.length === 1 ? outputRow(this.#i32[(cells[0] as number) + CELL.count] as number) : 0;
    return { kind: "data", position: intake.position, inputs, attempts: this.#attempts, row };
  }

  /** Commits "none". @throws OperatorError JOIN_TRACE_AMBIGUOUS in batch; the unit stays in hand. */
  #pass(isJoin: boolean, problem: string | undefined): undefined {
    if (problem !== undefined && !this.#context.realtime) {
      throw new OperatorError("JOIN_TRACE_AMBIGUOUS", { node: this.node, position: this.#position, problem });
    }
    this.#filtered = isJoin ? 1 : 0;
    this.#commitOne(undefined);
    return undefined;
  }

  #wakeSibling(): void {
    const intake = this.#intake;
    if (!(intake instanceof BatchIntake) || !intake.moreFor()) return;
    this.#context.bells.wakeReaders(this.#context.inputs[0] as EdgeLayout, ANYONE);
  }

  attempt(): number {
    if (this.#unit === IDLE) this.#startProducing();
    const number = this.#attemptWord === NO_CELL ? 1 : this.#attempts + 1;
    if (this.#attemptWord !== NO_CELL) {
      const outputs = outputsDone(this.#i32[this.#attemptWord] as number);
      this.#i32[this.#attemptWord] = progressWord(number, outputs);
    }
    count(this.#context, COUNTER.attempts, 1);
    publishState(this.#context, USER_CODE);
    this.#i32[this.#region + TASK.inUserCode] = 1;
    this.#context.step?.("attempt");
    this.#userSince = performance.now();
    noteProgress(this.#context, this.#userSince);
    return number;
  }

  workOn(row: number): void {
    if (this.#unit !== UNIT_DATA || this.#attemptWord === NO_CELL) return;
    const at = this.#attemptWord - CELL.attempts + CELL.count;
    this.#i32[at] = withRow(this.#i32[at] as number, row);
  }

  /** The message after the one that was given up is noted first: a unit that has one noted is known to have letters. */
  countAnew(row: number, attempts: number): void {
    if (this.#attemptWord === NO_CELL) return;
    this.workOn(Math.min(row + 1, MAX_OUTPUTS - 1));
    this.#i32[this.#attemptWord] = progressWord(attempts, outputsDone(this.#i32[this.#attemptWord] as number));
  }

  returned(): void {
    if (this.#userSince < 0) return;
    this.#returnedMs = performance.now();
    const us = (this.#returnedMs - this.#userSince) * 1_000;
    count(this.#context, COUNTER.processUs, us);
    countProcessTime(this.#context, us);
    this.#userSince = -1;
    this.#i32[this.#region + TASK.inUserCode] = 0;
    publishState(this.#context, WORKING);
  }

  // --- Producing ----------------------------------------------------------------------------------------------------------

  /** Says that it produces before it looks whether it may: who pauses the flow stores first and looks afterwards. */
  reserve(): boolean {
    this.#produces(1);
    const may = !this.paused && this.#hasPlace();
    if (!may) this.#produces(0);
    return may;
  }

  #produces(value: number): void {
    Atomics.store(this.#i32, this.#region + TASK.producing, value);
  }

  #hasPlace(): boolean {
    if (this.#context.realtime) return true;
    const position = this.committed;
    for (const edge of this.#context.outputs) if (!isFree(this.#context, edge, position)) return false;
    return this.#pool === undefined || this.#pool.hasRoom();
  }

  #startProducing(): void {
    if (this.#intake !== undefined) throw new Error(`node ${this.node}: no unit in hand`);
    this.#unit = UNIT_PRODUCED;
    this.#position = this.committed;
    this.#progressAt = this.#region + TASK.progress;
    this.#more = false;
    this.#outbox.begin(outputsDone(this.#i32[this.#progressAt] as number));
    this.#origin = 0;
    this.#attemptWord = NO_CELL;
  }

  // --- Waiting ------------------------------------------------------------------------------------------------------------

  waitForInput(): Promise<void> {
    return this.#sleeper.untilUnit(this.#blocked, this.#look);
  }

  readonly #look = (): number => {
    this.#blocked = this.retiring ? RETIRE : (this.#intake as Intake).look();
    return this.#blocked;
  };

  waitForSpace(): Promise<void> {
    return this.#sleeper.untilSpace(() => this.stopRequested || this.retiring || this.reserve());
  }

  // --- Writing ------------------------------------------------------------------------------------------------------------

  allocate<D extends DType>(shape: readonly number[], dtype: D): Tensor<D> {
    if (this.#unit === IDLE && this.#pool !== undefined) this.#startProducing();
    return this.#outbox.allocate(shape, dtype);
  }

  write(message: OutputMessage): void {
    if (this.#unit === IDLE) this.#startProducing();
    this.#outbox.write(message);
  }

  discard(): void {
    this.returned();
    this.#outbox.discard();
  }

  // --- More outputs than one commit has ---------------------------------------------------------------------------------

  get outputsDone(): number {
    if (this.#unit === IDLE && this.#intake === undefined) return outputsDone(this.#i32[this.#region + TASK.progress] as number);
    return this.#outbox.done;
  }

  get outputIndex(): number {
    return this.#outbox.index;
  }

  get isFull(): boolean {
    return this.#outbox.isFull;
  }

  passOutputs(outputs: number): void {
    this.#outbox.pass(outputs);
  }

  commitPart(): void {
    this.returned();
    const redo = this.#redo;
    redo.snapshot = this.#states.word;
    this.#fillRedo(redo, true);
    redo.outputsDone = this.#outbox.reached;
    redo.progressAt = this.#progressAt;
    writeTotals(this.#context, { ...NOTHING, messagesOut: this.#outbox.count, bytesOut: this.#outbox.sizeBytes }, 0);
    commitUnit(this.#context, redo, this.#outbox.owners);
    this.#outbox.clearPart();
    noteProgress(this.#context);
  }

  hasRoomForMore(): boolean {
    for (const edge of this.#context.outputs) if (!isFree(this.#context, edge, this.#position)) return false;
    return this.#pool === undefined || this.#pool.hasRoom();
  }

  waitForRoom(): Promise<void> {
    return this.#sleeper.untilSpace(() => this.hasRoomForMore());
  }

  // --- Committing ---------------------------------------------------------------------------------------------------------

  commit(options?: CommitOptions): void {
    if (this.#aside.length === 0) return this.#commitOne(options?.state);
    if (this.#unit === UNIT_DATA) this.setAside();
    this.settle(this.#aside.length, options);
    if (this.#unit !== IDLE) this.#commitOne(undefined);
  }

  #commitOne(state: Uint8Array | undefined): void {
    if (this.#unit === IDLE) this.#startProducing();
    this.returned();
    const snapshot = this.#stateAfter(state);
    const outbox = this.#outbox;
    if (this.#context.realtime && outbox.count > 0 && !outbox.hasRoom()) outbox.giveUp();
    const redo = this.#redo;
    redo.snapshot = snapshot;
    this.#fillRedo(redo, false);
    this.#writeTotals(redo);
    writeFates(this.#context, this.#inbox.fates(this.#buried, this.#isDropped));
    commitUnit(this.#context, redo, outbox.owners, this.#retained.filter);
    this.#finish();
  }

  #fillRedo(redo: Redo, partial: boolean): void {
    const [first] = this.#context.outputs;
    redo.kind = this.#unit;
    redo.position = this.#position;
    redo.origin = this.#origin;
    redo.endPosition = this.#unit === UNIT_FLUSH ? (this.#intake as Intake).endPosition : 0;
    redo.partial = partial;
    redo.more = partial || this.#more;
    redo.part = this.#context.realtime || first === undefined ? 0 : awaitedPart(this.#context, first, this.#position);
    this.#outbox.fill(redo);
  }

  /** Nobody works on the unit: a half is missing, or no group can have its messages. */
  get #isDropped(): boolean {
    return this.#filtered > 0;
  }

  bury(calls: number): void {
    this.#buried += calls;
  }

  /** @returns the word of the state that counts once the commit does. */
  #stateAfter(state: Uint8Array | undefined): number {
    return state === undefined ? this.#states.word : this.#states.write(state);
  }

  #writeTotals(redo: Redo): void {
    const by = this.#addition;
    by.messagesIn = this.#inbox.count;
    by.bytesIn = this.#inbox.sizeBytes;
    by.messagesOut = this.#outbox.count;
    by.bytesOut = this.#outbox.sizeBytes;
    by.marksOut = this.#isMark(redo) ? 1 : 0;
    by.filtered = this.#filtered;
    writeTotals(this.#context, by, isDelivered(redo, by) ? redo.position + 1 : 0);
  }

  /** Says "none", or that nothing follows what was published of the position. */
  #isMark({ kind, count: outputs, more }: Redo): boolean {
    return outputs === 0 && !more && kind !== UNIT_SHED && this.#context.outputs.length > 0;
  }

  #finish(): void {
    this.#outbox.clear();
    if ((this.#unit === UNIT_DATA || this.#unit === UNIT_SHED) && !this.#context.realtime) this.#sleeper.owe();
    this.#forgetUnit();
  }

  #forgetUnit(): void {
    if (this.#intake === undefined) this.#produces(0);
    this.#inbox.clear();
    this.#filtered = 0;
    this.#buried = 0;
    this.#unit = IDLE;
    this.#i32[this.#region + TASK.inHand] = 0;
    noteProgress(this.#context, this.#returnedMs < 0 ? undefined : this.#returnedMs);
    this.#returnedMs = -1;
  }

  // --- Acknowledging later ------------------------------------------------------------------------------------------------

  get state(): Uint8Array | undefined {
    return this.#states.read();
  }

  get aside(): number {
    return this.#aside.length;
  }

  setAside(): void {
    const isData = this.#unit === UNIT_DATA && this.#context.outputs.length === 0;
    if (!isData) throw new Error(`node ${this.node}: setAside() wants a unit of data in the hands of a consumer`);
    if (this.#more) {
      const from = this.#context.node.plan.inputs[0] as string;
      throw new OperatorError("OUTPUTS_TOO_MANY", {
        node: from,
        limit: MAX_OUTPUTS,
        reader: `${this.node}, which acknowledges its inputs later`,
      });
    }
    this.returned();
    if (this.#attemptWord !== NO_CELL) Atomics.store(this.#i32, this.#attemptWord, 0); // A later death is not its fault.
    const fates = this.#inbox.fates(this.#buried, false).slice();
    this.#aside.push({ position: this.#position, messages: this.#inbox.count, bytes: this.#inbox.sizeBytes, fates });
    (this.#intake as Intake).setAside();
    this.#forgetUnit();
    this.#context.step?.("set aside");
  }

  settle(units: number, options?: CommitOptions): void {
    const last = this.#aside[units - 1];
    if (last === undefined) return;
    const redo = this.#redo;
    const nothing = { head: 0, headWord: 0, generation: 0, count: 0, origin: 0, endPosition: 0, part: 0, more: false, partial: false };
    Object.assign(redo, { kind: UNIT_SETTLED, position: last.position, ...nothing });
    redo.snapshot = this.#stateAfter(options?.state);
    this.#writeSettledTotals(units, last.position);
    commitUnit(this.#context, redo, this.#outbox.owners, this.#retained.filter);
    this.#aside.splice(0, units);
    if (!this.#context.realtime) for (let i = 0; i < units; i += 1) this.#sleeper.owe();
    noteProgress(this.#context);
  }

  #writeSettledTotals(units: number, position: number): void {
    const settled = this.#aside.slice(0, units);
    const messagesIn = settled.reduce((sum, unit) => sum + unit.messages, 0);
    const bytesIn = settled.reduce((sum, unit) => sum + unit.bytes, 0);
    writeTotals(this.#context, { ...NOTHING, commits: units, messagesIn, bytesIn }, position + 1);
    const fates = noFates(this.#context);
    for (const unit of settled) for (let i = 0; i < fates.length; i += 1) fates[i] = (fates[i] as number) + (unit.fates[i] as number);
    writeFates(this.#context, fates);
  }

  // --- Ending -------------------------------------------------------------------------------------------------------------

  end(): void {
    this.#produces(0);
    if (this.#intake === undefined) publishEnd(this.#context, this.committed);
    Atomics.store(this.#i32, this.#region + TASK.ended, 1);
    publishState(this.#context, ENDED);
    noteProgress(this.#context);
    this.#sleeper.ringOwed();
    for (const edge of this.#context.outputs) this.#context.bells.wakeReaders(edge, EVERYONE);
    this.#wakeSiblings();
  }

  /** They may wait for the last unit of one that is one too many. */
  #wakeSiblings(): void {
    if (!hasSurplus(this.#i32, this.#context.node)) return;
    for (const edge of this.#context.inputs) this.#context.bells.wakeReaders(edge, EVERYONE);
  }

  leave(): void {
    this.#produces(0);
    if (this.#unit !== IDLE || this.#aside.length > 0) this.#giveBack();
    Atomics.store(this.#i32, this.#region + TASK.left, LEFT);
    for (const { header } of this.#context.inputs) Atomics.add(this.#i32, header + EDGE.epoch, 1); // A sibling takes the parts to come.
    this.#context.step?.("left");
    publishState(this.#context, RETIRED);
    noteProgress(this.#context);
    this.#sleeper.ringOwed();
    this.#wakeSiblings();
  }

  /** What is not committed is offered again, to a sibling or to the next incarnation. */
  #giveBack(): void {
    this.discard();
    recover(this.#context, true);
    this.#aside.length = 0;
    this.#forgetUnit();
    for (const edge of this.#context.inputs) this.#context.bells.wakeReaders(edge, EVERYONE);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#unit !== IDLE || this.#aside.length > 0) this.#giveBack();
    this.#sleeper.close();
    this.#context.bells.close();
  }
}

function openIntake(context: TaskContext, pool: OwnPool | undefined, readEventTs: ReadEventTs): Intake | undefined {
  if (context.inputs.length === 0) return undefined;
  if (context.node.plan.timeJoin !== undefined) return new TimeIntake(context, pool, readEventTs);
  return context.realtime ? new RealtimeIntake(context) : new BatchIntake(context, pool);
}

/** A join by time must look again when time alone decides something. */
function longestSleep(intake: Intake | undefined, lookMs: number): () => number {
  return intake instanceof TimeIntake ? () => Math.min(lookMs, intake.dueInMs()) : () => lookMs;
}
