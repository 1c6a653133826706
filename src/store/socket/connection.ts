/**
 * One client of the agent: reads its requests, answers them, and never holds more than a bounded amount for it. A client
 * that does not read is not read from; its watches skip what is in between.
 */
import { once } from "node:events";
import type { Socket } from "node:net";
import type { Kind } from "../../api/kinds.js";
import { OperatorError } from "../../base/errors.js";
import { LineTooLongError, linesOf } from "../../base/lines.js";
import type { AgentServices } from "../agent-services.js";
import type { ListOptions, Store, Unwatch, WatchEvent } from "../store.js";
import { parseRequest, type Reply, type Request, type StoreMethod, toWireError } from "./protocol.js";
import { WatchBuffer } from "./watch-buffer.js";

/** Characters of one request: an object of the largest size with what stands around it. */
export const MAX_REQUEST_LENGTH = 4 * 1024 * 1024;
/** Bytes that wait for a client to read them; beyond, nothing more is begun for it. */
const HIGH_WATER_BYTES = 1024 * 1024;
/** Requests of one client that are worked on at once. */
const MAX_IN_FLIGHT = 8;
/** Watches and streams of one client. */
const MAX_WATCHES = 64;

/** What clients may ask. */
export interface Served {
  readonly store: Store;
  readonly services?: AgentServices;
}

/** Something that goes on until it is ended. */
interface Ongoing {
  end(): void;
  /** Sends what waits, as far as the client reads. */
  pump(): void;
}

export class Connection {
  readonly #served: Served;
  readonly #socket: Socket;
  readonly #ongoing = new Map<number, Ongoing>();
  #inFlight = 0;
  #onFreed: () => void = () => {};

  constructor(served: Served, socket: Socket) {
    this.#served = served;
    this.#socket = socket;
    socket.on("error", () => socket.destroy()); // A client that died; "close" follows.
    socket.on("close", () => this.#close());
    socket.on("drain", () => this.#drained());
    void this.#serve();
  }

  async #serve(): Promise<void> {
    try {
      for await (const line of linesOf(this.#socket, MAX_REQUEST_LENGTH)) {
        await this.#room();
        void this.#handle(line);
      }
    } catch (error) {
      if (error instanceof LineTooLongError) this.#send({ id: 0, error: toWireError(tooLong()) });
    }
    this.#socket.destroySoon();
  }

  /** Waits until another request may be begun. */
  async #room(): Promise<void> {
    while (!this.#socket.destroyed && (this.#inFlight >= MAX_IN_FLIGHT || this.#isFull())) {
      await new Promise<void>((resolve) => {
        this.#onFreed = resolve;
      });
    }
  }

  #isFull(): boolean {
    return this.#socket.writableLength > HIGH_WATER_BYTES;
  }

  async #handle(line: string): Promise<void> {
    let id = 0;
    this.#inFlight += 1;
    try {
      const request = parseRequest(line);
      id = request.id;
      const result = await this.#answer(request);
      if (result !== NOT_YET) this.#send({ id, result });
    } catch (error) {
      this.#send({ id, error: toWireError(error) });
    } finally {
      this.#inFlight -= 1;
      this.#onFreed();
    }
  }

  async #answer(request: Request): Promise<unknown> {
    switch (request.method) {
      case "unwatch":
        this.#ongoing.get(request.watch)?.end();
        this.#ongoing.delete(request.watch);
        return null;
      case "watch":
        this.#watch(request.id, request.args);
        return null;
      case "call":
        return (await this.#service(request.service)(...request.args)) ?? null;
      case "stream":
        this.#stream(request.id, this.#service(request.service)(...request.args) as AsyncIterable<unknown>);
        return NOT_YET;
      default:
        return this.#store(request.method, request.args);
    }
  }

  async #store(name: StoreMethod, args: readonly unknown[]): Promise<unknown> {
    const method = this.#served.store[name] as (...args: unknown[]) => Promise<unknown>;
    return (await method.apply(this.#served.store, [...args])) ?? null;
  }

  #service(name: string): (...args: readonly unknown[]) => unknown {
    const { services } = this.#served;
    if (services === undefined) throw new OperatorError("REQUEST_INVALID", { problem: "this socket has objects only" });
    const method = services[name as keyof AgentServices] as (...args: readonly unknown[]) => unknown;
    return method.bind(services);
  }

  #watch(id: number, [kind, options]: readonly unknown[]): void {
    this.#refuseTooMany(id);
    const buffer = new WatchBuffer();
    const pump = () => {
      while (buffer.size > 0 && !this.#isFull()) for (const event of buffer.take()) this.#send({ watch: id, event });
    };
    const unwatch = watchFrom(this.#served.store, kind as Kind, (options ?? {}) as ListOptions, (event) => {
      buffer.offer(event);
      pump();
    });
    this.#ongoing.set(id, { end: unwatch, pump });
  }

  #stream(id: number, items: AsyncIterable<unknown>): void {
    this.#refuseTooMany(id);
    const iterator = items[Symbol.asyncIterator]();
    const stop = new AbortController();
    this.#ongoing.set(id, {
      end: () => {
        stop.abort();
        void iterator.return?.().catch(() => {});
      },
      pump: () => {},
    });
    void this.#copy(id, iterator, stop.signal);
  }

  async #copy(id: number, iterator: AsyncIterator<unknown>, signal: AbortSignal): Promise<void> {
    try {
      for (;;) {
        const { done, value } = await iterator.next();
        if (done === true || signal.aborted) break;
        this.#send({ stream: id, item: value });
        while (this.#isFull()) await once(this.#socket, "drain", { signal });
      }
      this.#send({ id, result: null });
    } catch (error) {
      if (!signal.aborted) this.#send({ id, error: toWireError(error) });
    } finally {
      this.#ongoing.delete(id);
      void iterator.return?.().catch(() => {}); // Its own end may fail; nobody waits for it.
    }
  }

  #refuseTooMany(id: number): void {
    if (this.#ongoing.has(id)) throw new OperatorError("REQUEST_INVALID", { problem: `id ${id} is taken` });
    if (this.#ongoing.size >= MAX_WATCHES) throw new OperatorError("REQUEST_INVALID", { problem: `more than ${MAX_WATCHES} watches` });
  }

  #send(reply: Reply): void {
    if (!this.#socket.destroyed) this.#socket.write(`${JSON.stringify(reply)}\n`);
  }

  #drained(): void {
    for (const { pump } of this.#ongoing.values()) pump();
    this.#onFreed();
  }

  #close(): void {
    for (const { end } of this.#ongoing.values()) end();
    this.#ongoing.clear();
    this.#onFreed();
  }
}

/** The answer comes when the stream ends. */
const NOT_YET = Symbol("not yet");

function tooLong(): OperatorError {
  return new OperatorError("REQUEST_INVALID", { problem: `it is longer than ${MAX_REQUEST_LENGTH} characters` });
}

/** A client cannot be told at once that its version is too old: it sees the present state instead, as after any gap. */
function watchFrom(
  store: Store,
  kind: Kind,
  options: ListOptions & { fromVersion?: string },
  onEvent: (event: WatchEvent) => void,
): Unwatch {
  try {
    return store.watch(kind, onEvent, options);
  } catch (error) {
    if (!(error instanceof OperatorError) || error.code !== "STORE_TOO_OLD") throw error;
    const { fromVersion: _tooOld, ...rest } = options;
    return store.watch(kind, onEvent, rest);
  }
}
