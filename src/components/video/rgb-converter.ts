import type { Frame as Picture, SoftwareScaleContext } from "node-av/lib";
import type { Frame, Tensor } from "../../base/tensor.js";
import type { Ffmpeg } from "./ffmpeg.js";
import { type Rotation, rotatedSize, rotateRgb } from "./rotation.js";

/** Hands out the memory of the next frame: `context.allocate` in a task. */
export type AllocateFrame = (shape: readonly number[], dtype: "uint8") => Tensor<"uint8">;

/** Below this width the scaler writes whole blocks, beyond the end of a small picture. */
const MIN_DIRECT_WIDTH = 32;

/**
 * Converts pictures of any pixel format to RGB and back, with the matrix and range that the picture is tagged with.
 *
 * The scaler writes straight into the frame's memory; only turned and tiny pictures take a detour over a private copy.
 */
export class RgbConverter {
  readonly #ffmpeg: Ffmpeg;
  readonly #scaler: SoftwareScaleContext;
  #scratch = new Uint8Array(0);

  constructor(ffmpeg: Ffmpeg) {
    this.#ffmpeg = ffmpeg;
    this.#scaler = new ffmpeg.SoftwareScaleContext();
    this.#scaler.allocContext();
  }

  /** @returns the picture as RGB, turned, in memory of `allocate`. @throws Error if the scaler refuses the pixel format. */
  toFrame(picture: Picture, rotation: Rotation, allocate: AllocateFrame): Frame {
    const { height, width } = picture;
    const frame = allocate([...rotatedSize(height, width, rotation), 3], "uint8");
    if (rotation === 0 && width >= MIN_DIRECT_WIDTH) {
      this.#scaleInto(picture, frame.bytes);
      return frame;
    }
    const pixels = this.#borrowScratch(height * width * 3);
    this.#scaleInto(picture, pixels);
    rotateRgb(pixels, height, width, rotation, frame.bytes);
    return frame;
  }

  /** Fills a picture, whose size, pixel format and colour tags are set, from RGB pixels of the same size. */
  fromRgb(pixels: Uint8Array, picture: Picture): void {
    const source = this.#wrap(pixels, picture.width, picture.height);
    this.#scale(picture, source);
    source.free();
  }

  close(): void {
    this.#scaler.freeContext();
  }

  #scaleInto(picture: Picture, pixels: Uint8Array): void {
    const target = this.#wrap(pixels, picture.width, picture.height);
    this.#scale(target, picture);
    target.free();
  }

  #scale(target: Picture, source: Picture): void {
    const result = this.#scaler.scaleFrameSync(target, source);
    if (result < 0) this.#ffmpeg.FFmpegError.throwIfError(result, "scaling a picture");
  }

  /** A picture over memory that stays ours; its rows are packed. */
  #wrap(pixels: Uint8Array, width: number, height: number): Picture {
    const buffer = Buffer.from(pixels.buffer as ArrayBuffer, pixels.byteOffset, width * height * 3);
    const picture = this.#ffmpeg.Frame.fromVideoBuffer(buffer, { width, height, format: this.#ffmpeg.AV_PIX_FMT_RGB24 });
    picture.colorSpace = this.#ffmpeg.AVCOL_SPC_RGB;
    picture.colorRange = this.#ffmpeg.AVCOL_RANGE_JPEG;
    return picture;
  }

  #borrowScratch(sizeBytes: number): Uint8Array {
    if (this.#scratch.length < sizeBytes + 4_096) this.#scratch = new Uint8Array(sizeBytes + 4_096);
    return this.#scratch.subarray(0, sizeBytes);
  }
}
