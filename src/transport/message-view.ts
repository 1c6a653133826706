/** An input message, decoded field by field when first asked for, valid until its unit is committed. */
import { OperatorError } from "../base/errors.js";
import { Tensor, type TensorOwner } from "../base/tensor.js";
import { itemOffset, KIND_ITEM, MESSAGE, readItem, readText } from "./codec.js";
import { SMALL_BYTES } from "./layout.js";
import type { PoolMapping } from "./pool.js";
import type { InputMessage, SlotIdentity } from "./port.js";
import { decodeValue, type Item } from "./values.js";

/** Who remembers what is kept after the commit; the port. */
export interface Keeper {
  readonly private: boolean;
  /** Notes in shared memory that the slot is kept. @returns the number of the note. @throws OperatorError RETAIN_FULL */
  keep(view: MessageView): number;
  /** Frees the slot of a message that outlived its commit, and the note. */
  free(view: MessageView, note: number): void;
  /** Forgets the note of a message whose unit is still in hand. */
  forget(note: number): void;
}

const NOTHING: Readonly<Record<string, unknown>> = Object.freeze({});

export class MessageView implements InputMessage, TensorOwner {
  /** Number of the input edge in the flow, and the control word of the slot. */
  readonly edge: number;
  readonly slotWord: number;
  readonly reference: number;
  readonly generation: number;
  readonly #keeper: Keeper;
  readonly #pool: PoolMapping;
  readonly #entry: number;
  #inHand = true;
  #kept = 0;
  #note = -1;
  #payload: unknown;
  #decoded = false;
  #traceId: string | undefined;
  #metadata: Readonly<Record<string, unknown>> | undefined;

  constructor(keeper: Keeper, pool: PoolMapping, entry: number, edge: number, slotWord: number, reference: number, generation: number) {
    this.#keeper = keeper;
    this.#pool = pool;
    this.#entry = entry;
    this.edge = edge;
    this.slotWord = slotWord;
    this.reference = reference;
    this.generation = generation;
  }

  get valid(): boolean {
    return this.#inHand || this.#kept > 0;
  }

  isValid(): boolean {
    return this.valid;
  }

  get traceId(): string {
    this.#traceId ??= readText(this.#checked(), this.#entry, 0);
    return this.#traceId;
  }

  get seq(): number {
    return this.#checked().f64[(this.#header + MESSAGE.seqF64) / 2] as number;
  }

  get eventTs(): number | undefined {
    const value = this.#checked().f64[(this.#header + MESSAGE.eventTsF64) / 2] as number;
    return Number.isNaN(value) ? undefined : value;
  }

  get metadata(): Readonly<Record<string, unknown>> {
    if (this.#metadata === undefined) {
      const text = readText(this.#checked(), this.#entry, 1);
      this.#metadata = text === "" ? NOTHING : (decodeValue(text, (index) => this.#item(index)) as Record<string, unknown>);
    }
    return this.#metadata;
  }

  get payload(): unknown {
    if (!this.#decoded) {
      this.#payload = this.#decode();
      this.#decoded = true;
    }
    return this.#payload;
  }

  get slot(): SlotIdentity {
    const pool = this.#checked();
    return { pool: pool.path, slot: this.#entry, offset: itemOffset(pool, this.#entry) };
  }

  get identity(): string {
    return `${this.reference}.${this.generation}`;
  }

  /** Payload bytes, for the statistics. */
  get sizeBytes(): number {
    return this.#pool.i32[this.#header + MESSAGE.payloadTotalBytes] as number;
  }

  get #header(): number {
    return (this.#entry * SMALL_BYTES) / 4;
  }

  #checked(): PoolMapping {
    if (!this.valid) throw new OperatorError("MESSAGE_RELEASED", { shape: [] });
    return this.#pool;
  }

  #decode(): unknown {
    const pool = this.#checked();
    if (pool.i32[this.#header + MESSAGE.kind] === KIND_ITEM) return this.#item(0);
    return decodeValue(readText(pool, this.#entry, 2), (index) => this.#item(index));
  }

  #item(index: number): Item {
    if (!this.#keeper.private) return readItem(this.#checked(), this.#entry, index, this);
    const item = readItem(this.#checked(), this.#entry, index, undefined);
    return item instanceof Tensor ? item.copy() : item.slice();
  }

  /** Both of InputMessage (call release() later) and of TensorOwner (call what it returns). */
  retain(): () => void {
    this.#checked();
    if (this.#kept === 0) this.#note = this.#keeper.keep(this);
    this.#kept += 1;
    let done = false;
    return () => {
      if (!done) this.release();
      done = true;
    };
  }

  release(): void {
    if (this.#kept === 0) return;
    this.#kept -= 1;
    if (this.#kept > 0) return;
    if (this.#inHand) this.#keeper.forget(this.#note);
    else this.#keeper.free(this, this.#note);
  }

  /** The unit was committed: a message that nobody retained is invalid from now on. */
  settle(): void {
    this.#inHand = false;
  }
}
