import type { Frame } from "../../base/tensor.js";
import { END, type End, Message, type NodeContext, type NodeOptions, ProducerNode } from "../../flow/node.js";
import { loadFfmpeg } from "./ffmpeg.js";
import { ImageDecoder } from "./image-file.js";

/** What both producers of images take. */
export interface ImageSourceParams {
  readonly fps?: number;
}

const DEFAULT_FPS = 25;

/** A list of images, one message each; knows its place by number, so it goes on after a restart without reading what is done. */
export abstract class ImageSource<Params extends ImageSourceParams> extends ProducerNode<Frame, Params> {
  #decoder: ImageDecoder | undefined;
  #paths: readonly string[] = [];
  #next = 0;

  constructor(params: Params, options: NodeOptions = {}) {
    super(params, options);
  }

  /** The images of one pass, in order. */
  protected abstract listImages(): Promise<readonly string[]>;
  /** Messages in all, given the images of one pass. */
  protected abstract countMessages(images: number): number;

  override async open(context: NodeContext): Promise<void> {
    this.#paths = await this.listImages();
    this.#decoder = new ImageDecoder(await loadFfmpeg());
    this.#next = context.committed;
  }

  async next(): Promise<Message<Frame> | End> {
    if (this.#next >= this.countMessages(this.#paths.length)) return END;
    const index = this.#next;
    this.#next += 1;
    const path = this.#paths[index % this.#paths.length]!;
    const frame = await this.#opened.read(path, (shape, dtype) => this.context.allocate(shape, dtype));
    const fps = this.params.fps ?? DEFAULT_FPS;
    return new Message(frame, { eventTs: index / fps, metadata: { frameIndex: index, fps, path } });
  }

  override close(): void {
    this.#decoder?.close();
    this.#decoder = undefined;
  }

  get #opened(): ImageDecoder {
    if (this.#decoder === undefined) throw new TypeError(`node "${this.name}": next() before open()`);
    return this.#decoder;
  }
}
