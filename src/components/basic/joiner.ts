import { ProcessorNode, type ProcessorOptions } from "../../flow/node.js";
import { BASIC_DESCRIPTORS } from "./descriptors.js";

/** Gives its inputs as one array, in the order of its parents. */
export class Joiner<In extends readonly unknown[] = readonly unknown[]> extends ProcessorNode<In, In> {
  static override readonly descriptor = BASIC_DESCRIPTORS.Joiner;

  constructor(params: object = {}, options: ProcessorOptions = {}) {
    super(params, options);
  }

  process(...inputs: In): In {
    return inputs;
  }
}
