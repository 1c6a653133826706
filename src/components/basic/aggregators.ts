import { OperatorError } from "../../base/errors.js";
import { OneTaskProcessorNode, type ProcessorOptions } from "../../flow/node.js";
import { BASIC_DESCRIPTORS } from "./descriptors.js";

/** Gives a running value after each input; its state is that one number. */
abstract class Aggregator<In> extends OneTaskProcessorNode<[In], number> {
  #value: number;

  constructor(initial: number, options: ProcessorOptions) {
    super({}, options);
    this.#value = initial;
  }

  /** @returns the running value after `input`. */
  protected abstract step(value: number, input: In): number;

  process(input: In): number {
    this.#value = this.step(this.#value, input);
    return this.#value;
  }

  /** @returns 8 bytes, float64. */
  override snapshot(): Uint8Array {
    return new Uint8Array(Float64Array.of(this.#value).buffer);
  }

  override restore(bytes: Uint8Array): void {
    this.#value = new DataView(bytes.buffer, bytes.byteOffset).getFloat64(0, true);
  }
}

/** Sum of all numbers so far. */
export class SumAggregator extends Aggregator<number> {
  static override readonly descriptor = BASIC_DESCRIPTORS.SumAggregator;
  constructor(_params: object = {}, options: ProcessorOptions = {}) {
    super(0, options);
  }
  protected step(value: number, input: number): number {
    return value + numberOf("SumAggregator", input);
  }
}

/** Product of all numbers so far. */
export class ProductAggregator extends Aggregator<number> {
  static override readonly descriptor = BASIC_DESCRIPTORS.ProductAggregator;
  constructor(_params: object = {}, options: ProcessorOptions = {}) {
    super(1, options);
  }
  protected step(value: number, input: number): number {
    return value * numberOf("ProductAggregator", input);
  }
}

/** Number of inputs so far, whatever they are. */
export class CountAggregator extends Aggregator<unknown> {
  static override readonly descriptor = BASIC_DESCRIPTORS.CountAggregator;
  constructor(_params: object = {}, options: ProcessorOptions = {}) {
    super(0, options);
  }
  protected step(value: number): number {
    return value + 1;
  }
}

/** Largest number so far. */
export class MaxAggregator extends Aggregator<number> {
  static override readonly descriptor = BASIC_DESCRIPTORS.MaxAggregator;
  constructor(_params: object = {}, options: ProcessorOptions = {}) {
    super(Number.NEGATIVE_INFINITY, options);
  }
  protected step(value: number, input: number): number {
    return Math.max(value, numberOf("MaxAggregator", input));
  }
}

/** Smallest number so far. */
export class MinAggregator extends Aggregator<number> {
  static override readonly descriptor = BASIC_DESCRIPTORS.MinAggregator;
  constructor(_params: object = {}, options: ProcessorOptions = {}) {
    super(Number.POSITIVE_INFINITY, options);
  }
  protected step(value: number, input: number): number {
    return Math.min(value, numberOf("MinAggregator", input));
  }
}

function numberOf(component: string, input: unknown): number {
  if (typeof input === "number") return input;
  throw new OperatorError("INPUT_TYPE", { component, expected: "a number", got: input === null ? "null" : typeof input });
}
