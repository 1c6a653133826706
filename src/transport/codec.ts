/** Messages in slots: header, items, texts. docs/memory-layout.md shows every byte. */

import { OperatorError } from "../base/errors.js";
import { DTYPES, type DType, Tensor, type TensorOwner, viewElements } from "../base/tensor.js";
import { roundUp, SMALL_BYTES } from "./layout.js";
import type { OwnPool, PoolMapping } from "./pool.js";
import type { OutputMessage } from "./port.js";
import { encodeValue, type Item, isBytes } from "./values.js";

export const MESSAGE_MAGIC = 0x534d4656; // "VFMS"

/** Words of the header of a message. Offsets ("At") below 1024 lie in the small part of the slot, others in the large one. */
export const MESSAGE = {
  magic: 0,
  kind: 1,
  seqF64: 2,
  eventTsF64: 4,
  items: 6,
  tableAt: 7,
  textAt: 8,
  traceBytes: 9,
  metadataBytes: 10,
  payloadBytes: 11,
  largeBytes: 12,
  payloadTotalBytes: 13,
  size: 16,
} as const;

/** Words of an entry of the item table. dtype: 0 = bytes, n = DTYPES[n - 1]. */
export const ITEM = { dtype: 0, at: 1, sizeBytes: 2, rank: 3, shape: 4, size: 16 } as const;
const MAX_RANK = ITEM.size - ITEM.shape;

/** The payload is the JSON text, or item 0 itself. */
export const KIND_VALUE = 0;
export const KIND_ITEM = 1;

const HEADER_BYTES = MESSAGE.size * 4;
const ITEM_BYTES = ITEM.size * 4;
const ALIGN = 64;

/** A tensor handed out by allocate(): a slot in hand and how much of its large part it takes. */
export interface Allocation {
  readonly entry: number;
  readonly buffer: ArrayBufferLike;
  readonly offset: number;
  readonly sizeBytes: number;
}

/** Where copied bytes are counted. */
export interface CopyCounter {
  copiedBytes: number;
}

/** The one place where payload bytes are copied. */
export function copyPayload(target: Uint8Array, at: number, source: Uint8Array, counter: CopyCounter): void {
  target.set(source, at);
  counter.copiedBytes += source.length;
}

const itemPlaces: number[] = [];
const noItems: Item[] = [];
const oneItem: Item[] = [];

/** Writes messages into the slots of a pool. Keeps its scratch between messages. */
export class MessageWriter implements CopyCounter {
  copiedBytes = 0;
  /** Payload bytes of the last message. */
  payloadBytes = 0;
  readonly #pool: OwnPool;
  #largeEnd = 0;
  #smallEnd = 0;

  constructor(pool: OwnPool) {
    this.#pool = pool;
  }

  /**
   * @param allocations tensors of this unit that are in slots already; the one in the payload keeps its place.
   * @returns the slot, still in hand.
   * @throws OperatorError PAYLOAD_UNSUPPORTED, PAYLOAD_TOO_LARGE, OUTPUTS_TOO_MANY, SHM_FULL
   */
  write(message: OutputMessage, allocations: readonly Allocation[]): number {
    const { payload } = message;
    const isItem = payload instanceof Tensor || (typeof payload === "object" && payload !== null && isBytes(payload));
    let items = noItems;
    let metadataText = "";
    let payloadText = "";
    if (isItem) {
      oneItem[0] = payload as Item;
      items = oneItem;
    } else {
      items = [];
      payloadText = encodeValue(payload, items, "payload");
    }
    if (message.metadata !== undefined) {
      const fromMetadata: Item[] = items === oneItem ? [payload as Item] : items;
      metadataText = encodeValue(message.metadata, fromMetadata, "metadata");
      if (metadataText === "{}") metadataText = "";
      items = fromMetadata;
    }
    return this.#place(message, isItem ? KIND_ITEM : KIND_VALUE, items, metadataText, payloadText, allocations);
  }

  #place(
    message: OutputMessage,
    kind: number,
    items: readonly Item[],
    metadata: string,
    payload: string,
    allocations: readonly Allocation[],
  ): number {
    const allocation = allocations.length === 0 ? undefined : allocationOf(items, allocations);
    const entry = allocation?.entry ?? this.#pool.begin();
    try {
      this.#fill(entry, message, kind, items, metadata, payload, allocation);
    } catch (error) {
      if (allocation === undefined) this.#pool.letGo(entry);
      throw error;
    }
    return entry;
  }

  #fill(
    entry: number,
    message: OutputMessage,
    kind: number,
    items: readonly Item[],
    metadata: string,
    payload: string,
    allocation: Allocation | undefined,
  ): void {
    const trace = message.traceText ?? message.traceId;
    const traceBytes = typeof trace === "string" ? textBytes(trace) : trace.length;
    const metadataBytes = textBytes(metadata);
    const payloadBytes = textBytes(payload);
    this.#smallEnd = HEADER_BYTES;
    this.#largeEnd = allocation === undefined ? 0 : allocation.offset + allocation.sizeBytes;
    const tableAt = this.#claim(items.length * ITEM_BYTES, 4);
    const textAt = this.#claim(traceBytes + metadataBytes + payloadBytes, 1);
    let total = payloadBytes;
    for (let i = 0; i < items.length; i += 1) {
      const item = items[i] as Item;
      const sizeBytes = item instanceof Tensor ? item.sizeBytes : item.length;
      itemPlaces[i] = isAt(item, allocation) ? SMALL_BYTES + (allocation as Allocation).offset : this.#claim(sizeBytes, ALIGN);
      total += sizeBytes;
    }
    const large = this.#largeEnd > 0 ? this.#pool.grow(entry, this.#largeEnd) : undefined;
    this.#writeHeader(entry, message, kind, items.length, tableAt, textAt, traceBytes, metadataBytes, payloadBytes, total);
    this.#writeItems(entry, items, tableAt, large, allocation);
    this.#writeText(entry, textAt, large, trace, traceBytes, metadata, metadataBytes, payload, payloadBytes);
    this.payloadBytes = total;
  }

  /** A place in the small part if there is room, else in the large one. */
  #claim(sizeBytes: number, align: number): number {
    if (sizeBytes === 0) return HEADER_BYTES; // An empty tensor lies nowhere, and never alone in a large part that is not there.
    const small = (this.#smallEnd + align - 1) & -align; // A power of two; roundUp() divides.
    if (small + sizeBytes <= SMALL_BYTES) {
      this.#smallEnd = small + sizeBytes;
      return small;
    }
    const large = roundUp(this.#largeEnd, Math.max(align, 4));
    this.#largeEnd = large + sizeBytes;
    return SMALL_BYTES + large;
  }

  #writeHeader(
    entry: number,
    message: OutputMessage,
    kind: number,
    items: number,
    tableAt: number,
    textAt: number,
    traceBytes: number,
    metadataBytes: number,
    payloadBytes: number,
    total: number,
  ): void {
    const { i32, f64 } = this.#pool;
    const at = (entry * SMALL_BYTES) / 4;
    i32[at + MESSAGE.magic] = MESSAGE_MAGIC;
    i32[at + MESSAGE.kind] = kind;
    f64[(at + MESSAGE.seqF64) / 2] = message.seq;
    f64[(at + MESSAGE.eventTsF64) / 2] = message.eventTs ?? Number.NaN;
    i32[at + MESSAGE.items] = items;
    i32[at + MESSAGE.tableAt] = tableAt;
    i32[at + MESSAGE.textAt] = textAt;
    i32[at + MESSAGE.traceBytes] = traceBytes;
    i32[at + MESSAGE.metadataBytes] = metadataBytes;
    i32[at + MESSAGE.payloadBytes] = payloadBytes;
    i32[at + MESSAGE.largeBytes] = this.#largeEnd;
    i32[at + MESSAGE.payloadTotalBytes] = total;
  }

  #writeItems(
    entry: number,
    items: readonly Item[],
    tableAt: number,
    large: Uint8Array | undefined,
    allocation: Allocation | undefined,
  ): void {
    const table = tableAt < SMALL_BYTES ? this.#pool.i32 : new Int32Array((large as Uint8Array).buffer as ArrayBuffer);
    let at = (tableAt < SMALL_BYTES ? entry * SMALL_BYTES + tableAt : tableAt - SMALL_BYTES) / 4;
    for (let i = 0; i < items.length; i += 1) {
      const item = items[i] as Item;
      const place = itemPlaces[i] as number;
      writeEntry(table, at, item, place);
      at += ITEM.size;
      if (isAt(item, allocation)) continue;
      const source = item instanceof Tensor ? item.bytes : item;
      if (place < SMALL_BYTES) copyPayload(this.#pool.bytes, entry * SMALL_BYTES + place, source, this);
      else copyPayload(large as Uint8Array, place - SMALL_BYTES, source, this);
    }
  }

  #writeText(
    entry: number,
    textAt: number,
    large: Uint8Array | undefined,
    trace: string | Uint8Array,
    traceBytes: number,
    metadata: string,
    metadataBytes: number,
    payload: string,
    payloadBytes: number,
  ): void {
    const small = textAt < SMALL_BYTES;
    const target = small ? this.#pool.bytes : (large as Uint8Array);
    const at = small ? entry * SMALL_BYTES + textAt : textAt - SMALL_BYTES;
    writeText(target, at, trace, traceBytes);
    if (metadataBytes > 0) writeText(target, at + traceBytes, metadata, metadataBytes);
    if (payloadBytes > 0) writeText(target, at + traceBytes + metadataBytes, payload, payloadBytes);
  }
}

function writeEntry(table: Int32Array, at: number, item: Item, place: number): void {
  table[at + ITEM.at] = place;
  if (!(item instanceof Tensor)) {
    table[at + ITEM.dtype] = 0;
    table[at + ITEM.sizeBytes] = item.length;
    table[at + ITEM.rank] = 1;
    table[at + ITEM.shape] = item.length;
    return;
  }
  const { shape } = item;
  if (shape.length > MAX_RANK)
    throw new OperatorError("PAYLOAD_UNSUPPORTED", { path: "payload", found: `a tensor with more than ${MAX_RANK} dimensions` });
  table[at + ITEM.dtype] = DTYPES.indexOf(item.dtype) + 1;
  table[at + ITEM.sizeBytes] = item.sizeBytes;
  table[at + ITEM.rank] = shape.length;
  for (let i = 0; i < shape.length; i += 1) table[at + ITEM.shape + i] = shape[i] as number;
}

const encoder = new TextEncoder();

/** Texts up to this length, the usual trace ids, are faster without a call into the runtime. */
const SHORT_TEXT = 64;

/** Bytes of a text in UTF-8. */
function textBytes(text: string): number {
  const { length } = text;
  if (length > SHORT_TEXT) return Buffer.byteLength(text);
  for (let i = 0; i < length; i += 1) if (text.charCodeAt(i) > 0x7f) return Buffer.byteLength(text);
  return length;
}

function writeText(target: Uint8Array, at: number, text: string | Uint8Array, bytes: number): void {
  if (typeof text !== "string") for (let i = 0; i < bytes; i += 1) target[at + i] = text[i] as number;
  else if (bytes === text.length && bytes <= SHORT_TEXT) for (let i = 0; i < bytes; i += 1) target[at + i] = text.charCodeAt(i);
  else encoder.encodeInto(text, target.subarray(at, at + bytes));
}

function isAt(item: Item, allocation: Allocation | undefined): boolean {
  if (allocation === undefined || !(item instanceof Tensor)) return false;
  const { data } = item;
  return data.buffer === allocation.buffer && data.byteOffset === allocation.offset && data.byteLength === allocation.sizeBytes;
}

function allocationOf(items: readonly Item[], allocations: readonly Allocation[]): Allocation | undefined {
  for (const item of items) for (const allocation of allocations) if (isAt(item, allocation)) return allocation;
  return undefined;
}

/** Views an item of a message. Bytes and tensors are not copied. */
export function readItem(pool: PoolMapping, entry: number, index: number, owner: TensorOwner | undefined): Item {
  const header = (entry * SMALL_BYTES) / 4;
  const large = largeOf(pool, entry);
  const tableAt = pool.i32[header + MESSAGE.tableAt] as number;
  const small = tableAt < SMALL_BYTES;
  const table = small ? pool.i32 : new Int32Array((large as Uint8Array).buffer as ArrayBuffer);
  const at = (small ? entry * SMALL_BYTES + tableAt : tableAt - SMALL_BYTES) / 4 + index * ITEM.size;
  const place = table[at + ITEM.at] as number;
  const memory = place < SMALL_BYTES ? pool.bytes : (large as Uint8Array);
  const offset = place < SMALL_BYTES ? entry * SMALL_BYTES + place : place - SMALL_BYTES;
  const sizeBytes = table[at + ITEM.sizeBytes] as number;
  const dtype = table[at + ITEM.dtype] as number;
  if (dtype === 0) return new Uint8Array(memory.buffer as ArrayBuffer, offset, sizeBytes);
  return readTensor(DTYPES[dtype - 1] as DType, table, at, memory.buffer, offset, owner);
}

function readTensor(
  dtype: DType,
  table: Int32Array,
  at: number,
  buffer: ArrayBufferLike,
  offset: number,
  owner: TensorOwner | undefined,
): Tensor {
  const shape: number[] = [];
  let length = 1;
  for (let i = 0; i < (table[at + ITEM.rank] as number); i += 1) {
    const extent = table[at + ITEM.shape + i] as number;
    shape.push(extent);
    length *= extent;
  }
  return new Tensor(dtype, shape, viewElements(dtype, buffer, offset, length), owner);
}

/** The large part of the slot as far as the message reaches, mapped anew where the slot has grown. */
export function largeOf(pool: PoolMapping, entry: number): Uint8Array | undefined {
  const bytes = pool.i32[(entry * SMALL_BYTES) / 4 + MESSAGE.largeBytes] as number;
  return bytes === 0 ? undefined : pool.large(entry, bytes);
}

/** Bytes from the start of the pool file to item 0, or to the message where it has none. */
export function itemOffset(pool: PoolMapping, entry: number): number {
  const header = (entry * SMALL_BYTES) / 4;
  if (pool.i32[header + MESSAGE.items] === 0) return entry * SMALL_BYTES;
  const tableAt = pool.i32[header + MESSAGE.tableAt] as number;
  if (tableAt >= SMALL_BYTES) return pool.largeOffset(entry) + tableAt - SMALL_BYTES;
  const place = pool.i32[(entry * SMALL_BYTES + tableAt) / 4 + ITEM.at] as number;
  return place < SMALL_BYTES ? entry * SMALL_BYTES + place : pool.largeOffset(entry) + place - SMALL_BYTES;
}

/** One of the texts of a message. @param which 0 trace id, 1 metadata, 2 payload. */
export function readText(pool: PoolMapping, entry: number, which: 0 | 1 | 2): string {
  const header = (entry * SMALL_BYTES) / 4;
  const sizeBytes = pool.i32[header + MESSAGE.traceBytes + which] as number;
  if (sizeBytes === 0) return "";
  let at = pool.i32[header + MESSAGE.textAt] as number;
  for (let i = 0; i < which; i += 1) at += pool.i32[header + MESSAGE.traceBytes + i] as number;
  return at < SMALL_BYTES || (pool.i32[header + MESSAGE.textAt] as number) < SMALL_BYTES
    ? pool.buffer.toString("utf8", entry * SMALL_BYTES + at, entry * SMALL_BYTES + at + sizeBytes)
    : largeText(largeOf(pool, entry) as Uint8Array, at - SMALL_BYTES, sizeBytes);
}

function largeText(large: Uint8Array, at: number, sizeBytes: number): string {
  return Buffer.from(large.buffer as ArrayBuffer, large.byteOffset + at, sizeBytes).toString("utf8");
}
