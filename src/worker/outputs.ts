/** Gives outputs their lineage: trace, number, event time, metadata. Pure. */
import type { InputMessage, OutputMessage, TimeGroup } from "../transport/port.js";
import { type Lineage, NO_LINEAGE } from "./context.js";
import type { Item } from "./members.js";

/**
 * Lineage of a set of joined inputs: seq and event time are the minimum, metadata of the first input wins. That of a single
 * input is the input itself: what nobody asks for is never decoded, and it is valid as long as its message.
 */
export function lineageOf(inputs: readonly InputMessage[]): Lineage {
  const first = inputs[0] as InputMessage;
  if (inputs.length === 1) return first;
  const times = inputs.flatMap(({ eventTs }) => (eventTs === undefined ? [] : [eventTs]));
  return {
    traceId: first.traceId,
    seq: Math.min(...inputs.map(({ seq }) => seq)),
    eventTs: times.length === 0 ? undefined : Math.min(...times),
    metadata: mergedMetadata(inputs),
  };
}

/** A group of one time is a new message: its number is its time in microseconds, and its trace is named after that. */
export function timeLineage({ eventTs, number }: TimeGroup, inputs: readonly InputMessage[]): Lineage {
  return { traceId: `tw-${number}`, seq: number, eventTs, metadata: mergedMetadata(inputs) };
}

function mergedMetadata(inputs: readonly InputMessage[]): Readonly<Record<string, unknown>> {
  return Object.assign({}, ...inputs.map(({ metadata }) => metadata).reverse()) as Record<string, unknown>;
}

/** One output with its lineage. Texts are put together only if somebody asks for them. */
export class Output implements OutputMessage {
  readonly #lineage: Lineage;
  readonly #index: number;
  readonly eventTs: number | undefined;
  readonly metadata: OutputMessage["metadata"];
  readonly payload: unknown;

  /** @param index 0 for the first output of an input; the others get a trace of their own, `<trace>#<index>`. */
  constructor(item: Item, lineage: Lineage, index: number) {
    this.#lineage = lineage;
    this.#index = index;
    this.eventTs = item.eventTs ?? lineage.eventTs;
    this.metadata = metadataOf(item, lineage);
    this.payload = item.payload;
  }

  get seq(): number {
    return this.#lineage.seq;
  }

  get traceId(): string {
    const { traceId } = this.#lineage;
    return this.#index === 0 ? traceId : `${traceId}#${this.#index}`;
  }

  get traceText(): Uint8Array | undefined {
    return this.#index === 0 ? this.#lineage.traceText : undefined;
  }
}

/** Lineage of what a producer gives: message n of node `a` has the trace `a:n`. One object that counts on. */
export class ProducerLineage implements Lineage {
  readonly eventTs = undefined;
  readonly metadata = NO_LINEAGE.metadata;
  readonly #node: string;
  #seq = 0;
  /** The trace as ASCII: the names of nodes have nothing else. */
  #text = new Uint8Array(0);

  constructor(node: string) {
    this.#node = node;
  }

  get seq(): number {
    return this.#seq;
  }

  get traceId(): string {
    return `${this.#node}:${this.#seq}`;
  }

  get traceText(): Uint8Array {
    return this.#text;
  }

  /** The next message has this number. */
  become(seq: number): this {
    const isNext = seq === this.#seq + 1 && countOn(this.#text);
    if (!isNext) this.#text = new TextEncoder().encode(`${this.#node}:${seq}`);
    this.#seq = seq;
    return this;
  }
}

const [NOUGHT, NINE] = [0x30, 0x39];

/** Adds one to the number at the end of a text, digit by digit. @returns false if that needs another digit. */
function countOn(text: Uint8Array): boolean {
  for (let at = text.length - 1; at >= 0; at -= 1) {
    const digit = text[at] as number;
    if (digit < NOUGHT || digit > NINE) return false;
    text[at] = digit === NINE ? NOUGHT : digit + 1;
    if (digit !== NINE) return true;
  }
  return false;
}

/** @returns undefined for none, which need not be encoded. */
function metadataOf({ metadata }: Item, lineage: Lineage): OutputMessage["metadata"] {
  const inherited = isEmpty(lineage.metadata) ? undefined : lineage.metadata;
  return metadata === undefined || inherited === undefined ? (metadata ?? inherited) : { ...inherited, ...metadata };
}

function isEmpty(metadata: Lineage["metadata"]): boolean {
  if (metadata === NO_LINEAGE.metadata) return true;
  for (const _ in metadata) return false;
  return true;
}
