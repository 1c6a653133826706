import { closeSync, constants, ftruncateSync, openSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { errorText, OperatorError } from "../../base/errors.js";
import { makeFolder } from "../../base/make-folder.js";
import { ConsumerNode, type NodeContext, type NodeOptions } from "../../flow/node.js";
import { BASIC_DESCRIPTORS } from "./descriptors.js";
import { expandPayload } from "./payload-text.js";

/** See the descriptions in the descriptor. */
export interface FileAppenderParams {
  readonly path: string;
  readonly digits?: number;
}

/**
 * Appends each message to a file as one JSON line:
 * `{"traceId": …, "seq": …, "eventTs": …, "payload": …}`, with `"payloads": […]` if the node has several parents.
 *
 * Tensors are nested arrays; floating-point elements are rounded to `digits` decimals (4). A run begins with an empty file;
 * an incarnation that follows a crash cuts off what was written after its predecessor's last commit, so no line is there
 * twice. What was written stays when the flow fails.
 */
export class FileAppender<In extends readonly unknown[] = readonly unknown[]> extends ConsumerNode<In, FileAppenderParams> {
  static override readonly descriptor = BASIC_DESCRIPTORS.FileAppender;
  #file: number | undefined;
  #offset = 0;
  #isRestored = false;
  #isCut = false;

  constructor(params: FileAppenderParams, options: NodeOptions = {}) {
    super(params, options);
  }

  override open(_context: NodeContext): void {
    const { path } = this.params;
    try {
      makeFolder(dirname(path));
      this.#file = openSync(path, constants.O_WRONLY | constants.O_CREAT, 0o644);
    } catch (cause) {
      throw new OperatorError("OUTPUT_UNWRITABLE", { path, problem: errorText(cause) }, { cause });
    }
  }

  consume(...inputs: In): void {
    const file = this.#cutFile();
    const line = Buffer.from(`${JSON.stringify(this.#record(inputs))}\n`);
    let written = 0;
    while (written < line.length) written += writeSync(file, line, written, line.length - written, this.#offset + written);
    this.#offset += line.length;
  }

  override close(): void {
    if (this.#file === undefined) return;
    if (!this.#isRestored) this.#cutFile();
    closeSync(this.#file);
    this.#file = undefined;
  }

  /** @returns 8 bytes: the size of the file after the last line. */
  override snapshot(): Uint8Array {
    return new Uint8Array(Float64Array.of(this.#offset).buffer);
  }

  override restore(bytes: Uint8Array): void {
    this.#offset = new DataView(bytes.buffer, bytes.byteOffset).getFloat64(0, true);
    this.#isRestored = true;
    this.#isCut = false;
  }

  /** Late, because `restore()` comes after `open()`. */
  #cutFile(): number {
    if (this.#file === undefined) throw new TypeError(`node "${this.name}": consume() before open()`);
    if (!this.#isCut) ftruncateSync(this.#file, this.#offset);
    this.#isCut = true;
    return this.#file;
  }

  #record(inputs: In): object {
    const { traceId, seq, eventTs } = this.context;
    const payloads = inputs.map((input) => expandPayload(input, this.params.digits ?? 4));
    const body = payloads.length === 1 ? { payload: payloads[0] } : { payloads };
    return { traceId, seq, ...(eventTs === undefined ? {} : { eventTs }), ...body };
  }
}
