import { ProcessorNode, type ProcessorOptions } from "../../flow/node.js";
import { BASIC_DESCRIPTORS } from "./descriptors.js";

/** Gives its input. */
export class Identity<T = unknown> extends ProcessorNode<[T], T> {
  static override readonly descriptor = BASIC_DESCRIPTORS.Identity;

  constructor(params: object = {}, options: ProcessorOptions = {}) {
    super(params, options);
  }

  process(input: T): T {
    return input;
  }
}
