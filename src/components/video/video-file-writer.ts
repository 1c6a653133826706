import { accessSync, constants, mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { errorText, OperatorError } from "../../base/errors.js";
import type { Frame } from "../../base/tensor.js";
import { ConsumerNode, type NodeContext, type NodeOptions } from "../../flow/node.js";
import { VIDEO_DESCRIPTORS } from "./descriptors.js";
import { type Ffmpeg, loadFfmpeg } from "./ffmpeg.js";
import { containerOf, VideoEncoder } from "./video-encoder.js";

/** See the descriptions in the descriptor. */
export interface VideoFileWriterParams {
  readonly path: string;
  readonly fps?: number;
  readonly codec?: "h264" | "h265";
  readonly quality?: number;
  readonly preset?: string;
  readonly threads?: number;
}

const DEFAULT_FPS = 25;

/**
 * Writes frames (uint8 [height, width, 3], RGB) into one video file: H.264 that a browser plays, one frame per message.
 *
 * Size: that of the first frame, made even by repeating the last row and column. Rate: `fps`, otherwise the metadata field
 * `fps` of the first frame (the reader sets it), otherwise 25. The file grows as `<path>.part` and gets its name when it is
 * whole, so a crash leaves no half file under the final name; after a failure of the flow `close()` keeps what came so far.
 */
export class VideoFileWriter extends ConsumerNode<[Frame], VideoFileWriterParams> {
  static override readonly descriptor = VIDEO_DESCRIPTORS.VideoFileWriter;
  #ffmpeg: Ffmpeg | undefined;
  #encoder: VideoEncoder | undefined;
  #shape: readonly number[] = [];

  constructor(params: VideoFileWriterParams, options: NodeOptions = {}) {
    super(params, options);
  }

  /** Where the file grows. */
  get partPath(): string {
    return `${this.params.path}.part`;
  }

  /** @throws OperatorError VIDEO_OUTPUT_UNWRITABLE if the folder cannot be made or is not writable. */
  override async open(_context: NodeContext): Promise<void> {
    checkFolder(this.params.path);
    this.#ffmpeg = await loadFfmpeg();
  }

  /** @throws OperatorError VIDEO_SIZE_CHANGED, VIDEO_OUTPUT_UNWRITABLE. */
  consume(frame: Frame): void {
    this.#encoder ??= this.#begin(frame);
    this.#checkShape(frame, this.#encoder.frames);
    this.#encoder.write(frame.bytes);
  }

  /** Finishes the file and gives it its name; without a frame there is no file. */
  override close(): void {
    const encoder = this.#encoder;
    this.#encoder = undefined;
    if (encoder === undefined) return;
    encoder.finish();
    renameSync(this.partPath, this.params.path);
  }

  #begin(frame: Frame): VideoEncoder {
    if (this.#ffmpeg === undefined) throw new TypeError(`node "${this.name}": consume() before open()`);
    const [height = 0, width = 0, channels] = frame.shape;
    if (frame.shape.length !== 3 || channels !== 3) throw this.#wrongShape(frame, 0, "[height, width, 3]");
    this.#shape = [...frame.shape];
    rmSync(this.partPath, { force: true });
    const container = containerOf(this.params.path) ?? "mp4";
    return new VideoEncoder(this.#ffmpeg, this.partPath, container, { ...this.params, fps: this.#fps(), height, width });
  }

  #fps(): number {
    const carried = this.context.metadata["fps"];
    const ofSource = typeof carried === "number" && Number.isFinite(carried) && carried > 0 ? carried : DEFAULT_FPS;
    return this.params.fps ?? ofSource;
  }

  #checkShape(frame: Frame, index: number): void {
    const isSame = frame.shape.every((extent, axis) => extent === this.#shape[axis]);
    if (!isSame) throw this.#wrongShape(frame, index, `[${this.#shape.join(", ")}]`);
  }

  #wrongShape(frame: Frame, index: number, expected: string): OperatorError {
    return new OperatorError("VIDEO_SIZE_CHANGED", { path: this.params.path, frame: index, expected, got: `[${frame.shape.join(", ")}]` });
  }
}

/** @throws OperatorError VIDEO_OUTPUT_UNWRITABLE. */
function checkFolder(path: string): void {
  if (containerOf(path) === undefined)
    throw new OperatorError("VIDEO_OUTPUT_UNWRITABLE", { path, reason: "its ending names no container" });
  try {
    mkdirSync(dirname(path), { recursive: true });
    accessSync(dirname(path), constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new OperatorError("VIDEO_OUTPUT_UNWRITABLE", { path, reason: errorText(error) });
  }
}
