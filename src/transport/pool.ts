/** Pools of payload slots: written by their task alone, mapped read-only by everyone else. */
import { closeSync, constants, openSync } from "node:fs";
import { OperatorError } from "../base/errors.js";
import type { TaskContext } from "./context.js";
import { allocateBytes, mapFile, notePlace, poolPath } from "./files.js";
import { LARGE_BYTES, MAX_OUTPUTS, roundUp, SLOT, SMALL_BYTES, type TaskLayout } from "./layout.js";
import { libc } from "./libc.js";
import { nominalSlots } from "./replicas.js";

const PAGE_BYTES = 4096;
const SCRUB = 0xdb;

/** The small parts of all slots of a pool, mapped in one piece, and the large parts, mapped one by one when first needed. */
export class PoolMapping {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly buffer: Buffer;
  readonly i32: Int32Array;
  readonly f64: Float64Array;
  readonly #smallBytes: number;
  readonly #large: (Uint8Array | undefined)[] = [];

  constructor(path: string, task: TaskLayout, writable: boolean) {
    const { buffer: memory } = mapFile(path, 0, task.poolSmallBytes, writable);
    this.path = path;
    this.bytes = new Uint8Array(memory);
    this.buffer = Buffer.from(memory);
    this.i32 = new Int32Array(memory);
    this.f64 = new Float64Array(memory);
    this.#smallBytes = task.poolSmallBytes;
  }

  /** Bytes from the start of the pool file to the large part of a slot. */
  largeOffset(slot: number): number {
    return this.#smallBytes + slot * LARGE_BYTES;
  }

  /** The large part of a slot, at least `sizeBytes` long. An outgrown mapping stays, since views of it may live. */
  large(slot: number, sizeBytes: number): Uint8Array {
    const mapped = this.#large[slot];
    if (mapped !== undefined && mapped.length >= sizeBytes) return mapped;
    const grown = new Uint8Array(mapFile(this.path, this.largeOffset(slot), roundUp(sizeBytes, PAGE_BYTES), false).buffer);
    this.#large[slot] = grown;
    return grown;
  }

  mapped(slot: number): Uint8Array | undefined {
    return this.#large[slot];
  }

  keepLarge(slot: number, large: Uint8Array): void {
    this.#large[slot] = large;
  }
}

/** A task's own pool: finds free slots, grows them, gives them back. */
export class OwnPool extends PoolMapping {
  readonly #context: TaskContext;
  readonly #inHand: Uint8Array;
  readonly #dirty: Uint8Array | undefined;
  /** Slots that were ever used; new ones only when all of these are taken, so that memory grows as needed. */
  #used = 0;
  #last = -1;
  /** At least the number of slots that somebody still needs. */
  #heldAtMost: number;
  /** The next slot that gets its memory before it is used; Infinity: none. */
  #unreserved = 0;

  constructor(context: TaskContext, scrub: boolean) {
    super(poolPath(context.memory.dir, context.node.plan.name, context.task.index), context.task, true);
    this.#context = context;
    this.#inHand = new Uint8Array(context.task.entries);
    this.#dirty = scrub ? new Uint8Array(context.task.entries) : undefined;
    // Whoever looks too late shall see the scrubbed slot, not what was written over it at once: all slots take turns then.
    this.#used = scrub ? Math.max(this.#usedBefore(), Math.min(this.#nominal(), context.task.entries)) : this.#usedBefore();
    this.#heldAtMost = this.#used;
  }

  #usedBefore(): number {
    const { i32, task } = this.#context;
    let entry = task.entries;
    while (entry > 0 && i32[task.slots + (entry - 1) * SLOT.size + SLOT.generation] === 0) entry -= 1;
    return entry;
  }

  /** Whether a unit of work may start: with all its outputs it cannot run out of slots. */
  hasRoom(): boolean {
    const nominal = this.#nominal();
    if (this.#heldAtMost < nominal) return true;
    this.#heldAtMost = this.#held();
    return this.#heldAtMost < nominal;
  }

  /** Realtime: whether outputs in hand fit beside what readers still hold; those of one unit may exceed it alone. */
  hasRoomFor(outputs: number): boolean {
    const others = this.#held() - outputs;
    return others < this.#nominal();
  }

  #nominal(): number {
    return nominalSlots(this.#context.memory, this.#context.node);
  }

  #held(): number {
    let held = 0;
    for (let entry = 0; entry < this.#used; entry += 1) if (!this.#isFree(entry)) held += 1;
    return held;
  }

  #isFree(entry: number): boolean {
    return Atomics.load(this.#context.i32, this.word(entry)) === 0 && this.#inHand[entry] === 0;
  }

  /** First control word of a slot. */
  word(entry: number): number {
    return this.#context.task.slots + entry * SLOT.size;
  }

  /** Takes a free slot into the hand; its generation is new, so nobody mistakes it for what it held. @throws OperatorError OUTPUTS_TOO_MANY */
  begin(): number {
    this.#scrubFreed();
    const entry = this.#findFree();
    const at = this.word(entry) + SLOT.generation;
    this.#context.i32[at] = ((this.#context.i32[at] as number) + 1) | 0;
    this.#inHand[entry] = 1;
    if (this.#dirty !== undefined) this.#dirty[entry] = 1;
    this.#heldAtMost += 1;
    return entry;
  }

  #findFree(): number {
    for (let tried = 0; tried < this.#used; tried += 1) {
      this.#last = this.#last + 1 >= this.#used ? 0 : this.#last + 1;
      if (this.#isFree(this.#last)) return this.#last;
    }
    if (this.#used === this.#context.task.entries) {
      throw new OperatorError("OUTPUTS_TOO_MANY", { node: this.#context.node.plan.name, limit: MAX_OUTPUTS });
    }
    this.#used += 1;
    this.#last = this.#used - 1;
    return this.#last;
  }

  /** The slot leaves the hand: it was committed or thrown away. */
  letGo(entry: number): void {
    this.#inHand[entry] = 0;
  }

  #scrubFreed(): void {
    const dirty = this.#dirty;
    if (dirty === undefined) return;
    for (let entry = 0; entry < this.#used; entry += 1) {
      if (dirty[entry] === 0 || !this.#isFree(entry)) continue;
      dirty[entry] = 0;
      this.bytes.fill(SCRUB, entry * SMALL_BYTES, (entry + 1) * SMALL_BYTES);
      this.mapped(entry)?.fill(SCRUB);
    }
  }

  /** The large part of a slot in hand, grown to hold `sizeBytes`. @throws OperatorError SHM_FULL, PAYLOAD_TOO_LARGE */
  grow(entry: number, sizeBytes: number): Uint8Array {
    const large = this.#grown(entry, sizeBytes);
    if (this.#unreserved !== Number.POSITIVE_INFINITY) this.#reserveNext(roundUp(sizeBytes, PAGE_BYTES));
    return large;
  }

  #grown(entry: number, sizeBytes: number): Uint8Array {
    const mapped = this.mapped(entry);
    if (mapped !== undefined && mapped.length >= sizeBytes) return mapped;
    if (sizeBytes > LARGE_BYTES) throw new OperatorError("PAYLOAD_TOO_LARGE", { sizeBytes, limitBytes: LARGE_BYTES });
    const wanted = Math.min(LARGE_BYTES, Math.max(sizeBytes, (mapped?.length ?? 0) * 1.25));
    const large = this.#mapGrown(entry, roundUp(wanted, PAGE_BYTES));
    this.keepLarge(entry, large);
    return large;
  }

  /**
   * Large payloads tell how large others will be: with each, one more slot gets its memory, as far as it was admitted, so that
   * nobody else has it when it is needed. What is there no more is told by the slot that needs it.
   */
  #reserveNext(sizeBytes: number): void {
    const admitted = admittedSlots(this.#context);
    const slots = Math.min(admitted, Math.floor((admitted * this.#context.node.plan.slotBytes) / sizeBytes));
    while (this.mapped(this.#unreserved) !== undefined) this.#unreserved += 1;
    const isThere = this.#unreserved < slots && this.#allocate(this.#unreserved, sizeBytes);
    this.#unreserved = isThere ? this.#unreserved + 1 : Number.POSITIVE_INFINITY;
  }

  /** @returns whether there was so much. */
  #allocate(entry: number, sizeBytes: number): boolean {
    const fd = openSync(this.path, constants.O_RDWR);
    try {
      return libc().allocate(fd, this.largeOffset(entry), sizeBytes) === 0;
    } finally {
      closeSync(fd);
    }
  }

  #mapGrown(entry: number, length: number): Uint8Array {
    const { memory, i32 } = this.#context;
    const fd = openSync(this.path, constants.O_RDWR);
    try {
      allocateBytes(memory.dir, fd, this.largeOffset(entry), length);
      const mapping = libc().map(fd, this.largeOffset(entry), length, true);
      if (mapping === undefined) throw new OperatorError("SHM_INVALID", { path: this.path, problem: `cannot map ${length} bytes` });
      notePlace(mapping.buffer, this.path, this.largeOffset(entry));
      i32[this.word(entry) + SLOT.capacityPages] = length / PAGE_BYTES;
      return new Uint8Array(mapping.buffer);
    } finally {
      closeSync(fd);
    }
  }
}

/** Slots of this task that admission counts: in batch, replicas share the places of their ring. */
function admittedSlots({ node: { plan }, realtime }: TaskContext): number {
  return realtime ? plan.slots : Math.ceil(plan.slots / plan.tasks);
}
