import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from "node:fs";
import type { Packet } from "node-av/lib";
import type { Ffmpeg } from "./ffmpeg.js";
import { type EncoderOptions, FrameEncoder } from "./frame-encoder.js";
import { PacketFile, type StoredPacket } from "./packet-file.js";
import { containerOf, VideoMuxer } from "./video-muxer.js";

/** How far a video counts; what a writer that comes after needs to go on. */
export interface VideoProgress {
  readonly options: EncoderOptions;
  /** Frames whose packets are all in the file, and the size of the file up to their last packet. */
  readonly frames: number;
  readonly sizeBytes: number;
}

/**
 * A video that can be gone on with after a death: packets are appended to `<path>.part`; {@link finish} puts them into the
 * container, without encoding anything again.
 *
 * A frame is safe when its packet and those of all frames before it are in the file, and none of a later frame: there the file can
 * be cut. Where the encoder keeps too many frames for that, it is emptied and the next frame is a keyframe.
 */
export class ResumableVideo {
  readonly options: EncoderOptions;
  readonly #ffmpeg: Ffmpeg;
  readonly #path: string;
  readonly #file: PacketFile;
  readonly #mostUnsafe: number;
  #encoder: FrameEncoder | undefined;
  #frames: number;
  /** Packets in the file, and the highest number of a frame among them plus one. */
  #packets: number;
  #reach: number;
  #safe: VideoProgress;

  /**
   * @param mostUnsafe frames that may be unsafe after a call of {@link write}.
   * @throws OperatorError VIDEO_OUTPUT_UNWRITABLE, Error of the file system.
   */
  constructor(ffmpeg: Ffmpeg, path: string, progress: VideoProgress, mostUnsafe: number) {
    this.#ffmpeg = ffmpeg;
    this.#path = path;
    this.#mostUnsafe = mostUnsafe;
    this.options = progress.options;
    this.#safe = progress;
    this.#frames = progress.frames;
    this.#packets = progress.frames;
    this.#reach = progress.frames;
    this.#file = new PacketFile(partPath(path), progress.sizeBytes);
  }

  /** Frames written, those of earlier writers included. */
  get frames(): number {
    return this.#frames;
  }

  get safe(): VideoProgress {
    return this.#safe;
  }

  /** @param pixels RGB, height x width x 3 of the options; only read during the call. */
  write(pixels: Uint8Array): void {
    this.#encoder ??= new FrameEncoder(this.#ffmpeg, this.#path, this.#container, this.options, this.#frames);
    this.#encoder.write(pixels, this.#append);
    this.#frames += 1;
    if (this.#frames - this.#safe.frames > this.#mostUnsafe) this.makeSafe();
  }

  /** Makes all frames safe. */
  makeSafe(): void {
    const encoder = this.#encoder;
    if (encoder === undefined) return;
    this.#encoder = undefined;
    encoder.finish(this.#append);
    encoder.close();
  }

  readonly #append = (packet: Packet): void => {
    this.#file.append(packet);
    this.#packets += 1;
    this.#reach = Math.max(this.#reach, Number(packet.pts) + 1);
    if (this.#packets === this.#reach) this.#safe = { options: this.options, frames: this.#packets, sizeBytes: this.#file.sizeBytes };
  };

  /** Gives the video its name and closes everything. @param keepsPart whether somebody may still go on with it. */
  finish(keepsPart: boolean): void {
    this.makeSafe();
    if (this.#frames > 0) this.#join();
    this.#file.close();
    if (!keepsPart) rmSync(partPath(this.#path), { force: true });
  }

  #join(): void {
    const whole = `${partPath(this.#path)}-whole`;
    const encoder = new FrameEncoder(this.#ffmpeg, this.#path, this.#container, this.options);
    const muxer = new VideoMuxer(this.#ffmpeg, whole, this.#container, encoder.codec, this.options.codec === "h265");
    const packet = new this.#ffmpeg.Packet();
    packet.alloc();
    for (const stored of this.#file.packets()) {
      fillPacket(packet, stored);
      muxer.write(packet);
      packet.unref();
    }
    muxer.finish();
    packet.free();
    encoder.close();
    syncFile(whole);
    renameSync(whole, this.#path);
  }

  get #container(): string {
    return containerOf(this.#path) ?? "mp4";
  }
}

/** Where the packets of a video wait for their container. */
export function partPath(path: string): string {
  return `${path}.part`;
}

/** Whether an earlier writer got as far as to give the video its name. */
export function isFinished(path: string): boolean {
  return !existsSync(partPath(path)) && existsSync(path);
}

function fillPacket(packet: Packet, { data, isKeyframe, pts, dts }: StoredPacket): void {
  packet.data = data;
  packet.pts = pts;
  packet.dts = dts;
  packet.isKeyframe = isKeyframe;
}

function syncFile(path: string): void {
  const file = openSync(path, "r");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
