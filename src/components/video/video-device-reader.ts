import { existsSync } from "node:fs";
import { REAL_CLOCK } from "../../base/clock.js";
import { errorText, OperatorError } from "../../base/errors.js";
import type { Frame } from "../../base/tensor.js";
import { END, type End, Message, type NodeContext, type NodeOptions, ProducerNode } from "../../flow/node.js";
import { VIDEO_DESCRIPTORS } from "./descriptors.js";
import { loadFfmpeg } from "./ffmpeg.js";
import { LiveSource } from "./live-source.js";

/** See the descriptions in the descriptor. */
export interface VideoDeviceReaderParams {
  readonly device?: string;
  readonly width?: number;
  readonly height?: number;
  readonly fps?: number;
  readonly inputFormat?: string;
  readonly maxFrames?: number;
}

const DEFAULT_DEVICE = "/dev/video0";
/** A camera that gives nothing for so long is gone. */
const TIMEOUT_MS = 10_000;

/**
 * Reads a camera (Video4Linux) into frames: uint8 [height, width, 3], RGB, straight into shared memory.
 *
 * Event time: when the frame arrived, epoch seconds. Metadata: `frameIndex` and `fps`. A camera that is missing, busy or
 * unplugged fails the task with VIDEO_DEVICE_UNAVAILABLE; its restart tries again.
 */
export class VideoDeviceReader extends ProducerNode<Frame, VideoDeviceReaderParams> {
  static override readonly descriptor = VIDEO_DESCRIPTORS.VideoDeviceReader;
  #source: LiveSource | undefined;
  #isClosing = false;
  #frames = 0;

  constructor(params: VideoDeviceReaderParams = {}, options: NodeOptions = {}) {
    super(params, options);
  }

  get #device(): string {
    return this.params.device ?? DEFAULT_DEVICE;
  }

  override async open(_context: NodeContext): Promise<void> {
    if (!existsSync(this.#device)) throw this.#unavailable("there is no such file");
    const ffmpeg = await loadFfmpeg();
    this.#source = new LiveSource(ffmpeg, { url: this.#device, format: "v4l2", options: this.#wishes(), timeoutMs: TIMEOUT_MS });
    await this.#guard(this.#source.open());
  }

  async next(): Promise<Message<Frame> | End> {
    const source = this.#source;
    if (source === undefined || this.#frames >= (this.params.maxFrames ?? Number.POSITIVE_INFINITY)) return END;
    const isThere = await this.#guard(source.read());
    if (this.#isClosing) return END;
    if (isThere !== true) throw this.#unavailable("it gives no more frames");
    const frame = source.toFrame((shape, dtype) => this.context.allocate(shape, dtype));
    const metadata = { frameIndex: this.#frames, ...(source.fps === undefined ? {} : { fps: source.fps }) };
    this.#frames += 1;
    return new Message(frame, { eventTs: REAL_CLOCK.wallMs() / 1_000, metadata });
  }

  override async close(): Promise<void> {
    this.#isClosing = true;
    await this.#source?.close();
    this.#source = undefined;
  }

  #wishes(): Record<string, string> {
    const { width, height, fps, inputFormat } = this.params;
    return {
      ...(width === undefined || height === undefined ? {} : { video_size: `${width}x${height}` }),
      ...(fps === undefined ? {} : { framerate: String(fps) }),
      ...(inputFormat === undefined ? {} : { input_format: inputFormat }),
    };
  }

  /** @returns undefined if the node was closed meanwhile. */
  async #guard<T>(work: Promise<T>): Promise<T | undefined> {
    try {
      return await work;
    } catch (error) {
      if (this.#isClosing) return undefined;
      throw this.#unavailable(errorText(error));
    }
  }

  #unavailable(reason: string): OperatorError {
    return new OperatorError("VIDEO_DEVICE_UNAVAILABLE", { device: this.#device, reason });
  }
}
