/** Structured values on the wire, lossless: integers and doubles stay apart, maps keep the order of their keys. Pure. */
import { FIXED64, invalid, LENGTH, ProtoReader, ProtoWriter, VARINT } from "./protobuf.js";

/** An array: row-major bytes, little endian. */
export interface WireTensor {
  readonly shape: readonly number[];
  /** numpy name. */
  readonly dtype: string;
  readonly data: Uint8Array;
}

/** An array that lies in a file both sides can map; only on one host. */
export interface WireMapping {
  /** Absolute path of the file. */
  readonly path: string;
  /** Bytes from the start of the file to the first element. */
  readonly offset: number;
  readonly shape: readonly number[];
  /** numpy name, or `bytes` for plain bytes. */
  readonly dtype: string;
}

/** A value with its type, as the oneof of the wire has it. `mapping` exists only between a worker and its child process. */
export type WireValue =
  | { readonly kind: "null" }
  | { readonly kind: "double"; readonly value: number }
  | { readonly kind: "int"; readonly value: bigint }
  | { readonly kind: "text"; readonly value: string }
  | { readonly kind: "bytes"; readonly value: Uint8Array }
  | { readonly kind: "bool"; readonly value: boolean }
  | { readonly kind: "list"; readonly values: readonly WireValue[] }
  | { readonly kind: "map"; readonly fields: ReadonlyMap<string, WireValue> }
  | { readonly kind: "tensor"; readonly tensor: WireTensor }
  | { readonly kind: "mapping"; readonly mapping: WireMapping };

export const NULL: WireValue = { kind: "null" };

const INT64_MIN = -(1n << 63n);
const INT64_MAX = (1n << 63n) - 1n;
const MAX_DEPTH = 100;
/** Far from the numbers of the protocol, so that a later version of it may grow. */
const MAPPING_FIELD = 100;

export function encodeValue(value: WireValue): Uint8Array {
  const writer = new ProtoWriter();
  writeValue(writer, value);
  return writer.finish();
}

/** @throws OperatorError WIRE_INVALID for an integer beyond 64 bits. */
export function writeValue(to: ProtoWriter, value: WireValue): void {
  switch (value.kind) {
    case "null":
      to.tag(1, VARINT).number(0);
      return;
    case "double":
      to.tag(2, FIXED64).double(value.value);
      return;
    case "int":
      if (value.value < INT64_MIN || value.value > INT64_MAX) throw invalid(`the integer ${value.value} needs more than 64 bits`);
      to.tag(3, VARINT).zigzag(value.value);
      return;
    case "text":
      to.tag(4, LENGTH).text(value.value);
      return;
    case "bytes":
      to.tag(5, LENGTH).bytes(value.value);
      return;
    case "bool":
      to.tag(6, VARINT).number(value.value ? 1 : 0);
      return;
    case "list":
      to.message(7, (list) => {
        for (const element of value.values) list.message(1, (inner) => writeValue(inner, element));
      });
      return;
    case "map":
      to.message(8, (map) => writeMap(map, 1, value.fields));
      return;
    case "tensor":
      to.message(9, (inner) => writeTensor(inner, value.tensor));
      return;
    case "mapping":
      to.message(MAPPING_FIELD, (inner) => writeMapping(inner, value.mapping));
      return;
    default:
      value satisfies never;
  }
}

export function writeMap(to: ProtoWriter, field: number, fields: ReadonlyMap<string, WireValue>): void {
  for (const [key, value] of fields) {
    to.message(field, (entry) => {
      entry.tag(1, LENGTH).text(key);
      entry.message(2, (inner) => writeValue(inner, value));
    });
  }
}

export function decodeValue(bytes: Uint8Array): WireValue {
  return readValue(new ProtoReader(bytes), 0);
}

/** The last field counts, as with every oneof. A value without a field is null. */
export function readValue(from: ProtoReader, depth: number): WireValue {
  if (depth > MAX_DEPTH) throw invalid(`values are nested more than ${MAX_DEPTH} deep`);
  let value: WireValue = NULL;
  from.fields((field, type) => {
    const read = readCase(from, field, type, depth);
    if (read !== undefined) value = read;
    return read !== undefined;
  });
  return value;
}

function readCase(from: ProtoReader, field: number, type: number, depth: number): WireValue | undefined {
  switch (field * 8 + type) {
    case 8 + VARINT:
      from.bigint();
      return NULL;
    case 16 + FIXED64:
      return { kind: "double", value: from.double() };
    case 24 + VARINT:
      return { kind: "int", value: from.zigzag() };
    case 32 + LENGTH:
      return { kind: "text", value: from.text() };
    case 40 + LENGTH:
      return { kind: "bytes", value: from.bytes().slice() };
    case 48 + VARINT:
      return { kind: "bool", value: from.bigint() !== 0n };
    case 56 + LENGTH:
      return { kind: "list", values: readList(from.message(), depth) };
    case 64 + LENGTH:
      return { kind: "map", fields: readFields(from.message(), depth) };
    case 72 + LENGTH:
      return { kind: "tensor", tensor: readTensor(from.message()) };
    case MAPPING_FIELD * 8 + LENGTH:
      return { kind: "mapping", mapping: readMapping(from.message()) };
    default:
      return undefined;
  }
}

function readList(from: ProtoReader, depth: number): WireValue[] {
  const values: WireValue[] = [];
  from.fields((field, type) => {
    if (field !== 1 || type !== LENGTH) return false;
    values.push(readValue(from.message(), depth + 1));
    return true;
  });
  return values;
}

function readFields(from: ProtoReader, depth: number): Map<string, WireValue> {
  const fields = new Map<string, WireValue>();
  from.fields((field, type) => {
    if (field !== 1 || type !== LENGTH) return false;
    const [key, value] = readEntry(from.message(), depth + 1);
    fields.set(key, value);
    return true;
  });
  return fields;
}

/** One entry of a map. */
export function readEntry(from: ProtoReader, depth: number): [string, WireValue] {
  let key = "";
  let value = NULL;
  from.fields((field, type) => {
    if (type !== LENGTH || field > 2) return false;
    if (field === 1) key = from.text();
    else value = readValue(from.message(), depth);
    return true;
  });
  return [key, value];
}

export function writeTensor(to: ProtoWriter, { shape, dtype, data }: WireTensor): void {
  writeShape(to, 1, shape);
  if (dtype !== "") to.tag(2, LENGTH).text(dtype);
  if (data.length > 0) to.tag(3, LENGTH).bytes(data);
}

/** `data` is a private copy. */
export function readTensor(from: ProtoReader): WireTensor {
  const shape: number[] = [];
  let [dtype, data] = ["", new Uint8Array()];
  from.fields((field, type) => {
    if (field === 1) readExtents(from, type, shape);
    else if (field === 2 && type === LENGTH) dtype = from.text();
    else if (field === 3 && type === LENGTH) data = from.bytes().slice();
    else return false;
    return true;
  });
  return { shape, dtype, data };
}

export function writeMapping(to: ProtoWriter, { path, offset, shape, dtype }: WireMapping): void {
  to.tag(1, LENGTH).text(path);
  if (offset !== 0) to.tag(2, VARINT).number(offset);
  writeShape(to, 3, shape);
  to.tag(4, LENGTH).text(dtype);
}

export function readMapping(from: ProtoReader): WireMapping {
  const shape: number[] = [];
  let [path, offset, dtype] = ["", 0, ""];
  from.fields((field, type) => {
    if (field === 1 && type === LENGTH) path = from.text();
    else if (field === 2 && type === VARINT) offset = from.number();
    else if (field === 3) readExtents(from, type, shape);
    else if (field === 4 && type === LENGTH) dtype = from.text();
    else return false;
    return true;
  });
  return { path, offset, shape, dtype };
}

/** Packed, as every writer of version 3 does it. */
function writeShape(to: ProtoWriter, field: number, shape: readonly number[]): void {
  if (shape.length === 0) return;
  const packed = new ProtoWriter();
  for (const extent of shape) packed.number(extent);
  to.tag(field, LENGTH).bytes(packed.finish());
}

/** Packed or one by one: a reader must understand both. */
function readExtents(from: ProtoReader, type: number, shape: number[]): void {
  if (type === VARINT) {
    shape.push(from.number());
    return;
  }
  const packed = from.message();
  while (!packed.done) shape.push(packed.number());
}
