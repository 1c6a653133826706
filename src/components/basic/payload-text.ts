/** Payloads as JSON: in full for files, summarised for people. */
import { Tensor } from "../../base/tensor.js";

/** @returns a payload for `JSON.stringify`, with tensors as `uint8 [720, 1280, 3]` and bytes as their number. */
export function summarizePayload(payload: unknown): unknown {
  return mapTensors(payload, (tensor) => `${tensor.dtype} [${tensor.shape.join(", ")}]`);
}

/**
 * @param digits decimals that elements of floating-point tensors are rounded to.
 * @returns a payload for `JSON.stringify`, with tensors as nested arrays; bigints become numbers.
 */
export function expandPayload(payload: unknown, digits: number): unknown {
  return mapTensors(payload, (tensor) => nestElements(tensor, digits));
}

function mapTensors(value: unknown, convert: (tensor: Tensor) => unknown): unknown {
  if (value instanceof Tensor) return convert(value);
  if (value instanceof Uint8Array) return `${value.byteLength} bytes`;
  if (Array.isArray(value)) return value.map((item) => mapTensors(item, convert));
  if (typeof value === "bigint") return Number(value);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapTensors(item, convert)]));
}

/** Row-major elements as arrays in arrays; a scalar tensor is one number. */
function nestElements(tensor: Tensor, digits: number): unknown {
  const scale = 10 ** digits;
  const round = tensor.dtype.startsWith("float") ? (value: number) => Math.round(value * scale) / scale : (value: number) => value;
  const flat = Array.from(tensor.data as ArrayLike<number | bigint>, (value) => round(Number(value)));
  return nest(flat, tensor.shape);
}

function nest(flat: readonly number[], shape: readonly number[]): unknown {
  const [extent, ...rest] = shape;
  if (extent === undefined) return flat[0];
  if (rest.length === 0) return flat;
  const size = rest.reduce((product, n) => product * n, 1);
  return Array.from({ length: extent }, (_, i) => nest(flat.slice(i * size, (i + 1) * size), rest));
}
