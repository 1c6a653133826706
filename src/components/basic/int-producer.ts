import { END, type End, type NodeContext, type NodeOptions, type ProcessorOptions, ProducerNode } from "../../flow/node.js";
import { BASIC_DESCRIPTORS } from "./descriptors.js";

/** See the descriptions in the descriptor. */
export interface IntProducerParams {
  readonly start?: number;
  readonly end?: number;
  readonly waitSeconds?: number;
  readonly fps?: number;
}

/** Gives `start`, `start + 1`, … below `end` (exclusive), at a steady pace if asked. Continues where an earlier incarnation stopped. */
export class IntProducer extends ProducerNode<number, IntProducerParams> {
  static override readonly descriptor = BASIC_DESCRIPTORS.IntProducer;
  readonly #end: number;
  #next: number;
  #given = 0;
  #startedMs = 0;

  constructor(params: IntProducerParams = {}, options: NodeOptions & Pick<ProcessorOptions, "buffer"> = {}) {
    super(params, options);
    this.#next = params.start ?? 0;
    this.#end = params.end ?? Number.POSITIVE_INFINITY;
  }

  override open(context: NodeContext): void {
    this.#next = (this.params.start ?? 0) + context.committed;
    this.#startedMs = performance.now();
  }

  async next(): Promise<number | End> {
    if (this.#next >= this.#end) return END;
    const waitMs = this.#waitMs();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    this.#given += 1;
    this.#next += 1;
    return this.#next - 1;
  }

  /** With `fps` late numbers catch up; `waitSeconds` is a plain pause. */
  #waitMs(): number {
    const { fps, waitSeconds = 0 } = this.params;
    if (fps !== undefined) return this.#startedMs + (this.#given * 1_000) / fps - performance.now();
    return this.#given === 0 ? 0 : waitSeconds * 1_000;
  }
}
