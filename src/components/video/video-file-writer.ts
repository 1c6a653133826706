import { accessSync, constants } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname } from "node:path";
import { errorText, OperatorError } from "../../base/errors.js";
import { makeFolder } from "../../base/make-folder.js";
import type { Frame } from "../../base/tensor.js";
import { ConsumerNode, type NodeContext, type NodeOptions } from "../../flow/node.js";
import { VIDEO_DESCRIPTORS } from "./descriptors.js";
import { type Ffmpeg, loadFfmpeg } from "./ffmpeg.js";
import { isFinished, ResumableVideo, type VideoProgress } from "./resumable-video.js";
import { containerOf } from "./video-muxer.js";

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
/** Enough for what the encoder keeps with the default preset; a preset that looks further ahead gets more keyframes. */
const HOLDS = VIDEO_DESCRIPTORS.VideoFileWriter.holds;
/** More threads would keep more frames in the encoder. */
const MOST_THREADS = 4;

/**
 * Writes frames (uint8 [height, width, 3], RGB) into one video file: H.264 that a browser plays, one frame per message.
 *
 * Size: that of the first frame, made even by repeating the last row and column. Rate: `fps`, otherwise the metadata field
 * `fps` of the first frame (the reader sets it), otherwise 25. What is encoded grows in `<path>.part` and gets its container and
 * name when it is whole, so a crash leaves no half file under the final name. A frame is acknowledged when it can be found there:
 * a writer that is started again goes on after it. After a failure of the flow `close()` keeps what came so far.
 */
export class VideoFileWriter extends ConsumerNode<[Frame], VideoFileWriterParams> {
  static override readonly descriptor = VIDEO_DESCRIPTORS.VideoFileWriter;
  #ffmpeg: Ffmpeg | undefined;
  #video: ResumableVideo | undefined;
  #restored: VideoProgress | undefined;
  /** Whether a later incarnation may go on with the part. */
  #isAwaited = false;
  #hasEnded = false;

  constructor(params: VideoFileWriterParams, options: NodeOptions = {}) {
    super(params, options);
  }

  /** @throws OperatorError VIDEO_OUTPUT_UNWRITABLE if the folder is missing or not writable. */
  override async open(_context: NodeContext): Promise<void> {
    checkFolder(this.params.path);
    this.#ffmpeg = await loadFfmpeg();
  }

  /** @throws OperatorError VIDEO_SIZE_CHANGED, VIDEO_OUTPUT_UNWRITABLE. */
  consume(frame: Frame): void {
    this.#video ??= this.#begin(frame);
    this.#checkShape(frame, this.#video);
    this.#video.write(frame.bytes);
  }

  override settled(): number {
    return (this.#video?.safe.frames ?? 0) - (this.#restored?.frames ?? 0);
  }

  override flush(): void {
    this.makeSafe();
    this.#hasEnded = true;
  }

  override makeSafe(): void {
    this.#video?.makeSafe();
  }

  /** @returns how far the file counts, as JSON; nothing before the first frame. */
  override snapshot(): Uint8Array {
    this.#isAwaited ||= this.#video !== undefined;
    const safe = this.#video?.safe ?? this.#restored;
    return safe === undefined ? new Uint8Array(0) : new TextEncoder().encode(JSON.stringify(safe));
  }

  override restore(bytes: Uint8Array): void {
    this.#isAwaited = bytes.length > 0;
    if (this.#isAwaited) this.#restored = JSON.parse(new TextDecoder().decode(bytes)) as VideoProgress;
  }

  /** Finishes the file and gives it its name; without a frame there is no file. */
  override close(): void {
    if (this.#video === undefined && this.#restored !== undefined && !isFinished(this.params.path))
      this.#video = this.#resume(this.#restored);
    const video = this.#video;
    this.#video = undefined;
    this.#restored = undefined;
    video?.finish(this.#isAwaited && !this.#hasEnded);
  }

  #begin(frame: Frame): ResumableVideo {
    if (this.#restored !== undefined) return this.#resume(this.#restored);
    const [height = 0, width = 0, channels] = frame.shape;
    if (frame.shape.length !== 3 || channels !== 3) throw this.#wrongShape(frame, 0, "[height, width, 3]");
    const threads = this.params.threads ?? Math.min(MOST_THREADS, availableParallelism());
    const { path: _path, ...encoding } = this.params;
    return this.#resume({ options: { ...encoding, threads, fps: this.#fps(), height, width }, frames: 0, sizeBytes: 0 });
  }

  #resume(progress: VideoProgress): ResumableVideo {
    if (this.#ffmpeg === undefined) throw new TypeError(`node "${this.name}": consume() before open()`);
    return new ResumableVideo(this.#ffmpeg, this.params.path, progress, HOLDS);
  }

  #fps(): number {
    const carried = this.context.metadata["fps"];
    const ofSource = typeof carried === "number" && Number.isFinite(carried) && carried > 0 ? carried : DEFAULT_FPS;
    return this.params.fps ?? ofSource;
  }

  #checkShape(frame: Frame, { options: { height, width }, frames }: ResumableVideo): void {
    const isSame = [height, width, 3].every((extent, axis) => extent === frame.shape[axis]);
    if (!isSame) throw this.#wrongShape(frame, frames, `[${height}, ${width}, 3]`);
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
    makeFolder(dirname(path));
    accessSync(dirname(path), constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new OperatorError("VIDEO_OUTPUT_UNWRITABLE", { path, reason: errorText(error) });
  }
}
