import { readFile } from "node:fs/promises";
import type { CodecContext, Frame as Picture } from "node-av/lib";
import { errorText, OperatorError } from "../../base/errors.js";
import type { Frame } from "../../base/tensor.js";
import { type Ffmpeg, ffmpegText } from "./ffmpeg.js";
import { type AllocateFrame, RgbConverter } from "./rgb-converter.js";
import { parseRotation } from "./rotation.js";

/** FFmpeg's decoders of still images. */
export type ImageCodec = "mjpeg" | "png" | "webp" | "bmp";

/** @returns the decoder for the bytes of an image, by their first bytes; undefined for anything else. */
export function imageCodecOf(bytes: Uint8Array): ImageCodec | undefined {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(16, bytes.byteLength)).toString("latin1");
  if (text.startsWith("\xff\xd8\xff")) return "mjpeg";
  if (text.startsWith("\x89PNG\r\n\x1a\n")) return "png";
  if (text.startsWith("RIFF") && text.slice(8, 12) === "WEBP") return "webp";
  if (text.startsWith("BM")) return "bmp";
  return undefined;
}

/**
 * Whether the end of the image is there; decoders show a half image without a word.
 * A jpeg ends with FF D9, a png with its IEND chunk; webp and bmp say their size.
 */
export function isWholeImage(bytes: Buffer, codec: ImageCodec): boolean {
  if (codec === "mjpeg") return bytes.lastIndexOf("\xff\xd9", undefined, "latin1") > bytes.lastIndexOf("\xff\xda", undefined, "latin1");
  if (codec === "png") return bytes.lastIndexOf("IEND", undefined, "latin1") > 0;
  return bytes.length >= (codec === "webp" ? 8 + bytes.readUInt32LE(4) : bytes.readUInt32LE(2));
}

/** Reads still images as RGB frames. */
export class ImageDecoder {
  readonly #ffmpeg: Ffmpeg;
  readonly #converter: RgbConverter;

  constructor(ffmpeg: Ffmpeg) {
    this.#ffmpeg = ffmpeg;
    this.#converter = new RgbConverter(ffmpeg);
  }

  /**
   * @returns the image, upright, in memory of `allocate`.
   * @throws OperatorError IMAGE_UNREADABLE with the path.
   */
  async read(path: string, allocate: AllocateFrame): Promise<Frame> {
    try {
      return this.#decode(await readFile(path), allocate);
    } catch (error) {
      throw new OperatorError("IMAGE_UNREADABLE", { path, reason: errorText(error) }, { cause: error });
    }
  }

  close(): void {
    this.#converter.close();
  }

  /** The bytes of a file are one packet: no container, and no magic in file names. */
  #decode(bytes: Buffer, allocate: AllocateFrame): Frame {
    const codec = imageCodecOf(bytes);
    if (codec === undefined) throw new Error("it is no jpeg, png, webp or bmp image");
    if (!isWholeImage(bytes, codec)) throw new Error("its end is missing");
    const context = this.#openDecoder(codec);
    const picture = new this.#ffmpeg.Frame();
    picture.alloc();
    try {
      this.#receive(context, bytes, picture);
      const matrix = picture.getSideData(this.#ffmpeg.AV_FRAME_DATA_DISPLAYMATRIX);
      return this.#converter.toFrame(picture, parseRotation(matrix), allocate);
    } finally {
      picture.free();
      context.freeContext();
    }
  }

  #openDecoder(codec: ImageCodec): CodecContext {
    const decoder = this.#ffmpeg.Codec.findDecoderByName(codec as Parameters<Ffmpeg["Codec"]["findDecoderByName"]>[0]);
    if (decoder === null) throw new Error(`this FFmpeg has no decoder ${codec}`);
    const context = new this.#ffmpeg.CodecContext();
    context.allocContext3(decoder);
    context.threadCount = 1;
    this.#check(context.open2Sync(decoder, null));
    return context;
  }

  #receive(context: CodecContext, bytes: Buffer, picture: Picture): void {
    const packet = new this.#ffmpeg.Packet();
    packet.alloc();
    packet.data = bytes;
    try {
      this.#check(context.sendPacketSync(packet));
      this.#check(context.sendPacketSync(null));
      this.#check(context.receiveFrameSync(picture));
      if (picture.decodeErrorFlags !== 0) throw new Error("parts of it are broken");
    } finally {
      packet.free();
    }
  }

  #check(result: number): void {
    if (result < 0) throw new Error(ffmpegText(this.#ffmpeg, result));
  }
}
