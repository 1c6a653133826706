/**
 * Tensors: a typed array with a shape. The one value type that components exchange without a copy.
 * Knows memory layout; must not know where the memory lives.
 */
import { OperatorError } from "./errors.js";

/** numpy names of the element types. */
export type DType = "uint8" | "int8" | "uint16" | "int16" | "int32" | "uint32" | "float32" | "float64" | "int64" | "uint64";

export interface DTypeArrays {
  uint8: Uint8Array;
  int8: Int8Array;
  uint16: Uint16Array;
  int16: Int16Array;
  int32: Int32Array;
  uint32: Uint32Array;
  float32: Float32Array;
  float64: Float64Array;
  int64: BigInt64Array;
  uint64: BigUint64Array;
}
export type TypedArray = DTypeArrays[DType];

const CONSTRUCTORS = {
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  float32: Float32Array,
  float64: Float64Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
} as const;

export const DTYPES = Object.keys(CONSTRUCTORS) as readonly DType[];

/** Bytes of one element. */
export function itemSizeBytes(dtype: DType): number {
  return CONSTRUCTORS[dtype].BYTES_PER_ELEMENT;
}

/** Number of elements of a shape; 1 for a scalar. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

/** Views bytes as elements without copying. `byteOffset` must be a multiple of the item size. */
export function viewElements<D extends DType>(dtype: D, buffer: ArrayBufferLike, byteOffset: number, length: number): DTypeArrays[D] {
  return new CONSTRUCTORS[dtype](buffer as ArrayBuffer, byteOffset, length) as DTypeArrays[D];
}

/** What keeps a tensor's memory alive; absent for tensors in private memory. */
export interface TensorOwner {
  /** False once the message was released: its memory may hold something else by now. */
  isValid(): boolean;
  /** Keeps the memory after `process()` settled; counts against the buffer of the writer. @returns a function that releases it. */
  retain(): () => void;
}

/**
 * A dense, row-major array.
 *
 * An input tensor is a view of shared memory that is valid until `process()` settles. Keep it with
 * {@link Tensor.retain}, or {@link Tensor.copy} it.
 */
export class Tensor<D extends DType = DType> {
  readonly dtype: D;
  /** Extents, slowest first: a frame is [height, width, 3]. */
  readonly shape: readonly number[];
  readonly #data: DTypeArrays[D];
  readonly #owner: TensorOwner | undefined;
  #release: (() => void) | undefined;

  constructor(dtype: D, shape: readonly number[], data: DTypeArrays[D], owner?: TensorOwner) {
    if (data.length !== elementCount(shape)) {
      throw new OperatorError("TENSOR_SHAPE", { shape: [...shape], expected: elementCount(shape), got: data.length });
    }
    this.dtype = dtype;
    this.shape = shape;
    this.#data = data;
    this.#owner = owner;
  }

  /** A tensor of zeroes in private memory. */
  static zeros<D extends DType>(dtype: D, shape: readonly number[]): Tensor<D> {
    return new Tensor(dtype, shape, new CONSTRUCTORS[dtype](elementCount(shape)) as DTypeArrays[D]);
  }

  /** A tensor over the given elements; its dtype follows from the array's class. */
  static from<D extends DType>(dtype: D, shape: readonly number[], values: ArrayLike<number>): Tensor<D> {
    const data = new CONSTRUCTORS[dtype](elementCount(shape)) as DTypeArrays[D];
    (data as Float64Array).set(values as ArrayLike<number>);
    return new Tensor(dtype, shape, data);
  }

  /** The elements, not copied. @throws OperatorError MESSAGE_RELEASED once the message that held them was released. */
  get data(): DTypeArrays[D] {
    if (this.#owner !== undefined && this.#release === undefined && !this.#owner.isValid()) {
      throw new OperatorError("MESSAGE_RELEASED", { shape: [...this.shape] });
    }
    return this.#data;
  }

  /** The same memory as bytes, not copied. */
  get bytes(): Uint8Array {
    const data = this.data;
    return new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
  }

  get sizeBytes(): number {
    return this.#data.byteLength;
  }

  /** A private, writable copy. */
  copy(): Tensor<D> {
    return new Tensor(this.dtype, this.shape, this.data.slice() as DTypeArrays[D]);
  }

  /** Keeps this view after `process()` settled, until {@link release}. */
  retain(): this {
    if (this.#owner !== undefined && this.#release === undefined) {
      void this.data;
      this.#release = this.#owner.retain();
    }
    return this;
  }

  /** Ends a {@link retain}; the view is then invalid. */
  release(): void {
    this.#release?.();
    this.#release = undefined;
  }
}

/** An image: uint8 [height, width, 3], RGB, row-major. */
export type Frame = Tensor<"uint8">;
