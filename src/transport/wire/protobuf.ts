/** Protocol buffers, version 3: varints, fixed doubles, lengths. As much of the format as the messages of the wire need. */
import { OperatorError } from "../../base/errors.js";

export const VARINT = 0;
export const FIXED64 = 1;
export const LENGTH = 2;
export const FIXED32 = 5;

const UINT64 = (1n << 64n) - 1n;
const decoder = new TextDecoder("utf-8", { fatal: true });
const encoder = new TextEncoder();

/** Writes fields in the order of the calls. Grows as needed; reads nothing back. */
export class ProtoWriter {
  #bytes = new Uint8Array(256);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;

  /** A private copy of what was written. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#at);
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#at + bytes));
    grown.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }

  tag(field: number, type: number): this {
    return this.number(field * 8 + type);
  }

  /** An unsigned varint of at most 2^53 - 1. */
  number(value: number): this {
    this.#room(10);
    let rest = value;
    while (rest > 0x7f) {
      this.#bytes[this.#at++] = (rest & 0x7f) | 0x80;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#at++] = rest;
    return this;
  }

  /** A varint of 64 bits; a negative number is its two's complement, as in int64. */
  bigint(value: bigint): this {
    this.#room(10);
    let rest = value & UINT64;
    while (rest > 0x7fn) {
      this.#bytes[this.#at++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#bytes[this.#at++] = Number(rest);
    return this;
  }

  /** sint64: small absolute values are short. */
  zigzag(value: bigint): this {
    return this.bigint((value << 1n) ^ (value >> 63n));
  }

  double(value: number): this {
    this.#room(8);
    this.#view.setFloat64(this.#at, value, true);
    this.#at += 8;
    return this;
  }

  bytes(value: Uint8Array): this {
    this.number(value.length);
    this.#room(value.length);
    this.#bytes.set(value, this.#at);
    this.#at += value.length;
    return this;
  }

  text(value: string): this {
    return this.bytes(encoder.encode(value));
  }

  /** A message inside this one: `write` fills it. */
  message(field: number, write: (inner: ProtoWriter) => void): this {
    const inner = new ProtoWriter();
    write(inner);
    return this.tag(field, LENGTH).bytes(inner.#bytes.subarray(0, inner.#at));
  }
}

/** Reads fields one by one. Bytes are views of what was given. @throws OperatorError WIRE_INVALID where the bytes end early or mean nothing. */
export class ProtoReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength); // slice() of a Buffer would not copy.
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** Calls back with number and type of each field; a field that `read` leaves alone (false) is skipped. */
  fields(read: (field: number, type: number) => boolean): void {
    while (!this.done) {
      const tag = this.number();
      const [field, type] = [Math.floor(tag / 8), tag % 8];
      if (field === 0) throw invalid("a field has the number 0");
      if (!read(field, type)) this.skip(type);
    }
  }

  number(): number {
    const value = this.bigint();
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw invalid(`the number ${value} is too large here`);
    return Number(value);
  }

  bigint(): bigint {
    const first = this.#bytes[this.#at];
    if (first !== undefined && first < 0x80) {
      this.#at += 1;
      return BigInt(first);
    }
    return this.#longVarint();
  }

  #longVarint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw invalid("the message ends inside a number");
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value & UINT64;
    }
    throw invalid("a number has more than 10 bytes");
  }

  zigzag(): bigint {
    const value = this.bigint();
    return (value >> 1n) ^ -(value & 1n);
  }

  double(): number {
    this.#need(8);
    const value = this.#view.getFloat64(this.#at, true);
    this.#at += 8;
    return value;
  }

  bytes(): Uint8Array {
    const length = this.number();
    this.#need(length);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  text(): string {
    try {
      return decoder.decode(this.bytes());
    } catch (cause) {
      if (cause instanceof OperatorError) throw cause;
      throw invalid("a text is not UTF-8");
    }
  }

  /** The message inside a field. */
  message(): ProtoReader {
    return new ProtoReader(this.bytes());
  }

  skip(type: number): void {
    if (type === VARINT) this.bigint();
    else if (type === LENGTH) this.bytes();
    else if (type === FIXED64 || type === FIXED32) {
      const length = type === FIXED64 ? 8 : 4;
      this.#need(length);
      this.#at += length;
    } else throw invalid(`a field has the unknown wire type ${type}`);
  }

  #need(length: number): void {
    if (this.#at + length > this.#bytes.length) throw invalid("the message ends early");
  }
}

export function invalid(problem: string): OperatorError {
  return new OperatorError("WIRE_INVALID", { problem });
}
