import { ConsumerNode, type NodeOptions } from "../../flow/node.js";
import { BASIC_DESCRIPTORS } from "./descriptors.js";
import { summarizePayload } from "./payload-text.js";

/** Prints each message as one line on stdout; tensors as their type and shape. */
export class CommandlineConsumer<In extends readonly unknown[] = readonly unknown[]> extends ConsumerNode<In> {
  static override readonly descriptor = BASIC_DESCRIPTORS.CommandlineConsumer;

  constructor(params: object = {}, options: NodeOptions = {}) {
    super(params, options);
  }

  consume(...inputs: In): void {
    process.stdout.write(`${inputs.map(lineOf).join(" ")}\n`);
  }
}

function lineOf(input: unknown): string {
  const text = summarizePayload(input);
  return typeof text === "string" ? text.replaceAll("\n", " ") : JSON.stringify(text);
}
