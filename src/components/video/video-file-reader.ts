import type { Frame } from "../../base/tensor.js";
import { END, type End, Message, type NodeContext, type NodeOptions, ProducerNode } from "../../flow/node.js";
import { VIDEO_DESCRIPTORS } from "./descriptors.js";
import { type Ffmpeg, loadFfmpeg } from "./ffmpeg.js";
import { FrameSelector } from "./frame-selector.js";
import { type FramePosition, type OnError, VideoFile } from "./video-file.js";

/** See the descriptions in the descriptor. */
export interface VideoFileReaderParams {
  readonly path: string;
  readonly startFrame?: number;
  readonly maxFrames?: number;
  readonly fps?: number;
  readonly loop?: boolean;
  readonly onError?: OnError;
  readonly threads?: number;
}

/** For the event times of a loop over a video without a declared rate. */
const DEFAULT_FPS = 25;

/**
 * Reads a video file into frames: uint8 [height, width, 3], RGB, upright, decoded straight into shared memory.
 *
 * Event time: seconds from the start of the file. Metadata: `frameIndex` (number of the frame in the file, from 0) and `fps`
 * (frames per second of these messages, if known). A new incarnation goes on at the frame after the last committed one.
 * `open()` and `next()` throw VIDEO_UNREADABLE, VIDEO_TRUNCATED or VIDEO_BROKEN; the frames before a break come first.
 */
export class VideoFileReader extends ProducerNode<Frame, VideoFileReaderParams> {
  static override readonly descriptor = VIDEO_DESCRIPTORS.VideoFileReader;
  readonly #selector: FrameSelector;
  #ffmpeg: Ffmpeg | undefined;
  #file: VideoFile | undefined;
  /** Seconds of the passes before this one. */
  #passedSeconds = 0;
  #passedFrames = 0;
  #last: FramePosition = { index: -1, seconds: 0 };

  constructor(params: VideoFileReaderParams, options: NodeOptions = {}) {
    super(params, options);
    this.#selector = new FrameSelector(params);
  }

  override async open(context: NodeContext): Promise<void> {
    this.#ffmpeg = await loadFfmpeg();
    this.#rewind();
    for (let skipped = 0; skipped < context.committed && this.#advance() !== undefined; ) skipped += 1;
  }

  next(): Message<Frame> | End {
    const position = this.#advance();
    return position === undefined ? END : this.#message(position);
  }

  override close(): void {
    this.#file?.close();
    this.#file = undefined;
  }

  /** Goes to the next selected frame; undefined at the end. */
  #advance(): FramePosition | undefined {
    while (!this.#selector.isDone) {
      const position = this.#readFile();
      if (position === undefined) return undefined;
      const choice = this.#selector.choose(this.#passedFrames + position.index, this.#passedSeconds + position.seconds);
      if (choice === "take") return position;
    }
    return undefined;
  }

  #readFile(): FramePosition | undefined {
    const position = this.#opened.read() ?? this.#nextPass();
    if (position !== undefined) this.#last = position;
    return position;
  }

  #nextPass(): FramePosition | undefined {
    if (this.params.loop !== true) return undefined;
    this.#passedSeconds += this.#last.seconds + 1 / (this.#opened.fps ?? DEFAULT_FPS);
    this.#passedFrames += this.#last.index + 1;
    this.#rewind();
    return this.#opened.read();
  }

  #rewind(): void {
    this.close();
    if (this.#ffmpeg === undefined) throw new TypeError(`node "${this.name}": next() before open()`);
    this.#file = new VideoFile(this.#ffmpeg, this.params.path, this.params);
  }

  get #opened(): VideoFile {
    if (this.#file === undefined) throw new TypeError(`node "${this.name}": next() before open()`);
    return this.#file;
  }

  #message(position: FramePosition): Message<Frame> {
    const frame = this.#opened.toFrame((shape, dtype) => this.context.allocate(shape, dtype));
    const fps = givenFps(this.#opened.fps, this.params.fps);
    const metadata = { frameIndex: position.index, ...(fps === undefined ? {} : { fps }) };
    return new Message(frame, { eventTs: this.#passedSeconds + position.seconds, metadata });
  }
}

/** Frames per second of the messages: the video's, cut down to what is asked for. */
export function givenFps(ofVideo: number | undefined, wanted: number | undefined): number | undefined {
  if (ofVideo === undefined || wanted === undefined) return ofVideo ?? wanted;
  return Math.min(ofVideo, wanted);
}
