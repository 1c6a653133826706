/**
 * Payloads as components see them, to and from values of the wire. Pure.
 *
 * A whole number is an integer on the wire, any other number a double; an integer beyond 2^53 is a bigint here.
 */
import { OperatorError } from "../../base/errors.js";
import { DTYPES, type DType, elementCount, itemSizeBytes, Tensor, viewElements } from "../../base/tensor.js";
import type { FilePlace } from "../files.js";
import { isBytes } from "../values.js";
import { invalid } from "./protobuf.js";
import { NULL, type WireMapping, type WireTensor, type WireValue } from "./value.js";

/** Where the other side can map these bytes; undefined: they travel inside the message. */
export type PlaceOf = (bytes: Uint8Array) => FilePlace | undefined;
/** The tensor or the bytes of a mapping that the other side sent. */
export type MappingOf = (mapping: WireMapping) => unknown;

const NOWHERE: PlaceOf = () => undefined;

/** @throws OperatorError PAYLOAD_UNSUPPORTED with the path inside the payload. */
export function toWire(value: unknown, placeOf: PlaceOf = NOWHERE, path = "payload"): WireValue {
  switch (typeof value) {
    case "string":
      return { kind: "text", value };
    case "boolean":
      return { kind: "bool", value };
    case "number":
      return isInteger(value) ? { kind: "int", value: BigInt(value) } : { kind: "double", value };
    case "bigint":
      return { kind: "int", value };
    case "object":
      return value === null ? NULL : objectToWire(value, placeOf, path);
    default:
      throw new OperatorError("PAYLOAD_UNSUPPORTED", { path, found: value === undefined ? "undefined" : `a ${typeof value}` });
  }
}

/** Minus zero is a double: integers have no sign of zero. */
function isInteger(value: number): boolean {
  return Number.isSafeInteger(value) && !Object.is(value, -0);
}

function objectToWire(value: object, placeOf: PlaceOf, path: string): WireValue {
  if (value instanceof Tensor) return tensorToWire(value, placeOf);
  if (isBytes(value)) return bytesToWire(value, placeOf);
  if (Array.isArray(value)) return { kind: "list", values: value.map((element, i) => toWire(element, placeOf, `${path}[${i}]`)) };
  const present = Object.entries(value).filter(([, field]) => field !== undefined);
  return { kind: "map", fields: new Map(present.map(([key, field]) => [key, toWire(field, placeOf, `${path}.${key}`)])) };
}

function tensorToWire(tensor: Tensor, placeOf: PlaceOf): WireValue {
  const { bytes, dtype, shape } = tensor;
  const place = placeOf(bytes);
  if (place !== undefined) return { kind: "mapping", mapping: { ...place, shape, dtype } };
  return { kind: "tensor", tensor: { shape, dtype, data: bytes } };
}

function bytesToWire(value: Uint8Array, placeOf: PlaceOf): WireValue {
  const place = placeOf(value);
  if (place !== undefined) return { kind: "mapping", mapping: { ...place, shape: [value.length], dtype: "bytes" } };
  return { kind: "bytes", value };
}

/** @throws OperatorError WIRE_INVALID for a tensor of unknown type or size, and for a mapping where none is allowed. */
export function fromWire(value: WireValue, mappingOf: MappingOf = refuseMapping): unknown {
  switch (value.kind) {
    case "null":
      return null;
    case "int":
      return Number.isSafeInteger(Number(value.value)) ? Number(value.value) : value.value;
    case "list":
      return value.values.map((element) => fromWire(element, mappingOf));
    case "map":
      return mapFromWire(value.fields, mappingOf);
    case "tensor":
      return tensorFromWire(value.tensor);
    case "mapping":
      return mappingOf(value.mapping);
    default:
      return value.value;
  }
}

/** `result.__proto__ = …` would set the prototype. */
export function mapFromWire(fields: ReadonlyMap<string, WireValue>, mappingOf: MappingOf = refuseMapping): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [key, field] of fields) {
    Object.defineProperty(result, key, { value: fromWire(field, mappingOf), enumerable: true, writable: true, configurable: true });
  }
  return result;
}

/** The elements are a private copy, because those of the wire need not be aligned. */
export function tensorFromWire({ shape, dtype, data }: WireTensor): Tensor {
  if (!DTYPES.includes(dtype as DType)) throw invalid(`a tensor has the unknown element type ${JSON.stringify(dtype)}`);
  const length = elementCount(shape);
  if (length * itemSizeBytes(dtype as DType) !== data.length) {
    throw invalid(`a tensor ${dtype} [${shape.join(", ")}] has ${data.length} bytes`);
  }
  return new Tensor(dtype as DType, shape, viewElements(dtype as DType, data.slice().buffer, 0, length));
}

function refuseMapping(): never {
  throw invalid("it refers to a file of another host");
}
