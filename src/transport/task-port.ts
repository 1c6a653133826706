/** The port of one task: takes units, hands out slots, commits. {@link ./port.ts} says what callers may rely on. */
import { performance } from "node:perf_hooks";
import { OperatorError } from "../base/errors.js";
import { type DType, elementCount, itemSizeBytes, Tensor, viewElements } from "../base/tensor.js";
import { AWAKE, Bell, WANTS_INPUT, WANTS_SPACE } from "./bells.js";
import { type Allocation, MESSAGE, MessageWriter } from "./codec.js";
import { ANYONE, commitUnit, EVERYONE, publishEnd, Redo, UNIT_DATA, UNIT_FLUSH, UNIT_PRODUCED, UNIT_SETTLED, UNIT_SHED } from "./commit.js";
import { count, openContext, type TaskContext } from "./context.js";
import { bellPath, poolPath } from "./files.js";
import { END, FLUSH, type Intake, NO_INPUT, NO_SPACE, READY, SHED } from "./intake.js";
import { BatchIntake } from "./intake-batch.js";
import { RealtimeIntake } from "./intake-realtime.js";
import { type ReadEventTs, TimeIntake } from "./intake-time.js";
import {
  CELL,
  COUNTER,
  type EdgeLayout,
  HEADER,
  MAX_OUTPUTS,
  MAX_RETAINED,
  type NodeLayout,
  RETAINED,
  SLOT,
  SMALL_BYTES,
  TASK,
  type TaskLayout,
  TOTAL,
} from "./layout.js";
import { type Keeper, MessageView } from "./message-view.js";
import type { DataPlan } from "./plan.js";
import { OwnPool, PoolMapping } from "./pool.js";
import type { CommitOptions, OutputMessage, PortOptions, TaskPort, TaskState, Unit } from "./port.js";
import { recover } from "./recover.js";
import { isFree } from "./ring.js";
import { StateFile } from "./state-file.js";
import { stateCode } from "./task-state.js";
import { partitionOwner } from "./wire/identity.js";
import { referenceSlot, referenceTask, slotReference } from "./words.js";

const WORKING = stateCode("working");
const WAITING_INPUT = stateCode("waiting-input");
const WAITING_SPACE = stateCode("waiting-space");
const USER_CODE = stateCode("user-code");
const ENDED = stateCode("ended");

const NO_MESSAGES: readonly MessageView[] = [];
const NO_CELL = -1;
/** How a unit in hand will be committed; 0 = no unit. */
const IDLE = 0;

/** performance.now() plus this is the boot clock in milliseconds. */
const BOOT_OFFSET_MS = Number(process.hrtime.bigint() / 1_000n) / 1_000 - performance.now();

/**
 * Opens the port of a task. Of each task at most one port may be open, and after a death recoverTask() comes first.
 *
 * @throws OperatorError SHM_INVALID
 */
export function openTaskPort(dir: string, plan: DataPlan, node: string, taskIndex: number, options: PortOptions = {}): TaskPort {
  return new SharedMemoryPort(openContext(dir, plan, node, taskIndex, options.step), options);
}

class SharedMemoryPort implements TaskPort, Keeper {
  readonly node: string;
  readonly taskIndex: number;
  readonly private: boolean;
  readonly #context: TaskContext;
  readonly #i32: Int32Array;
  readonly #f64: Float64Array;
  readonly #region: number;
  readonly #intake: Intake | undefined;
  readonly #pool: OwnPool | undefined;
  readonly #writer: MessageWriter | undefined;
  readonly #lookMs: number;
  readonly #readers = new Map<string, PoolMapping>();
  readonly #inputPools: (PoolMapping | undefined)[][];
  readonly #owed: Int32Array;
  readonly #owners: Int32Array;
  readonly #redo = new Redo();
  readonly #written: number[] = [];
  readonly #allocations: Allocation[] = [];
  readonly #views: MessageView[] = [];
  readonly #states: StateFile;
  /** Units that are acknowledged later, in rising order of position. */
  readonly #aside: { readonly position: number; readonly messages: number; readonly bytes: number }[] = [];
  #bell: Bell | undefined;
  #unit = IDLE;
  #position = 0;
  #origin = 0;
  #attemptWord = NO_CELL;
  #outputBytes = 0;
  #inputBytes = 0;
  #filtered = 0;
  #kept = 0;
  #blocked = NO_INPUT;
  #allocationEpoch = { valid: true };
  #userSince = -1;
  #closed = false;

  constructor(context: TaskContext, options: PortOptions) {
    this.#context = context;
    this.#i32 = context.i32;
    this.#f64 = context.f64;
    this.#region = context.region;
    this.node = context.node.plan.name;
    this.taskIndex = context.task.index;
    this.private = options.private === true;
    this.#lookMs = options.lookMs ?? 1_000;
    this.#states = new StateFile(context);
    this.#pool = context.outputs.length > 0 ? new OwnPool(context, options.scrub === true) : undefined;
    this.#writer = this.#pool && new MessageWriter(this.#pool);
    this.#intake = openIntake(context, this.#pool, (input, reference) => this.#eventTsOf(input, reference));
    this.#inputPools = context.inputs.map(() => []);
    this.#owed = new Int32Array(context.inputs.length);
    this.#owners = new Int32Array(context.outputs.length);
    this.#enroll();
  }

  #enroll(): void {
    Atomics.add(this.#i32, this.#region + TASK.incarnation, 1);
    Atomics.store(this.#i32, this.#region + TASK.pid, process.pid);
    this.#progress();
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

  setState(state: TaskState): void {
    this.#publishState(stateCode(state));
  }

  #publishState(state: number): void {
    this.#i32[this.#region + TASK.state] = state;
  }

  // --- Taking -------------------------------------------------------------------------------------------------------------

  take(): Unit | undefined {
    if (this.#unit !== IDLE) throw new Error(`node ${this.node}: take() with a unit in hand`);
    const intake = this.#intake;
    if (intake === undefined) throw new Error(`node ${this.node}: take() in a producer`);
    for (;;) {
      const found = intake.look();
      if (found === READY) {
        const unit = intake.claim() ? this.#openAny(intake) : undefined;
        if (unit !== undefined) return unit;
      } else if (found === SHED) this.#shed(intake);
      else if (found === FLUSH) return this.#openFlush(intake);
      else if (found === END) return { kind: "end", position: intake.endPosition, inputs: [], attempts: 0 };
      else {
        this.#blocked = found;
        return undefined;
      }
    }
  }

  #hold(unit: number, position: number): void {
    this.#unit = unit;
    this.#position = position;
    this.#f64[(this.#region + TASK.inHandPositionF64) / 2] = position;
    this.#i32[this.#region + TASK.inHand] = 1;
    this.#publishState(WORKING);
    this.#progress();
  }

  #openFlush(intake: Intake): Unit {
    this.#hold(UNIT_FLUSH, intake.position);
    this.#origin = this.#context.task.node + 1;
    this.#attemptWord = this.#region + TASK.flushAttempts;
    return {
      kind: "flush",
      position: intake.position,
      inputs: this.#context.inputs.map(() => NO_MESSAGES),
      attempts: this.#i32[this.#attemptWord] as number,
    };
  }

  #openAny(intake: Intake): Unit | undefined {
    return intake instanceof TimeIntake ? this.#openGroup(intake) : this.#open(intake);
  }

  #openGroup({ position, group, rules }: TimeIntake): Unit {
    this.#hold(UNIT_DATA, position);
    this.#inputBytes = 0;
    const inputs = group.cells.map((cells, input) => cells.flatMap((cell) => this.#readCell(input, cell)));
    this.#origin = 0;
    this.#attemptWord = (group.cells.flat()[0] as number) + CELL.attempts;
    const lists = inputs.map((_, input) => rules.collect.has(input));
    const attempts = this.#i32[this.#attemptWord] as number;
    return { kind: "data", position, inputs, attempts, group: { eventTs: group.eventTs, number: group.number, lists } };
  }

  /** What a join by time has no use for: acknowledged at once, and nothing goes out. */
  #shed(intake: Intake): void {
    if (!intake.claim()) return;
    this.#hold(UNIT_SHED, intake.position);
    this.#inputBytes = 0;
    this.#filtered = 1;
    this.#attemptWord = NO_CELL;
    this.#commitOne(undefined);
  }

  #eventTsOf(input: number, reference: number): number {
    const pool = this.#poolOf(input, this.#context.inputs[input] as EdgeLayout, referenceTask(reference));
    return pool.f64[((referenceSlot(reference) * SMALL_BYTES) / 4 + MESSAGE.eventTsF64) / 2] as number;
  }

  /** @returns undefined if nothing of the unit concerns user code: it is committed as "none" at once. */
  #open(intake: Intake): Unit | undefined {
    this.#hold(UNIT_DATA, intake.position);
    this.#wakeSibling();
    const { cells } = intake;
    let missing = false;
    const inputs: MessageView[][] = [];
    this.#inputBytes = 0;
    for (let i = 0; i < cells.length; i += 1) {
      const messages = this.#readCell(i, cells[i] as number);
      if (messages.length === 0) missing = true;
      inputs.push(messages);
    }
    const problem = cells.length > 1 ? this.#joinProblem(cells, inputs) : undefined;
    this.#origin = this.#originOf(cells);
    this.#attemptWord = (cells[0] as number) < 0 ? NO_CELL : (cells[0] as number) + CELL.attempts;
    if (missing || intake.filtered || problem !== undefined) return this.#pass(cells.length > 1, problem);
    return { kind: "data", position: intake.position, inputs, attempts: this.#i32[this.#attemptWord] as number };
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

  #readCell(input: number, cell: number): MessageView[] {
    const messages: MessageView[] = [];
    if (cell < 0) return messages;
    const i32 = this.#i32;
    let reference = i32[cell + CELL.reference] as number;
    let generation = i32[cell + CELL.generation] as number;
    const edge = this.#context.inputs[input] as EdgeLayout;
    const length = reference === 0 ? 0 : (i32[cell + CELL.count] as number) & 0xff;
    for (let i = 0; i < length; i += 1) {
      const task = referenceTask(reference);
      const entry = referenceSlot(reference);
      const slot = ((this.#context.memory.layout.nodes[edge.from] as NodeLayout).tasks[task] as TaskLayout).slots + entry * SLOT.size;
      const view = new MessageView(this, this.#poolOf(input, edge, task), entry, edge.edge, slot, reference, generation);
      messages.push(view);
      this.#views.push(view);
      this.#inputBytes += view.sizeBytes;
      generation = i32[slot + SLOT.nextGeneration] as number;
      reference = slotReference(task, (i32[slot + SLOT.next] as number) - 1);
    }
    return messages;
  }

  #poolOf(input: number, edge: EdgeLayout, task: number): PoolMapping {
    const pools = this.#inputPools[input] as (PoolMapping | undefined)[];
    const known = pools[task];
    if (known !== undefined) return known;
    const node = this.#context.memory.layout.nodes[edge.from] as NodeLayout;
    const path = poolPath(this.#context.memory.dir, node.plan.name, task);
    const pool = this.#readers.get(path) ?? new PoolMapping(path, node.tasks[task] as TaskLayout, false);
    this.#readers.set(path, pool);
    pools[task] = pool;
    return pool;
  }

  #originOf(cells: Int32Array): number {
    for (const cell of cells) {
      const origin = cell < 0 ? 0 : (this.#i32[cell + CELL.count] as number) >>> 8;
      if (origin !== 0) return origin;
    }
    return 0;
  }

  #joinProblem(cells: Int32Array, inputs: readonly (readonly MessageView[])[]): string | undefined {
    let origin = -1;
    for (let i = 0; i < cells.length; i += 1) {
      const messages = inputs[i] as readonly MessageView[];
      const name = this.#context.node.plan.inputs[i] as string;
      if (messages.length > 1) return `input "${name}" has ${messages.length} outputs of one trace`;
      const cell = cells[i] as number;
      const here = cell < 0 ? 0 : (this.#i32[cell + CELL.count] as number) >>> 8;
      if (messages.length === 1 && here !== 0) origin = here;
    }
    if (origin <= 0) return undefined;
    for (let i = 0; i < cells.length; i += 1) {
      const cell = cells[i] as number;
      const here = cell < 0 ? 0 : (this.#i32[cell + CELL.count] as number) >>> 8;
      if (here !== origin) return `what a flush() gave has no counterpart on input "${this.#context.node.plan.inputs[i]}"`;
    }
    return undefined;
  }

  attempt(): number {
    if (this.#unit === IDLE) this.#startProducing();
    const number = this.#attemptWord === NO_CELL ? 1 : (this.#i32[this.#attemptWord] as number) + 1;
    if (this.#attemptWord !== NO_CELL) Atomics.store(this.#i32, this.#attemptWord, number);
    count(this.#context, COUNTER.attempts, 1);
    this.#publishState(USER_CODE);
    Atomics.store(this.#i32, this.#region + TASK.inUserCode, 1);
    this.#context.step?.("attempt");
    this.#userSince = performance.now();
    return number;
  }

  returned(): void {
    if (this.#userSince < 0) return;
    count(this.#context, COUNTER.processUs, (performance.now() - this.#userSince) * 1_000);
    this.#userSince = -1;
    Atomics.store(this.#i32, this.#region + TASK.inUserCode, 0);
    this.#publishState(WORKING);
  }

  // --- Producing ----------------------------------------------------------------------------------------------------------

  reserve(): boolean {
    if (this.paused) return false;
    if (this.#context.realtime) return true;
    const position = this.committed;
    for (const edge of this.#context.outputs) if (!isFree(this.#context, edge, position)) return false;
    return this.#pool === undefined || this.#pool.hasRoom();
  }

  #startProducing(): void {
    if (this.#intake !== undefined) throw new Error(`node ${this.node}: no unit in hand`);
    this.#unit = UNIT_PRODUCED;
    this.#position = this.committed;
    this.#origin = 0;
    this.#attemptWord = NO_CELL;
  }

  // --- Waiting ------------------------------------------------------------------------------------------------------------

  waitForInput(): Promise<void> {
    this.#ringOwed();
    this.#bell?.quiet();
    for (;;) {
      const reason = this.#blocked;
      this.#sleepFor(reason === NO_SPACE ? WANTS_SPACE : WANTS_INPUT);
      const found = (this.#intake as Intake).look();
      if (found !== NO_INPUT && found !== NO_SPACE) return this.#stayAwake();
      this.#blocked = found;
      if (found === reason) break;
    }
    return this.#sleep(this.#blocked === NO_SPACE);
  }

  waitForSpace(): Promise<void> {
    this.#ringOwed();
    this.#bell?.quiet();
    this.#sleepFor(WANTS_SPACE);
    return this.reserve() ? this.#stayAwake() : this.#sleep(true);
  }

  #sleepFor(reason: number): void {
    Atomics.store(this.#i32, this.#region + TASK.sleep, reason);
  }

  readonly #wakeUp = (): void => {
    Atomics.store(this.#i32, this.#region + TASK.sleep, AWAKE);
    this.#publishState(WORKING);
  };

  #stayAwake(): Promise<void> {
    this.#wakeUp();
    return Promise.resolve();
  }

  #sleep(forSpace: boolean): Promise<void> {
    this.#publishState(forSpace ? WAITING_SPACE : WAITING_INPUT);
    count(this.#context, forSpace ? COUNTER.spaceWaits : COUNTER.inputWaits, 1);
    this.#bell ??= new Bell(bellPath(this.#context.memory.dir, this.node, this.taskIndex), this.#wakeUp);
    return this.#bell.sleep(this.#intake instanceof TimeIntake ? Math.min(this.#lookMs, this.#intake.dueInMs()) : this.#lookMs);
  }

  /** Parents that wait for space are rung once for many cells, at the latest before this task sleeps. */
  #owe(): void {
    for (let i = 0; i < this.#owed.length; i += 1) {
      const owed = (this.#owed[i] as number) + 1;
      const edge = this.#context.inputs[i] as EdgeLayout;
      this.#owed[i] = owed;
      if (owed * 2 >= edge.count) this.#pay(i);
    }
  }

  #ringOwed(): void {
    for (let i = 0; i < this.#owed.length; i += 1) if ((this.#owed[i] as number) > 0) this.#pay(i);
  }

  #pay(input: number): void {
    this.#owed[input] = 0;
    this.#context.bells.wakeWriters(this.#context.inputs[input] as EdgeLayout);
  }

  // --- Writing ------------------------------------------------------------------------------------------------------------

  allocate<D extends DType>(shape: readonly number[], dtype: D): Tensor<D> {
    const pool = this.#pool;
    if (pool === undefined) return Tensor.zeros(dtype, shape);
    if (this.#unit === IDLE) this.#startProducing();
    const length = elementCount(shape);
    const sizeBytes = length * itemSizeBytes(dtype);
    this.#checkOutputs();
    const entry = pool.begin();
    const { buffer, byteOffset } = growOrLetGo(pool, entry, Math.max(sizeBytes, 1));
    this.#allocations.push({ entry, buffer, offset: byteOffset, sizeBytes });
    const epoch = this.#allocationEpoch;
    const owner = { isValid: () => epoch.valid, retain: () => () => {} };
    return new Tensor(dtype, shape, viewElements(dtype, buffer, byteOffset, length), owner);
  }

  #checkOutputs(): void {
    if (this.#written.length + this.#allocations.length >= MAX_OUTPUTS) {
      throw new OperatorError("OUTPUTS_TOO_MANY", { node: this.node, limit: MAX_OUTPUTS });
    }
  }

  write(message: OutputMessage): void {
    const writer = this.#writer;
    if (this.#unit === IDLE) this.#startProducing();
    if (writer === undefined) return;
    if (this.#written.length >= MAX_OUTPUTS) throw new OperatorError("OUTPUTS_TOO_MANY", { node: this.node, limit: MAX_OUTPUTS });
    const copied = writer.copiedBytes;
    const entry = writer.write(message, this.#allocations);
    if (this.#allocations.length > 0) this.#consume(entry);
    this.#own(message);
    this.#written.push(entry);
    this.#outputBytes += writer.payloadBytes;
    if (writer.copiedBytes !== copied) count(this.#context, COUNTER.copied, writer.copiedBytes - copied);
    this.#context.step?.("written");
  }

  #consume(entry: number): void {
    const at = this.#allocations.findIndex((allocation) => allocation.entry === entry);
    if (at >= 0) this.#allocations.splice(at, 1);
  }

  /** Which replica of each partitioned child the outputs belong to. */
  #own(message: OutputMessage): void {
    const { outputs } = this.#context;
    for (let i = 0; i < outputs.length; i += 1) {
      const edge = outputs[i] as EdgeLayout;
      if (edge.partitionBy === undefined) continue;
      const child = (this.#context.memory.layout.nodes[edge.to] as NodeLayout).plan;
      const owner = partitionOwner(keyOf(message, edge.partitionBy), child.tasks);
      if (this.#written.length > 0 && this.#owners[i] !== owner) {
        throw new OperatorError("PARTITION_KEY_MIXED", { node: child.name, field: edge.partitionBy });
      }
      this.#owners[i] = owner;
    }
  }

  discard(): void {
    this.returned();
    for (const entry of this.#written) this.#pool?.letGo(entry);
    this.#written.length = 0;
    this.#outputBytes = 0;
    this.#dropAllocations();
  }

  #dropAllocations(): void {
    for (const { entry } of this.#allocations) this.#pool?.letGo(entry);
    this.#allocations.length = 0;
    this.#allocationEpoch.valid = false;
    this.#allocationEpoch = { valid: true };
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
    const snapshot = state === undefined ? this.#states.word : this.#states.write(state);
    if (this.#context.realtime && this.#written.length > 0 && !this.#hasRoomNow()) this.#giveUpOutputs();
    const redo = this.#fillRedo();
    redo.snapshot = snapshot;
    this.#setOwners(redo);
    this.#setTotals(redo);
    commitUnit(this.#context, redo, this.#owners, this.#kept > 0 ? this.#isKept : undefined);
    this.#finish();
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
    this.returned();
    if (this.#attemptWord !== NO_CELL) Atomics.store(this.#i32, this.#attemptWord, 0); // A later death is not its fault.
    this.#aside.push({ position: this.#position, messages: this.#views.length, bytes: this.#inputBytes });
    (this.#intake as Intake).setAside();
    this.#forgetUnit();
    this.#context.step?.("set aside");
  }

  settle(units: number, options?: CommitOptions): void {
    const last = this.#aside[units - 1];
    if (last === undefined) return;
    const redo = this.#redo;
    Object.assign(redo, {
      kind: UNIT_SETTLED,
      position: last.position,
      head: 0,
      headWord: 0,
      generation: 0,
      count: 0,
      origin: 0,
      endPosition: 0,
    });
    redo.snapshot = options?.state === undefined ? this.#states.word : this.#states.write(options.state);
    this.#setSettledTotals(units, last.position);
    commitUnit(this.#context, redo, this.#owners, this.#kept > 0 ? this.#isKept : undefined);
    this.#aside.splice(0, units);
    if (!this.#context.realtime) for (let i = 0; i < units; i += 1) this.#owe();
    this.#progress();
  }

  #setSettledTotals(units: number, position: number): void {
    const f64 = this.#f64;
    const { totals, redoTotals } = this.#context;
    for (let i = 0; i < TOTAL.count; i += 1) f64[redoTotals + i] = f64[totals + i] as number;
    const add = (total: number, by: number) => {
      f64[redoTotals + total] = (f64[redoTotals + total] as number) + by;
    };
    add(TOTAL.commits, units);
    for (const { messages, bytes } of this.#aside.slice(0, units)) {
      add(TOTAL.messagesIn, messages);
      add(TOTAL.bytesIn, bytes);
    }
    f64[redoTotals + TOTAL.next] = Math.max(f64[totals + TOTAL.next] as number, position + 1);
  }

  /** Realtime: whether the outputs in hand fit beside what readers still hold. */
  #hasRoomNow(): boolean {
    return (this.#pool as OwnPool).hasRoomFor(this.#written.length);
  }

  #giveUpOutputs(): void {
    count(this.#context, COUNTER.dropped, this.#written.length);
    for (const entry of this.#written) this.#pool?.letGo(entry);
    this.#written.length = 0;
    this.#outputBytes = 0;
  }

  #fillRedo(): Redo {
    const redo = this.#redo;
    const head = this.#linkChain();
    redo.kind = this.#unit;
    redo.position = this.#position;
    redo.origin = this.#origin;
    redo.endPosition = this.#unit === UNIT_FLUSH ? (this.#intake as Intake).endPosition : 0;
    redo.count = this.#written.length;
    redo.head = head < 0 ? 0 : slotReference(this.taskIndex, head);
    redo.headWord = head < 0 ? 0 : (this.#pool as OwnPool).word(head);
    redo.generation = head < 0 ? 0 : (this.#i32[redo.headWord + SLOT.generation] as number);
    return redo;
  }

  /** @returns the first slot of the chain of outputs, -1 if there are none. */
  #linkChain(): number {
    const written = this.#written;
    if (written.length === 0) return -1;
    const pool = this.#pool as OwnPool;
    for (let i = 0; i + 1 < written.length; i += 1) {
      const slot = pool.word(written[i] as number);
      const next = written[i + 1] as number;
      this.#i32[slot + SLOT.next] = next + 1;
      this.#i32[slot + SLOT.nextGeneration] = this.#i32[pool.word(next) + SLOT.generation] as number;
    }
    return written[0] as number;
  }

  /** A unit without outputs belongs to replica position mod tasks; only the first input of a join says whose it is. */
  #setOwners(redo: Redo): void {
    const { outputs, memory } = this.#context;
    for (let i = 0; i < outputs.length; i += 1) {
      const edge = outputs[i] as EdgeLayout;
      const child = (memory.layout.nodes[edge.to] as NodeLayout).plan;
      if (edge.partitionBy === undefined) this.#owners[i] = child.partitionBy !== undefined && child.tasks > 1 ? EVERYONE : ANYONE;
      else if (redo.count === 0) this.#owners[i] = redo.position % child.tasks;
    }
  }

  #setTotals(redo: Redo): void {
    const f64 = this.#f64;
    const { totals, redoTotals } = this.#context;
    const delivered = redo.kind === UNIT_DATA && this.#views.length > 0 && this.#filtered === 0;
    const next = f64[totals + TOTAL.next] as number;
    f64[redoTotals + TOTAL.commits] = (f64[totals + TOTAL.commits] as number) + 1;
    f64[redoTotals + TOTAL.next] = delivered ? Math.max(next, redo.position + 1) : next;
    f64[redoTotals + TOTAL.messagesIn] = (f64[totals + TOTAL.messagesIn] as number) + this.#views.length;
    f64[redoTotals + TOTAL.messagesOut] = (f64[totals + TOTAL.messagesOut] as number) + redo.count;
    f64[redoTotals + TOTAL.bytesIn] = (f64[totals + TOTAL.bytesIn] as number) + this.#inputBytes;
    f64[redoTotals + TOTAL.bytesOut] = (f64[totals + TOTAL.bytesOut] as number) + this.#outputBytes;
    f64[redoTotals + TOTAL.filtered] = (f64[totals + TOTAL.filtered] as number) + this.#filtered;
  }

  #finish(): void {
    for (const entry of this.#written) this.#pool?.letGo(entry);
    this.#written.length = 0;
    if (this.#allocations.length > 0 || this.#pool !== undefined) this.#dropAllocations();
    if ((this.#unit === UNIT_DATA || this.#unit === UNIT_SHED) && !this.#context.realtime) this.#owe();
    this.#forgetUnit();
  }

  #forgetUnit(): void {
    for (const view of this.#views) view.settle();
    this.#views.length = 0;
    this.#outputBytes = 0;
    this.#inputBytes = 0;
    this.#filtered = 0;
    this.#unit = IDLE;
    this.#i32[this.#region + TASK.inHand] = 0;
    this.#progress();
  }

  #progress(): void {
    this.#f64[this.#context.counters + COUNTER.progressMs] = performance.now() + BOOT_OFFSET_MS;
  }

  end(): void {
    if (this.#intake === undefined) publishEnd(this.#context, this.committed);
    Atomics.store(this.#i32, this.#region + TASK.ended, 1);
    this.#publishState(ENDED);
    this.#progress();
    this.#ringOwed();
    for (const edge of this.#context.outputs) this.#context.bells.wakeReaders(edge, EVERYONE);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#unit !== IDLE || this.#aside.length > 0) {
      this.discard();
      recover(this.#context, true);
      for (const edge of this.#context.inputs) this.#ringReaders(edge);
    }
    this.#ringOwed();
    this.#bell?.close();
    this.#context.bells.close();
  }

  #ringReaders(edge: EdgeLayout): void {
    this.#context.bells.wakeReaders(edge, EVERYONE);
  }

  // --- Keeping messages ---------------------------------------------------------------------------------------------------

  keep(view: MessageView): number {
    const i32 = this.#i32;
    for (let note = 0; note < MAX_RETAINED; note += 1) {
      const at = this.#region + TASK.retained + note * RETAINED.size;
      if (Atomics.load(i32, at + RETAINED.reference) !== 0) continue;
      i32[at + RETAINED.edge] = view.edge;
      i32[at + RETAINED.generation] = view.generation;
      i32[at + RETAINED.slot] = view.slotWord;
      Atomics.store(i32, at + RETAINED.reference, view.reference);
      this.#kept += 1;
      return note;
    }
    throw new OperatorError("RETAIN_FULL", { node: this.node, limit: MAX_RETAINED });
  }

  free(view: MessageView, note: number): void {
    const edge = this.#context.memory.layout.edges[view.edge] as EdgeLayout;
    Atomics.and(this.#i32, view.slotWord + SLOT.bits, ~edge.bit);
    this.forget(note);
    this.#context.bells.wakeWriters(edge);
  }

  forget(note: number): void {
    Atomics.store(this.#i32, this.#region + TASK.retained + note * RETAINED.size + RETAINED.reference, 0);
    this.#kept -= 1;
  }

  readonly #isKept = (slot: number): boolean => {
    for (let note = 0; note < MAX_RETAINED; note += 1) {
      const at = this.#region + TASK.retained + note * RETAINED.size;
      if (this.#i32[at + RETAINED.reference] !== 0 && this.#i32[at + RETAINED.slot] === slot) return true;
    }
    return false;
  };
}

function openIntake(context: TaskContext, pool: OwnPool | undefined, readEventTs: ReadEventTs): Intake | undefined {
  if (context.inputs.length === 0) return undefined;
  if (context.node.plan.timeJoin !== undefined) return new TimeIntake(context, pool, readEventTs);
  return context.realtime ? new RealtimeIntake(context) : new BatchIntake(context, pool);
}

function growOrLetGo(pool: OwnPool, entry: number, sizeBytes: number): Uint8Array {
  try {
    return pool.grow(entry, sizeBytes);
  } catch (error) {
    pool.letGo(entry);
    throw error;
  }
}

/** The key of a message for a partitioned child: its trace id or a field of its metadata. */
function keyOf(message: Pick<OutputMessage, "traceId" | "metadata">, partitionBy: string): string {
  return partitionBy === "trace_id" ? message.traceId : String(message.metadata?.[partitionBy] ?? "");
}
