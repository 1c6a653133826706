import { availableParallelism } from "node:os";
import type { CodecContext, FormatContext, Packet, Frame as Picture, Stream } from "node-av/lib";
import type { Frame } from "../../base/tensor.js";
import { type Ffmpeg, ffmpegText } from "./ffmpeg.js";
import { toRate } from "./rational.js";
import { type AllocateFrame, RgbConverter } from "./rgb-converter.js";
import { parseRotation, type Rotation } from "./rotation.js";

/** More threads than this cost memory and give a single stream little. */
const MAX_THREADS = 4;

/** The video stream of an open input and its decoder: packets in, pictures out. */
export class StreamDecoder {
  readonly stream: Stream;
  /** The last picture received. */
  readonly picture: Picture;
  /** Frames per second; undefined if neither container nor codec says. */
  readonly fps: number | undefined;
  readonly #ffmpeg: Ffmpeg;
  readonly #codec: CodecContext;
  readonly #converter: RgbConverter;
  readonly #rotation: Rotation;

  /** @throws Error with a reason if there is no video or no decoder for it. */
  constructor(ffmpeg: Ffmpeg, input: FormatContext, threads = Math.min(MAX_THREADS, availableParallelism())) {
    this.#ffmpeg = ffmpeg;
    this.stream = findVideo(ffmpeg, input);
    this.fps = toRate(this.stream.avgFrameRate) ?? toRate(this.stream.rFrameRate);
    this.#codec = openDecoder(ffmpeg, this.stream, threads);
    this.#rotation = parseRotation(this.stream.codecpar.getCodedSideData(ffmpeg.AV_PKT_DATA_DISPLAYMATRIX));
    this.#converter = new RgbConverter(ffmpeg);
    this.picture = new ffmpeg.Frame();
    this.picture.alloc();
  }

  /** Whether a packet belongs to the video. */
  accepts(packet: Packet): boolean {
    return packet.streamIndex === this.stream.index;
  }

  /** Hands a packet, or null for the end. @returns a negative number on failure. */
  send(packet: Packet | null): number {
    return this.#codec.sendPacketSync(packet);
  }

  /** Puts the next picture into {@link picture}. @returns a negative number if there is none now. */
  receive(): number {
    return this.#codec.receiveFrameSync(this.picture);
  }

  /** Whether the decoder had to invent parts of the last picture. */
  get isCorrupt(): boolean {
    return this.picture.decodeErrorFlags !== 0 || (this.picture.flags & this.#ffmpeg.AV_FRAME_FLAG_CORRUPT) !== 0;
  }

  /** Seconds from the start of the video to the last picture; undefined without timestamps. */
  get seconds(): number | undefined {
    const { bestEffortTimestamp } = this.picture;
    if (bestEffortTimestamp === this.#ffmpeg.AV_NOPTS_VALUE) return undefined;
    const { startTime, timeBase } = this.stream;
    const origin = startTime === this.#ffmpeg.AV_NOPTS_VALUE ? 0n : startTime;
    return (Number(bestEffortTimestamp - origin) * timeBase.num) / timeBase.den;
  }

  /** The last picture as RGB, upright, in memory of `allocate`. */
  toFrame(allocate: AllocateFrame): Frame {
    return this.#converter.toFrame(this.picture, this.#rotation, allocate);
  }

  close(): void {
    this.#converter.close();
    this.picture.free();
    this.#codec.freeContext();
  }
}

function findVideo(ffmpeg: Ffmpeg, input: FormatContext): Stream {
  const index = input.findBestStream(ffmpeg.AVMEDIA_TYPE_VIDEO);
  const stream = index < 0 ? undefined : input.streams[index];
  if (stream === undefined) throw new Error("it has no video stream");
  return stream;
}

function openDecoder(ffmpeg: Ffmpeg, stream: Stream, threads: number): CodecContext {
  const codec = ffmpeg.Codec.findDecoder(stream.codecpar.codecId);
  if (codec === null) throw new Error(`there is no decoder for ${ffmpeg.avGetCodecName(stream.codecpar.codecId)}`);
  const context = new ffmpeg.CodecContext();
  context.allocContext3(codec);
  context.parametersToContext(stream.codecpar);
  context.pktTimebase = stream.timeBase;
  context.threadCount = threads;
  const result = context.open2Sync(codec, null);
  if (result < 0) throw new Error(`the decoder does not open: ${ffmpegText(ffmpeg, result)}`);
  return context;
}
