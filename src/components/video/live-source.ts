import type { FormatContext, InputFormat, Packet } from "node-av/lib";
import type { Frame } from "../../base/tensor.js";
import { type Ffmpeg, ffmpegText } from "./ffmpeg.js";
import type { AllocateFrame } from "./rgb-converter.js";
import { StreamDecoder } from "./stream-decoder.js";

export interface LiveSourceOptions {
  /** Address or device file. */
  readonly url: string;
  /** FFmpeg's name of the input format; absent: found out. */
  readonly format?: string;
  /** Options of demuxer and protocol. */
  readonly options?: Readonly<Record<string, string>>;
  /** Silence after which the connection counts as lost. */
  readonly timeoutMs: number;
}

/** Live decoding wants each picture at once; frame threads would hold some back. */
const LIVE_THREADS = 1;

/**
 * One connection to a live source. Waits without blocking the event loop; {@link interrupt} ends a wait at once.
 * Broken pictures are left out: the next whole one is worth more.
 */
export class LiveSource {
  readonly #ffmpeg: Ffmpeg;
  readonly #options: LiveSourceOptions;
  readonly #input: FormatContext;
  #decoder: StreamDecoder | undefined;
  #packet: Packet | undefined;
  #isOpen = false;
  #isInterrupted = false;
  #isSilent = false;
  #busy: Promise<unknown> = Promise.resolve();

  constructor(ffmpeg: Ffmpeg, options: LiveSourceOptions) {
    this.#ffmpeg = ffmpeg;
    this.#options = options;
    this.#input = new ffmpeg.FormatContext();
    this.#input.allocContext(); // Without it a connection that is being opened cannot be interrupted.
  }

  /** Frames per second, if the source says. */
  get fps(): number | undefined {
    return this.#decoder?.fps;
  }

  /** @throws Error with a reason; nothing of the address is in it. */
  async open(): Promise<void> {
    const { Dictionary } = this.#ffmpeg;
    const options = Dictionary.fromObject({ ...this.#options.options });
    this.#check(await this.#wait(() => this.#input.openInput(this.#options.url, this.#findFormat(), options)));
    this.#isOpen = true;
    this.#check(await this.#wait(() => this.#input.findStreamInfo(null)));
    this.#decoder = new StreamDecoder(this.#ffmpeg, this.#input, LIVE_THREADS);
    this.#packet = new this.#ffmpeg.Packet();
    this.#packet.alloc();
  }

  /** @returns true when the next frame is there, false at the end of the stream. @throws Error with a reason. */
  async read(): Promise<boolean> {
    const { decoder, packet } = this.#opened;
    for (;;) {
      if (decoder.receive() >= 0) {
        if (!decoder.isCorrupt) return true;
        continue;
      }
      const result = await this.#wait(() => this.#input.readFrame(packet));
      if (result === this.#ffmpeg.AVERROR_EOF && !this.#isSilent) return false;
      this.#check(result);
      if (decoder.accepts(packet)) decoder.send(packet);
      packet.unref();
    }
  }

  /** The frame that {@link read} found, as RGB in memory of `allocate`. */
  toFrame(allocate: AllocateFrame): Frame {
    return this.#opened.decoder.toFrame(allocate);
  }

  /** Ends the wait of {@link open} or {@link read} at once, with an error there. */
  interrupt(): void {
    this.#isInterrupted = true;
    this.#input.interrupt();
  }

  /** Interrupts, waits until nothing is under way, and frees everything. */
  async close(): Promise<void> {
    this.interrupt();
    await this.#busy;
    this.#packet?.free();
    this.#decoder?.close();
    if (this.#isOpen) await this.#input.closeInput();
    this.#isOpen = false;
  }

  /** Runs one call that may block in a thread; interrupts it after the time-out. */
  async #wait(call: () => Promise<number>): Promise<number> {
    if (this.#isInterrupted) throw new Error("interrupted");
    const timer = setTimeout(() => {
      this.#isSilent = true;
      this.#input.interrupt();
    }, this.#options.timeoutMs);
    try {
      const running = call();
      this.#busy = running.catch(() => undefined);
      const result = await running;
      if (this.#isInterrupted) throw new Error("interrupted");
      return result;
    } finally {
      clearTimeout(timer);
    }
  }

  #findFormat(): InputFormat | null {
    const { format } = this.#options;
    if (format === undefined) return null;
    const found = this.#ffmpeg.InputFormat.findInputFormat(format);
    if (found === null) throw new Error(`this FFmpeg cannot read ${format}`);
    return found;
  }

  #check(result: number): void {
    if (this.#isSilent) throw new Error(`nothing came for ${this.#options.timeoutMs / 1_000} s`);
    if (result < 0) throw new Error(ffmpegText(this.#ffmpeg, result));
  }

  get #opened(): { readonly decoder: StreamDecoder; readonly packet: Packet } {
    if (this.#decoder === undefined || this.#packet === undefined) throw new TypeError("read() before open()");
    return { decoder: this.#decoder, packet: this.#packet };
  }
}
