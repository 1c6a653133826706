import { extname } from "node:path";
import type { CodecContext, FormatContext, Packet, Stream } from "node-av/lib";
import { OperatorError } from "../../base/errors.js";
import { type Ffmpeg, ffmpegText } from "./ffmpeg.js";

/** Containers by the ending of the final name. */
const CONTAINERS: Readonly<Record<string, string>> = {
  ".mp4": "mp4",
  ".m4v": "mp4",
  ".mov": "mov",
  ".mkv": "matroska",
  ".avi": "avi",
  ".ts": "mpegts",
};

/** The container of a file name; undefined if its ending is not known. */
export function containerOf(path: string): string | undefined {
  return CONTAINERS[extname(path).toLowerCase()];
}

/** Writes packets of one encoder into one file. All calls are synchronous. */
export class VideoMuxer {
  readonly #ffmpeg: Ffmpeg;
  readonly #path: string;
  readonly #output: FormatContext;
  readonly #codec: CodecContext;
  readonly #stream: Stream;

  /**
   * @param path      the file to write; replaced if it exists.
   * @param container FFmpeg's name of the format, as {@link containerOf} gives it.
   * @param codec     the open encoder of the packets, or one with the same options.
   * @throws OperatorError VIDEO_OUTPUT_UNWRITABLE.
   */
  constructor(ffmpeg: Ffmpeg, path: string, container: string, codec: CodecContext, isH265: boolean) {
    this.#ffmpeg = ffmpeg;
    this.#path = path;
    this.#codec = codec;
    this.#output = new ffmpeg.FormatContext();
    this.#check(this.#output.allocOutputContext2(null, container, `file:${path}`));
    this.#stream = this.#addStream(isH265);
    this.#begin(container);
  }

  /** @param packet its times are numbers of frames; they are changed. */
  write(packet: Packet): void {
    packet.streamIndex = this.#stream.index;
    packet.duration = 1n;
    packet.rescaleTs(this.#codec.timeBase, this.#stream.timeBase);
    this.#check(this.#output.interleavedWriteFrameSync(packet));
  }

  /** Writes the index and closes the file. */
  finish(): void {
    this.#check(this.#output.writeTrailerSync());
    this.#output.closeOutputSync();
    this.#output.freeContext();
  }

  #addStream(isH265: boolean): Stream {
    const stream = this.#output.newStream(null);
    stream.timeBase = this.#codec.timeBase;
    stream.avgFrameRate = this.#codec.framerate;
    this.#check(stream.codecpar.fromContext(this.#codec));
    if (isH265) stream.codecpar.codecTag = "hvc1";
    return stream;
  }

  /** `faststart` moves the index to the front, so that a browser starts before it has the whole file. */
  #begin(container: string): void {
    if (container === "mp4" || container === "mov") this.#output.setOption("movflags", "+faststart");
    this.#check(this.#output.openOutputSync());
    this.#check(this.#output.writeHeaderSync(null));
  }

  #check(result: number): void {
    if (result < 0) throw new OperatorError("VIDEO_OUTPUT_UNWRITABLE", { path: this.#path, reason: ffmpegText(this.#ffmpeg, result) });
  }
}
