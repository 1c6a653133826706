import { setTimeout as sleep } from "node:timers/promises";
import { REAL_CLOCK } from "../../base/clock.js";
import { errorText, OperatorError } from "../../base/errors.js";
import { maskCredentials } from "../../base/mask.js";
import type { Frame } from "../../base/tensor.js";
import { END, type End, Message, type NodeContext, type NodeOptions, ProducerNode } from "../../flow/node.js";
import { Backoff } from "./backoff.js";
import { VIDEO_DESCRIPTORS } from "./descriptors.js";
import { type Ffmpeg, loadFfmpeg } from "./ffmpeg.js";
import { FrameSelector } from "./frame-selector.js";
import { LiveSource } from "./live-source.js";
import { givenFps } from "./video-file-reader.js";

/** See the descriptions in the descriptor. */
export interface VideostreamReaderParams {
  readonly url: string;
  readonly fps?: number;
  readonly maxFrames?: number;
  readonly onEnd?: "reconnect" | "end";
  readonly timeoutSeconds?: number;
  readonly initialBackoffSeconds?: number;
  readonly maxBackoffSeconds?: number;
  readonly maxRetries?: number;
  readonly transport?: "tcp" | "udp";
  readonly options?: Readonly<Record<string, string>>;
}

const DEFAULTS = { timeoutSeconds: 10, initialBackoffSeconds: 0.5, maxBackoffSeconds: 30 } as const;

/**
 * Reads a live stream into frames: uint8 [height, width, 3], RGB, decoded straight into shared memory.
 *
 * Event time: when the frame arrived, epoch seconds. Metadata: `frameIndex` (frames of this task, from 0) and `fps`, if the
 * stream says it. A cut never ends the task: the reader connects again after a growing pause, for ever or `maxRetries` times
 * (then STREAM_LOST). `close()` ends a wait at once. Credentials of the address appear nowhere.
 */
export class VideostreamReader extends ProducerNode<Frame, VideostreamReaderParams> {
  static override readonly descriptor = VIDEO_DESCRIPTORS.VideostreamReader;
  readonly #backoff: Backoff;
  readonly #selector: FrameSelector;
  readonly #shownUrl: string;
  readonly #closing = new AbortController();
  #ffmpeg: Ffmpeg | undefined;
  #source: LiveSource | undefined;
  #frames = 0;

  constructor(params: VideostreamReaderParams, options: NodeOptions = {}) {
    super(params, options);
    const { initialBackoffSeconds: initialSeconds, maxBackoffSeconds: maxSeconds } = { ...DEFAULTS, ...params };
    this.#backoff = new Backoff({ initialSeconds, maxSeconds });
    this.#selector = new FrameSelector(params);
    this.#shownUrl = maskCredentials(params.url);
  }

  override async open(_context: NodeContext): Promise<void> {
    this.#ffmpeg = await loadFfmpeg();
  }

  async next(): Promise<Message<Frame> | End> {
    while (!this.#closing.signal.aborted && !this.#selector.isDone) {
      const message = await this.#attempt();
      if (message !== undefined) return message;
    }
    return END;
  }

  override async close(): Promise<void> {
    this.#closing.abort();
    await this.#disconnect();
  }

  /** @returns a message, the end, or undefined after a failure or a frame that was left out. */
  async #attempt(): Promise<Message<Frame> | End | undefined> {
    try {
      const source = this.#source ?? (await this.#connect());
      if (await source.read()) return this.#take(source);
    } catch (error) {
      return this.#lose(errorText(error));
    }
    return this.params.onEnd === "end" ? END : this.#lose("the stream ended");
  }

  async #connect(): Promise<LiveSource> {
    if (this.#ffmpeg === undefined) throw new TypeError(`node "${this.name}": next() before open()`);
    const source = new LiveSource(this.#ffmpeg, this.#sourceOptions());
    this.#source = source;
    await source.open();
    this.context.logger.info(`connected to ${this.#shownUrl}`);
    return source;
  }

  #sourceOptions(): { url: string; timeoutMs: number; options: Readonly<Record<string, string>> } {
    const { url, timeoutSeconds = DEFAULTS.timeoutSeconds, transport = "tcp", options = {} } = this.params;
    const ofRtsp = /^rtsps?:/i.test(url) ? { rtsp_transport: transport } : {};
    return { url, timeoutMs: timeoutSeconds * 1_000, options: { ...ofRtsp, ...options } };
  }

  #take(source: LiveSource): Message<Frame> | undefined {
    this.#backoff.reset();
    const eventTs = REAL_CLOCK.wallMs() / 1_000;
    const frameIndex = this.#frames;
    this.#frames += 1;
    if (this.#selector.choose(frameIndex, eventTs) !== "take") return undefined;
    const frame = source.toFrame((shape, dtype) => this.context.allocate(shape, dtype));
    const fps = givenFps(source.fps, this.params.fps);
    return new Message(frame, { eventTs, metadata: { frameIndex, ...(fps === undefined ? {} : { fps }) } });
  }

  /** Drops the connection and pauses before the next attempt. @throws OperatorError STREAM_LOST when the attempts are spent. */
  async #lose(text: string): Promise<undefined> {
    await this.#disconnect();
    if (this.#closing.signal.aborted) return undefined;
    const reason = maskCredentials(text);
    const pauseMs = this.#backoff.fail();
    const attempts = this.#backoff.failures;
    if (attempts > (this.params.maxRetries ?? Number.POSITIVE_INFINITY)) {
      throw new OperatorError("STREAM_LOST", { url: this.#shownUrl, attempts, reason });
    }
    this.context.logger.warn(`lost ${this.#shownUrl}: ${reason}; connecting again in ${pauseMs / 1_000} s`);
    await sleep(pauseMs, undefined, { signal: this.#closing.signal }).catch(() => undefined);
    return undefined;
  }

  async #disconnect(): Promise<void> {
    const source = this.#source;
    this.#source = undefined;
    await source?.close();
  }
}
