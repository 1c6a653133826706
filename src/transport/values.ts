/**
 * Structured payloads: a JSON text in which tensors and bytes are references to raw items. Pure.
 *
 * An object with the one key "$" stands for what JSON lacks: {"$":["t",i]} tensor i, ["b",i] bytes i, ["n","12"] bigint,
 * ["f","NaN"] a number JSON cannot write, ["o",{…}] a plain object that has the key "$" itself.
 */
import { OperatorError } from "../base/errors.js";
import { Tensor } from "../base/tensor.js";

export type Item = Tensor | Uint8Array;

const MAX_DEPTH = 100;
const MARK = "$";

/**
 * @param items receives the tensors and bytes found, in order.
 * @returns     the JSON text.
 * @throws OperatorError PAYLOAD_UNSUPPORTED with the path inside the value.
 */
export function encodeValue(value: unknown, items: Item[], name: string): string {
  return JSON.stringify(toJson(value, items, [name]));
}

function toJson(value: unknown, items: Item[], path: string[]): unknown {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0) ? value : mark("f", Object.is(value, -0) ? "-0" : String(value));
    case "bigint":
      return mark("n", String(value));
    case "object":
      return value === null ? null : objectToJson(value, items, path);
    default:
      throw unsupported(path, value === undefined ? "undefined" : `a ${typeof value}`);
  }
}

function objectToJson(value: object, items: Item[], path: string[]): unknown {
  if (path.length > MAX_DEPTH) throw unsupported(path.slice(0, 10), `values nested more than ${MAX_DEPTH} deep (a cycle?)`);
  if (value instanceof Tensor) return mark("t", items.push(value) - 1);
  if (isBytes(value)) return mark("b", items.push(value) - 1);
  if (Array.isArray(value)) return arrayToJson(value, items, path);
  if (!isPlain(value)) throw unsupported(path, `an instance of ${value.constructor?.name ?? "a class"}`);
  return plainToJson(value as Record<string, unknown>, items, path);
}

function arrayToJson(value: readonly unknown[], items: Item[], path: string[]): unknown[] {
  return Array.from(value, (element, index) => toJson(element, items, [...path, `[${index}]`]));
}

function plainToJson(value: Record<string, unknown>, items: Item[], path: string[]): unknown {
  const result: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    const element = value[key];
    if (element !== undefined) define(result, key, toJson(element, items, [...path, `.${key}`]));
  }
  return MARK in result ? mark("o", result) : result;
}

/** `result.__proto__ = …` would set the prototype. */
function define(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === "__proto__") Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true });
  else target[key] = value;
}

function mark(kind: string, value: unknown): unknown {
  return { [MARK]: [kind, value] };
}

/** Bytes of any realm: `instanceof` fails for those of a vm context. */
export function isBytes(value: object): value is Uint8Array {
  return value instanceof Uint8Array || Object.prototype.toString.call(value) === "[object Uint8Array]";
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null;
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function unsupported(path: readonly string[], found: string): OperatorError {
  return new OperatorError("PAYLOAD_UNSUPPORTED", { path: path.join(""), found });
}

/** @param item gives the tensor or the bytes of an index. */
export function decodeValue(text: string, item: (index: number) => Item): unknown {
  return fromJson(JSON.parse(text), item);
}

function fromJson(value: unknown, item: (index: number) => Item): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((element) => fromJson(element, item));
  if (MARK in value) return fromMark(value[MARK] as [string, unknown], item);
  return objectFromJson(value as Record<string, unknown>, item);
}

function objectFromJson(value: Record<string, unknown>, item: (index: number) => Item): Record<string, unknown> {
  for (const key of Object.keys(value)) define(value, key, fromJson(value[key], item));
  return value;
}

function fromMark([kind, value]: [string, unknown], item: (index: number) => Item): unknown {
  switch (kind) {
    case "n":
      return BigInt(value as string);
    case "f":
      return Number(value);
    case "o":
      return objectFromJson(value as Record<string, unknown>, item);
    default:
      return item(value as number);
  }
}
