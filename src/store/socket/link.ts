/** The client's end of a socket: requests with their answers, watches, streams. Knows the protocol; must not know what is asked. */
import { connect, type Socket } from "node:net";
import { OperatorError } from "../../base/errors.js";
import { readLines } from "../../base/lines.js";
import type { Unwatch } from "../store.js";
import { fromWireError, type Reply, type Request } from "./protocol.js";

interface Pending {
  readonly accept: (result: unknown) => void;
  readonly refuse: (error: Error) => void;
}

type Body = Request extends infer R ? (R extends Request ? Omit<R, "id"> : never) : never;

/** Items of a stream that wait for their reader; beyond, nothing more is read from the socket. */
const MAX_WAITING_ITEMS = 256;

export class Link {
  /** Resolves when the other side is gone or this one was closed. */
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #path: string;
  readonly #pending = new Map<number, Pending>();
  readonly #watches = new Map<number, (item: unknown) => void>();
  #last = 0;
  #open = true;

  private constructor(socket: Socket, path: string) {
    this.#socket = socket;
    this.#path = path;
    readLines(socket, (line) => this.#receive(JSON.parse(line) as Reply));
    socket.on("error", () => socket.destroy()); // "close" follows and says so to everybody who waits.
    this.closed = new Promise((resolve) => {
      socket.on("close", () => {
        this.#lose();
        resolve();
      });
    });
  }

  /** @throws OperatorError STORE_UNREACHABLE if nobody serves the path. */
  static connect(path: string): Promise<Link> {
    return new Promise((resolve, reject) => {
      const socket = connect(path);
      const refuse = (cause: Error) => reject(new OperatorError("STORE_UNREACHABLE", { path }, { cause }));
      socket.once("error", refuse);
      socket.once("connect", () => {
        socket.off("error", refuse);
        resolve(new Link(socket, path));
      });
    });
  }

  /** @throws OperatorError as the other side did; STORE_UNREACHABLE, STORE_CLOSED. */
  request(body: Body): Promise<unknown> {
    return new Promise((accept, refuse) => {
      this.#check(body.method);
      this.#write(this.#begin({ accept, refuse }), body);
    });
  }

  watch(args: readonly unknown[], onEvent: (event: unknown) => void): Unwatch {
    this.#check("watch");
    const id = this.#begin({ accept: () => {}, refuse: () => {} });
    this.#watches.set(id, onEvent);
    this.#write(id, { method: "watch", args });
    return () => this.#end(id);
  }

  /** The items of a stream, until it ends or the reader stops. */
  async *stream(service: string, args: readonly unknown[]): AsyncGenerator<unknown> {
    this.#check(service);
    const items: unknown[] = [];
    let over: Error | true | undefined;
    let wake = () => {};
    const end = (how: Error | true) => {
      over = how;
      wake();
    };
    const id = this.#begin({ accept: () => end(true), refuse: end });
    this.#watches.set(id, (item) => {
      items.push(item);
      if (items.length > MAX_WAITING_ITEMS) this.#socket.pause();
      wake();
    });
    this.#write(id, { method: "stream", service, args });
    try {
      for (;;) {
        while (items.length > 0) yield items.shift();
        this.#socket.resume();
        if (over instanceof Error) throw over;
        if (over !== undefined && items.length === 0) return;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    } finally {
      this.#pending.delete(id);
      this.#socket.resume();
      this.#end(id);
    }
  }

  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    this.#watches.clear();
    this.#socket.destroy();
    await this.closed;
  }

  #begin(pending: Pending): number {
    this.#last += 1;
    this.#pending.set(this.#last, pending);
    return this.#last;
  }

  #write(id: number, body: Body): void {
    this.#socket.write(`${JSON.stringify({ id, ...body })}\n`);
  }

  #end(id: number): void {
    if (!this.#watches.delete(id) || !this.#open || this.#socket.destroyed) return;
    this.#write(this.#begin({ accept: () => {}, refuse: () => {} }), { method: "unwatch", watch: id });
  }

  #receive(reply: Reply): void {
    if ("watch" in reply) return this.#watches.get(reply.watch)?.(reply.event);
    if ("stream" in reply) return this.#watches.get(reply.stream)?.(reply.item);
    const pending = this.#pending.get(reply.id);
    this.#pending.delete(reply.id);
    if ("error" in reply) pending?.refuse(fromWireError(reply.error));
    else pending?.accept(reply.result);
  }

  #lose(): void {
    for (const { refuse } of this.#pending.values()) refuse(new OperatorError("STORE_UNREACHABLE", { path: this.#path }));
    this.#pending.clear();
  }

  #check(operation: string): void {
    if (!this.#open) throw new OperatorError("STORE_CLOSED", { operation });
    if (this.#socket.destroyed) throw new OperatorError("STORE_UNREACHABLE", { path: this.#path });
  }
}
