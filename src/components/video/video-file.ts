import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import type { FormatContext, Packet } from "node-av/lib";
import { errorText, OperatorError } from "../../base/errors.js";
import type { Frame } from "../../base/tensor.js";
import { declaredSizeBytes } from "./container-size.js";
import { type Ffmpeg, ffmpegText } from "./ffmpeg.js";
import type { AllocateFrame } from "./rgb-converter.js";
import { StreamDecoder } from "./stream-decoder.js";

/** What to do about frames that cannot be decoded: end with an error, or leave them out. */
export type OnError = "fail" | "skip";

/** Where a frame lies in its video. */
export interface FramePosition {
  /** Number in the order of presentation, from 0. */
  readonly index: number;
  /** Seconds from the start. */
  readonly seconds: number;
}

export interface VideoFileOptions {
  readonly onError?: OnError;
  readonly threads?: number;
}

/** For videos that say nothing about time. */
const DEFAULT_FPS = 25;
/** After a break a longer step between two frames than this many frames means that one is missing. */
const GAP_FRAMES = 1.75;

/** A video file, decoded frame by frame. What is broken or missing is an error that comes after the frames before it. */
export class VideoFile {
  readonly path: string;
  readonly #ffmpeg: Ffmpeg;
  readonly #input: FormatContext;
  readonly #decoder: StreamDecoder;
  readonly #packet: Packet;
  readonly #onError: OnError;
  #index = 0;
  #packets = 0;
  #lastPacketEnd = 0n;
  #lastSeconds = Number.NEGATIVE_INFINITY;
  #break: OperatorError | undefined;
  #isDraining = false;

  /** @throws OperatorError VIDEO_UNREADABLE. */
  constructor(ffmpeg: Ffmpeg, path: string, options: VideoFileOptions = {}) {
    this.path = path;
    this.#ffmpeg = ffmpeg;
    this.#onError = options.onError ?? "fail";
    this.#input = new ffmpeg.FormatContext();
    this.#open();
    try {
      this.#decoder = new StreamDecoder(ffmpeg, this.#input, options.threads);
    } catch (error) {
      this.#input.closeInputSync();
      throw new OperatorError("VIDEO_UNREADABLE", { path, reason: errorText(error) });
    }
    this.#packet = new ffmpeg.Packet();
    this.#packet.alloc();
  }

  #open(): void {
    const url = `file:${this.path}`;
    const opened = this.#input.openInputSync(url, null, null);
    const result = opened < 0 ? opened : this.#input.findStreamInfoSync(null);
    if (result >= 0) return;
    if (opened >= 0) this.#input.closeInputSync();
    throw new OperatorError("VIDEO_UNREADABLE", { path: this.path, reason: this.#openReason(result) });
  }

  #openReason(code: number): string {
    const text = ffmpegText(this.#ffmpeg, code);
    const missing = missingBytes(this.path);
    return missing === undefined ? text : `${text} (${missing})`;
  }

  /** Frames per second; undefined if the file does not say. */
  get fps(): number | undefined {
    return this.#decoder.fps;
  }

  /**
   * Goes to the next frame.
   *
   * @returns its position, or undefined at the end.
   * @throws OperatorError VIDEO_BROKEN, VIDEO_TRUNCATED with the number of the first frame that is missing; VIDEO_UNREADABLE
   * if there was no frame at all.
   */
  read(): FramePosition | undefined {
    for (;;) {
      const result = this.#decoder.receive();
      if (result === this.#ffmpeg.AVERROR_EAGAIN && !this.#isDraining) this.#feed();
      else if (result === this.#ffmpeg.AVERROR_EOF || result === this.#ffmpeg.AVERROR_EAGAIN) return this.#end();
      else if (result < 0) this.#breakAt(ffmpegText(this.#ffmpeg, result));
      else if (this.#accept()) return this.#advance();
    }
  }

  /** The frame that {@link read} went to, as RGB in memory of `allocate`. */
  toFrame(allocate: AllocateFrame): Frame {
    return this.#decoder.toFrame(allocate);
  }

  close(): void {
    this.#packet.free();
    this.#decoder.close();
    this.#input.closeInputSync();
  }

  /** Gives the decoder one packet of the video, or the news that there are no more. */
  #feed(): void {
    const result = this.#input.readFrameSync(this.#packet);
    if (result < 0) this.#endOfPackets(result);
    else if (this.#decoder.accepts(this.#packet)) this.#sendPacket();
    this.#packet.unref();
  }

  #sendPacket(): void {
    const { pts, duration } = this.#packet;
    if ((this.#packet.flags & this.#ffmpeg.AV_PKT_FLAG_CORRUPT) !== 0) return this.#breakAt("its data is incomplete");
    this.#packets += 1;
    if (pts !== this.#ffmpeg.AV_NOPTS_VALUE && pts + duration > this.#lastPacketEnd) this.#lastPacketEnd = pts + duration;
    const result = this.#decoder.send(this.#packet);
    if (result < 0) this.#breakAt(ffmpegText(this.#ffmpeg, result));
  }

  #endOfPackets(code: number): void {
    if (code !== this.#ffmpeg.AVERROR_EOF) this.#breakAt(ffmpegText(this.#ffmpeg, code));
    const missing = missingBytes(this.path) ?? this.#missingFrames();
    if (missing !== undefined) this.#breakAt(missing);
    this.#drain();
  }

  #drain(): void {
    if (!this.#isDraining) this.#decoder.send(null);
    this.#isDraining = true;
  }

  /** For containers that do not declare their bytes: fewer frames and less time than they say. */
  #missingFrames(): string | undefined {
    const { nbFrames, duration, avgFrameRate, timeBase, startTime } = this.#decoder.stream;
    if (declaredSize(this.path) !== undefined || nbFrames <= 0n || BigInt(this.#packets) >= nbFrames) return undefined;
    const frame = (timeBase.den * avgFrameRate.den) / Math.max(1, timeBase.num * avgFrameRate.num);
    const start = startTime === this.#ffmpeg.AV_NOPTS_VALUE ? 0n : startTime;
    if (Number(start + duration - this.#lastPacketEnd) < 2 * frame) return undefined;
    return `it says that it has ${nbFrames} frames, but only ${this.#packets} are there`;
  }

  /** Remembers the first break and takes what the decoder still holds. */
  #breakAt(reason: string): void {
    if (this.#onError === "skip") return;
    this.#break ??= this.#breakError(reason);
    this.#drain();
  }

  #breakError(reason: string): OperatorError {
    const missing = missingBytes(this.path);
    const detail = { path: this.path, frame: this.#index, reason: missing ?? reason };
    return new OperatorError(missing === undefined && !reason.startsWith("it says") ? "VIDEO_BROKEN" : "VIDEO_TRUNCATED", detail);
  }

  /** Whether the picture is whole and the next in order. */
  #accept(): boolean {
    if (this.#decoder.isCorrupt) {
      this.#breakAt("parts of its picture are missing");
      if (this.#break !== undefined) this.#throwBreak(this.#break);
      return false;
    }
    if (this.#break !== undefined && this.#isGap()) this.#throwBreak(this.#break);
    return true;
  }

  #isGap(): boolean {
    const seconds = this.#decoder.seconds ?? this.#lastSeconds;
    return seconds - this.#lastSeconds > GAP_FRAMES / (this.fps ?? DEFAULT_FPS);
  }

  #advance(): FramePosition {
    const index = this.#index;
    const seconds = this.#decoder.seconds ?? index / (this.fps ?? DEFAULT_FPS);
    this.#lastSeconds = seconds;
    this.#index += 1;
    return { index, seconds };
  }

  #end(): undefined {
    if (this.#break !== undefined) this.#throwBreak(this.#break);
    if (this.#index === 0) throw new OperatorError("VIDEO_UNREADABLE", { path: this.path, reason: "it holds no frame" });
    return undefined;
  }

  /** The frames that the decoder still held have moved the break. */
  #throwBreak(found: OperatorError): never {
    const detail = found.detail as { path: string; reason: string };
    throw new OperatorError(found.code as "VIDEO_BROKEN", { path: detail.path, frame: this.#index, reason: detail.reason });
  }
}

/** Says how many bytes of a file are missing, if its container tells. */
function missingBytes(path: string): string | undefined {
  const declared = declaredSize(path);
  if (declared === undefined || declared.bytes <= declared.sizeBytes) return undefined;
  return `the file has ${declared.sizeBytes} of ${declared.bytes} bytes`;
}

function declaredSize(path: string): { readonly bytes: number; readonly sizeBytes: number } | undefined {
  let file: number | undefined;
  try {
    file = openSync(path, "r");
    const opened = file;
    const sizeBytes = fstatSync(opened).size;
    const readAt = (offset: number, length: number) => {
      const bytes = Buffer.alloc(length);
      return bytes.subarray(0, readSync(opened, bytes, 0, length, offset));
    };
    const bytes = declaredSizeBytes(readAt, sizeBytes);
    return bytes === undefined ? undefined : { bytes, sizeBytes };
  } catch {
    return undefined;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
