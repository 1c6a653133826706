import { loadMessage, readLetter, saveMessages, writeWhole } from "../../base/dead-letters.js";
import { makeFolder } from "../../base/make-folder.js";
import { ConsumerNode, Message, type NodeOptions, ProcessorNode, type ProcessorOptions } from "../../flow/node.js";
import { BASIC_DESCRIPTORS } from "./descriptors.js";

/** See the descriptions in the descriptor. */
export interface DeadLetterReaderParams {
  readonly folder: string;
  readonly letters: readonly string[];
  readonly input?: number;
}

/** For the number n: the message of one input of the n-th letter, with its metadata and event time. */
export class DeadLetterReader extends ProcessorNode<[number], unknown, DeadLetterReaderParams> {
  static override readonly descriptor = BASIC_DESCRIPTORS.DeadLetterReader;

  constructor(params: DeadLetterReaderParams, options: ProcessorOptions = {}) {
    super(params, options);
  }

  process(n: number): Message<unknown> {
    const { folder, letters, input = 0 } = this.params;
    const saved = readLetter(folder, letters[n] ?? "").inputs[input];
    if (saved === undefined) throw new RangeError(`dead letter ${letters[n]} has no input ${input}`);
    const { payload, metadata, eventTs } = loadMessage(folder, saved);
    return new Message(payload, { metadata, ...(eventTs === undefined ? {} : { eventTs }) });
  }
}

/** See the descriptions in the descriptor. */
export interface DeadLetterResultsParams {
  readonly folder: string;
  readonly letters: readonly string[];
}

/**
 * Keeps what a node made of dead letters: output k of a letter in `<letter>.output.<k>.json`, what `flush()` gave in
 * `flush.output.<k>.json`, tensors and bytes in raw files beside it.
 */
export class DeadLetterResults extends ConsumerNode<readonly unknown[], DeadLetterResultsParams> {
  static override readonly descriptor = BASIC_DESCRIPTORS.DeadLetterResults;

  constructor(params: DeadLetterResultsParams, options: NodeOptions = {}) {
    super(params, options);
  }

  consume(payload: unknown): void {
    const { folder, letters } = this.params;
    const { traceId, seq, eventTs, metadata } = this.context;
    const output = Number(/#(\d+)$/.exec(traceId)?.[1] ?? 0);
    const id = `${letters[seq - 1] ?? "flush"}.output.${output}`;
    makeFolder(folder, 0o700);
    const [saved] = saveMessages(folder, id, [{ traceId, seq, eventTs, metadata, payload }]);
    writeWhole(folder, id, saved as object);
  }
}
