/** Payloads as JSON that loses nothing: bytes and tensors go through a door, what JSON has no word for is named. Pure. */
import { type DType, elementCount, Tensor, viewElements } from "./tensor.js";

/** Keeps bytes elsewhere. @returns the name under which {@link GetBytes} finds them. */
export type PutBytes = (bytes: Uint8Array) => string;
export type GetBytes = (name: string) => Uint8Array;

type Fields = Readonly<Record<string, unknown>>;

/**
 * A payload as plain JSON. Tensors become `{"$tensor": {dtype, shape, file}}`, bytes `{"$bytes": {size, file}}`, bigints
 * `{"$bigint": "…"}`, NaN and the infinities `{"$number": "…"}`; an object that has such a key of its own `{"$object": [[key, value], …]}`.
 */
export function saveValue(value: unknown, put: PutBytes): unknown {
  if (value instanceof Tensor) return { $tensor: { dtype: value.dtype, shape: value.shape, file: put(value.bytes) } };
  if (value instanceof Uint8Array) return { $bytes: { size: value.byteLength, file: put(value) } };
  if (typeof value === "bigint") return { $bigint: String(value) };
  if (typeof value === "number") return Number.isFinite(value) && !Object.is(value, -0) ? value : { $number: numberText(value) };
  if (Array.isArray(value)) return value.map((item) => saveValue(item, put));
  if (typeof value !== "object" || value === null) return value ?? null;
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  const saved = fields.map(([key, field]) => [key, saveValue(field, put)] as const);
  return fields.some(([key]) => key.startsWith("$")) ? { $object: saved } : Object.fromEntries(saved);
}

function numberText(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}

/** The payload that {@link saveValue} was given; tensors and bytes in private memory. */
export function loadValue(saved: unknown, get: GetBytes): unknown {
  if (Array.isArray(saved)) return saved.map((item) => loadValue(item, get));
  if (typeof saved !== "object" || saved === null) return saved;
  const [first] = Object.keys(saved);
  if (first?.startsWith("$") === true) return loadMarked(first, (saved as Fields)[first], get);
  return Object.fromEntries(Object.entries(saved).map(([key, field]) => [key, loadValue(field, get)]));
}

function loadMarked(mark: string, content: unknown, get: GetBytes): unknown {
  switch (mark) {
    case "$tensor":
      return loadTensor(content as { dtype: DType; shape: readonly number[]; file: string }, get);
    case "$bytes":
      return Uint8Array.from(get((content as { file: string }).file));
    case "$bigint":
      return BigInt(content as string);
    case "$number":
      return Number(content);
    case "$object":
      return Object.fromEntries((content as [string, unknown][]).map(([key, field]) => [key, loadValue(field, get)]));
    default:
      throw new TypeError(`a saved value of the unknown kind ${mark}`);
  }
}

function loadTensor({ dtype, shape, file }: { dtype: DType; shape: readonly number[]; file: string }, get: GetBytes): Tensor {
  const bytes = Uint8Array.from(get(file)); // Its own buffer: aligned for every dtype.
  return new Tensor(dtype, shape, viewElements(dtype, bytes.buffer, 0, elementCount(shape)));
}
