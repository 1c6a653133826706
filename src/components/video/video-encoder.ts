import type { Ffmpeg } from "./ffmpeg.js";
import { type EncoderOptions, FrameEncoder } from "./frame-encoder.js";
import { VideoMuxer } from "./video-muxer.js";

/** Encodes RGB frames of one size into one file, at a constant rate; all calls are synchronous. */
export class VideoEncoder {
  readonly #encoder: FrameEncoder;
  readonly #muxer: VideoMuxer;

  /**
   * @param path      the file to write; replaced if it exists.
   * @param container FFmpeg's name of the format.
   * @throws OperatorError VIDEO_OUTPUT_UNWRITABLE.
   */
  constructor(ffmpeg: Ffmpeg, path: string, container: string, options: EncoderOptions) {
    this.#encoder = new FrameEncoder(ffmpeg, path, container, options);
    this.#muxer = new VideoMuxer(ffmpeg, path, container, this.#encoder.codec, options.codec === "h265");
  }

  /** Frames written so far. */
  get frames(): number {
    return this.#encoder.next;
  }

  /** @param pixels RGB, height x width x 3 of the options; only read during the call. */
  write(pixels: Uint8Array): void {
    this.#encoder.write(pixels, (packet) => this.#muxer.write(packet));
  }

  /** Writes what the encoder still holds and the index, and closes the file. */
  finish(): void {
    this.#encoder.finish((packet) => this.#muxer.write(packet));
    this.#muxer.finish();
    this.#encoder.close();
  }
}
