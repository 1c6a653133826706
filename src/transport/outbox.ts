/** The outputs of the unit in hand: in slots that no reader can see before the commit. */
import { OperatorError } from "../base/errors.js";
import { type DType, elementCount, itemSizeBytes, Tensor, viewElements } from "../base/tensor.js";
import { type Allocation, MessageWriter } from "./codec.js";
import { ANYONE, EVERYONE, type Redo } from "./commit.js";
import { count, type TaskContext } from "./context.js";
import { CELL, COUNTER, type EdgeLayout, MAX_OUTPUTS, type NodeLayout, SLOT } from "./layout.js";
import type { OwnPool } from "./pool.js";
import type { OutputMessage } from "./port.js";
import { liveTasks, replicaOf } from "./replicas.js";
import { cellOf } from "./ring.js";
import { partitionHash } from "./wire/identity.js";
import { MAX_UNIT_OUTPUTS, slotReference } from "./words.js";

export class Outbox {
  /** Per child edge: owner words, which say what replica the outputs belong to. */
  readonly owners: Int32Array;
  readonly #context: TaskContext;
  readonly #pool: OwnPool | undefined;
  readonly #writer: MessageWriter | undefined;
  /** Slots of the outputs, as many as {@link #count} says: to empty an array costs as much as a small message. */
  readonly #written: number[] = [];
  #count = 0;
  readonly #allocations: Allocation[] = [];
  /** Outputs of the unit that are committed already, and how far this attempt has come. */
  #done = 0;
  #index = 0;
  #sizeBytes = 0;
  /** Tensors were handed out since {@link #epoch} began; they become invalid together. */
  #hasAllocated = false;
  #epoch = { valid: true };

  readonly #partSize: number;

  /**
   * @param pool undefined for a task without children: what it writes goes nowhere.
   * @param partSize outputs of one commit.
   */
  constructor(context: TaskContext, pool: OwnPool | undefined, partSize = MAX_OUTPUTS) {
    this.#partSize = Math.min(partSize, MAX_OUTPUTS);
    this.#context = context;
    this.#pool = pool;
    this.#writer = pool && new MessageWriter(pool);
    this.owners = new Int32Array(context.outputs.length);
  }

  /** Outputs written so far, and the bytes of their payloads. */
  get count(): number {
    return this.#count;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** A unit is in hand. @param done its outputs that an earlier attempt committed: this one gives them again. */
  begin(done: number): void {
    this.#done = done;
    this.#index = 0;
  }

  /** Outputs of the unit that count once those written so far are committed. */
  get reached(): number {
    return Math.max(this.#index, this.#done);
  }

  get done(): number {
    return this.#done;
  }

  get index(): number {
    return this.#index;
  }

  /** The next output has no place in this commit. In realtime it is given up instead. */
  get isFull(): boolean {
    if (this.#context.realtime || this.#pool === undefined || this.#index < this.#done) return false;
    return this.#count > 0 && this.#count + this.#allocations.length >= this.#partSize;
  }

  /** Outputs of a call that is given up, as far as they are committed: they are not given again. */
  pass(outputs: number): void {
    this.#index += outputs;
  }

  allocate<D extends DType>(shape: readonly number[], dtype: D): Tensor<D> {
    const pool = this.#pool;
    if (pool === undefined) return Tensor.zeros(dtype, shape);
    const length = elementCount(shape);
    const sizeBytes = length * itemSizeBytes(dtype);
    if (this.#count + this.#allocations.length + 1 >= MAX_OUTPUTS) return Tensor.zeros(dtype, shape); // Written by copy, in a later part.
    const entry = pool.begin();
    const { buffer, byteOffset } = growOrLetGo(pool, entry, Math.max(sizeBytes, 1));
    this.#allocations.push({ entry, buffer, offset: byteOffset, sizeBytes });
    this.#hasAllocated = true;
    const epoch = this.#epoch;
    const owner = { isValid: () => epoch.valid, retain: () => () => {} };
    return new Tensor(dtype, shape, viewElements(dtype, buffer, byteOffset, length), owner);
  }

  write(message: OutputMessage): void {
    const writer = this.#writer;
    if (writer === undefined) return;
    if (this.#index >= MAX_UNIT_OUTPUTS) {
      throw new OperatorError("OUTPUTS_TOO_MANY", { node: this.#context.node.plan.name, limit: MAX_UNIT_OUTPUTS });
    }
    if (this.#index >= this.#done) this.#writeNew(writer, message);
    this.#index += 1;
  }

  #writeNew(writer: MessageWriter, message: OutputMessage): void {
    if (this.#context.realtime && this.#count >= MAX_OUTPUTS) return count(this.#context, COUNTER.dropped, 1);
    const copied = writer.copiedBytes;
    const entry = writer.write(message, this.#allocations);
    if (this.#allocations.length > 0) this.#consume(entry);
    this.#own(message);
    this.#written[this.#count] = entry;
    this.#count += 1;
    this.#sizeBytes += writer.payloadBytes;
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
      const owner = partitionHash(keyOf(message, edge.partitionBy)) | 0;
      if (this.#count === 0) this.owners[i] = owner;
      else this.#refuseMixed(edge, owner, this.owners[i] as number);
    }
  }

  #refuseMixed(edge: EdgeLayout, owner: number, first: number): void {
    const { i32, memory } = this.#context;
    const child = memory.layout.nodes[edge.to] as NodeLayout;
    const tasks = liveTasks(i32, child);
    if (replicaOf(owner, tasks) === replicaOf(first, tasks)) return;
    throw new OperatorError("PARTITION_KEY_MIXED", { node: child.plan.name, field: edge.partitionBy as string });
  }

  /** Realtime: whether the outputs fit beside what readers still hold. */
  hasRoom(): boolean {
    return (this.#pool as OwnPool).hasRoomFor(this.#count);
  }

  /** Realtime: there is no room, so they are given up and counted. */
  giveUp(): void {
    count(this.#context, COUNTER.dropped, this.#count);
    this.#letGo();
  }

  /** Links the outputs and puts them into the redo record, with their owners. */
  fill(redo: Redo): void {
    const { i32, task } = this.#context;
    const head = this.#linkChain();
    redo.count = this.#count;
    redo.head = head < 0 ? 0 : slotReference(task.index, head);
    redo.headWord = head < 0 ? 0 : (this.#pool as OwnPool).word(head);
    redo.generation = head < 0 ? 0 : (i32[redo.headWord + SLOT.generation] as number);
    this.#setOwners(redo);
  }

  /** @returns the first slot of the chain of outputs, -1 if there are none. */
  #linkChain(): number {
    const written = this.#written;
    if (this.#count === 0) return -1;
    const { i32 } = this.#context;
    const pool = this.#pool as OwnPool;
    for (let i = 0; i + 1 < this.#count; i += 1) {
      const slot = pool.word(written[i] as number);
      const next = written[i + 1] as number;
      i32[slot + SLOT.next] = next + 1;
      i32[slot + SLOT.nextGeneration] = i32[pool.word(next) + SLOT.generation] as number;
    }
    return written[0] as number;
  }

  /** A unit without outputs has its position for a key; only the first input of a join says whose it is. */
  #setOwners(redo: Redo): void {
    const { outputs, memory } = this.#context;
    for (let i = 0; i < outputs.length; i += 1) {
      const edge = outputs[i] as EdgeLayout;
      const { plan, tasks } = memory.layout.nodes[edge.to] as NodeLayout;
      if (edge.partitionBy === undefined) this.owners[i] = plan.partitionBy !== undefined && tasks.length > 1 ? EVERYONE : ANYONE;
      else if (redo.part > 0) this.#keepOwner(i, edge, redo);
      else if (redo.count === 0) this.owners[i] = redo.position | 0;
    }
  }

  /** All parts of a position belong to the replica of the first; its cell still names that. */
  #keepOwner(output: number, edge: EdgeLayout, redo: Redo): void {
    const owner = this.#context.i32[cellOf(edge, redo.position) + CELL.owner] as number;
    if (redo.count > 0) this.#refuseMixed(edge, this.owners[output] as number, owner);
    this.owners[output] = owner;
  }

  /** Before another attempt: what was written is forgotten. */
  discard(): void {
    this.#letGo();
    this.#dropAllocations();
    this.#index = 0;
  }

  /** A part of the outputs was committed; what is allocated stays for those to come. */
  clearPart(): void {
    this.#done = this.reached;
    this.#letGo();
  }

  /** The unit was committed: its slots leave the hand. */
  clear(): void {
    this.#letGo();
    this.#dropAllocations();
    this.begin(0);
  }

  #letGo(): void {
    for (let i = 0; i < this.#count; i += 1) this.#pool?.letGo(this.#written[i] as number);
    this.#count = 0;
    this.#sizeBytes = 0;
  }

  #dropAllocations(): void {
    if (!this.#hasAllocated) return;
    for (const { entry } of this.#allocations) this.#pool?.letGo(entry);
    this.#allocations.length = 0;
    this.#epoch.valid = false;
    this.#epoch = { valid: true };
    this.#hasAllocated = false;
  }
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
