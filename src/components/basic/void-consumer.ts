import { ConsumerNode, type NodeOptions } from "../../flow/node.js";
import { BASIC_DESCRIPTORS } from "./descriptors.js";

/** Takes messages and does nothing with them. */
export class VoidConsumer<In extends readonly unknown[] = readonly unknown[]> extends ConsumerNode<In> {
  static override readonly descriptor = BASIC_DESCRIPTORS.VoidConsumer;

  constructor(params: object = {}, options: NodeOptions = {}) {
    super(params, options);
  }

  consume(..._inputs: In): void {}
}
