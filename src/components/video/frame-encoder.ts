import type { FFEncoderCodec } from "node-av/constants";
import type { CodecContext, Packet, Frame as Picture } from "node-av/lib";
import { OperatorError } from "../../base/errors.js";
import { type Ffmpeg, ffmpegText } from "./ffmpeg.js";
import { toFraction } from "./rational.js";
import { RgbConverter } from "./rgb-converter.js";

export interface EncoderOptions {
  /** Frames per second. */
  readonly fps: number;
  readonly height: number;
  readonly width: number;
  readonly codec?: "h264" | "h265";
  /** Constant rate factor, 0 (lossless) to 51. */
  readonly quality?: number;
  readonly preset?: string;
  readonly threads?: number;
}

const ENCODERS = { h264: "libx264", h265: "libx265" } as const;
const DEFAULT_QUALITY = 23;
const DEFAULT_PRESET = "superfast";
/** Containers whose pictures say by themselves how they are coded. */
const WITHOUT_HEADER: ReadonlySet<string> = new Set(["avi", "mpegts"]);

/**
 * Encodes RGB frames of one size at a constant rate: yuv420p, BT.709, limited range; packets come in decoding order.
 *
 * Height and width are made even, as the pixel format wants, by repeating the last row and column.
 * All calls are synchronous; the encoder's own threads work between them.
 */
export class FrameEncoder {
  readonly codec: CodecContext;
  readonly #ffmpeg: Ffmpeg;
  readonly #path: string;
  readonly #options: EncoderOptions;
  readonly #packet: Packet;
  readonly #picture: Picture;
  readonly #converter: RgbConverter;
  readonly #padded: Uint8Array | undefined;
  #next: number;

  /**
   * @param path      the file that the packets are for; named in errors.
   * @param container FFmpeg's name of its format.
   * @param first     number of the first frame: packets carry the numbers of their frames as times.
   * @throws OperatorError VIDEO_OUTPUT_UNWRITABLE.
   */
  constructor(ffmpeg: Ffmpeg, path: string, container: string, options: EncoderOptions, first = 0) {
    this.#ffmpeg = ffmpeg;
    this.#path = path;
    this.#options = options;
    this.#next = first;
    this.codec = this.#openCodec(container);
    this.#packet = new ffmpeg.Packet();
    this.#packet.alloc();
    this.#picture = new ffmpeg.Frame();
    this.#picture.alloc();
    this.#converter = new RgbConverter(ffmpeg);
    const isOdd = this.codec.width !== options.width || this.codec.height !== options.height;
    this.#padded = isOdd ? new Uint8Array(this.codec.width * this.codec.height * 3) : undefined;
  }

  /** Number of the next frame. */
  get next(): number {
    return this.#next;
  }

  /** @param pixels RGB, height x width x 3 of the options; only read during the call. @param sink gets each packet that is done. */
  write(pixels: Uint8Array, sink: (packet: Packet) => void): void {
    const { height, width } = this.#options;
    if (this.#padded !== undefined) padRgb(pixels, height, width, this.#padded, this.codec.width);
    this.#shapePicture();
    this.#converter.fromRgb(this.#padded ?? pixels, this.#picture);
    this.#picture.pts = BigInt(this.#next);
    this.#check(this.codec.sendFrameSync(this.#picture));
    this.#picture.unref();
    this.#next += 1;
    this.#receive(sink);
  }

  /** Gives the packets that the encoder still holds. Nothing can be written afterwards. */
  finish(sink: (packet: Packet) => void): void {
    this.#check(this.codec.sendFrameSync(null));
    this.#receive(sink);
  }

  close(): void {
    this.#converter.close();
    this.#picture.free();
    this.#packet.free();
    this.codec.freeContext();
  }

  /** Options go by name: a dictionary handed to node-av's open call would be freed twice. */
  #openCodec(container: string): CodecContext {
    const { codec = "h264", quality = DEFAULT_QUALITY, preset = DEFAULT_PRESET, threads } = this.#options;
    const encoder = this.#ffmpeg.Codec.findEncoderByName(ENCODERS[codec] as FFEncoderCodec);
    if (encoder === null) throw this.#unwritable(`this FFmpeg has no encoder ${ENCODERS[codec]}`);
    const context = new this.#ffmpeg.CodecContext();
    context.allocContext3(encoder);
    this.#describe(context);
    if (container === "avi") context.maxBFrames = 0;
    if (threads !== undefined) context.threadCount = threads;
    this.#check(context.setOption("preset", preset));
    this.#check(context.setOption("crf", String(quality)));
    if (codec === "h265") context.setOption("x265-params", "log-level=none");
    if (!WITHOUT_HEADER.has(container)) context.setFlags(this.#ffmpeg.AV_CODEC_FLAG_GLOBAL_HEADER);
    this.#check(context.open2Sync(encoder, null));
    return context;
  }

  #describe(context: CodecContext): void {
    const { fps, height, width } = this.#options;
    const { num, den } = toFraction(fps);
    context.width = width + (width % 2);
    context.height = height + (height % 2);
    context.pixelFormat = this.#ffmpeg.AV_PIX_FMT_YUV420P;
    context.timeBase = new this.#ffmpeg.Rational(den, num);
    context.framerate = new this.#ffmpeg.Rational(num, den);
    context.colorSpace = this.#ffmpeg.AVCOL_SPC_BT709;
    context.colorPrimaries = this.#ffmpeg.AVCOL_PRI_BT709;
    context.colorTrc = this.#ffmpeg.AVCOL_TRC_BT709;
    context.colorRange = this.#ffmpeg.AVCOL_RANGE_MPEG;
  }

  #shapePicture(): void {
    this.#picture.width = this.codec.width;
    this.#picture.height = this.codec.height;
    this.#picture.format = this.codec.pixelFormat;
    this.#picture.colorSpace = this.codec.colorSpace;
    this.#picture.colorPrimaries = this.codec.colorPrimaries;
    this.#picture.colorTrc = this.codec.colorTrc;
    this.#picture.colorRange = this.codec.colorRange;
    this.#check(this.#picture.getBuffer(0));
  }

  #receive(sink: (packet: Packet) => void): void {
    while (this.codec.receivePacketSync(this.#packet) >= 0) {
      sink(this.#packet);
      this.#packet.unref();
    }
  }

  #check(result: number): void {
    if (result < 0) throw this.#unwritable(ffmpegText(this.#ffmpeg, result));
  }

  #unwritable(reason: string): OperatorError {
    return new OperatorError("VIDEO_OUTPUT_UNWRITABLE", { path: this.#path, reason });
  }
}

/** Copies an RGB picture into one that may be a pixel wider and higher, repeating the last column and row. */
export function padRgb(pixels: Uint8Array, height: number, width: number, target: Uint8Array, targetWidth: number): void {
  const [row, targetRow] = [width * 3, targetWidth * 3];
  for (let y = 0; y < height; y++) {
    const to = y * targetRow;
    target.set(pixels.subarray(y * row, (y + 1) * row), to);
    if (targetRow > row) target.copyWithin(to + row, to + row - 3, to + row);
  }
  const end = height * targetRow;
  if (target.length > end) target.copyWithin(end, end - targetRow, end);
}
