/** A store that another process owns, over its Unix socket. */
import { connect, type Socket } from "node:net";
import type { Kind, Kinds, NewResource } from "../../api/kinds.js";
import { OperatorError } from "../../base/errors.js";
import { readLines } from "../../base/lines.js";
import type { ListOptions, ObjectKey, Store, Unwatch, WatchEvent } from "../store.js";
import { fromWireError, type Method, type Reply } from "./protocol.js";

interface Pending {
  readonly accept: (result: unknown) => void;
  readonly refuse: (error: Error) => void;
}

/** The same contract as the embedded store. When the owner goes away, calls fail with STORE_UNREACHABLE and watches fall silent. */
export class SocketStore implements Store {
  readonly #socket: Socket;
  readonly #path: string;
  readonly #pending = new Map<number, Pending>();
  readonly #watches = new Map<number, (event: WatchEvent) => void>();
  #last = 0;
  #open = true;

  private constructor(socket: Socket, path: string) {
    this.#socket = socket;
    this.#path = path;
    readLines(socket, (line) => this.#receive(JSON.parse(line) as Reply));
    socket.on("close", () => this.#lose());
    socket.on("error", () => socket.destroy()); // "close" follows and says so to everybody who waits.
  }

  /** @throws OperatorError STORE_UNREACHABLE if nobody serves the path. */
  static connect(path: string): Promise<SocketStore> {
    return new Promise((resolve, reject) => {
      const socket = connect(path);
      const refuse = (cause: Error) => reject(new OperatorError("STORE_UNREACHABLE", { path }, { cause }));
      socket.once("error", refuse);
      socket.once("connect", () => {
        socket.off("error", refuse);
        resolve(new SocketStore(socket, path));
      });
    });
  }

  async get<K extends Kind>(key: ObjectKey<K>): Promise<Kinds[K] | undefined> {
    return ((await this.#call("get", key)) ?? undefined) as Kinds[K] | undefined;
  }

  async list<K extends Kind>(kind: K, options: ListOptions = {}): Promise<Kinds[K][]> {
    return (await this.#call("list", kind, options)) as Kinds[K][];
  }

  async create<K extends Kind>(object: NewResource<K>): Promise<Kinds[K]> {
    return (await this.#call("create", object)) as Kinds[K];
  }

  async update<K extends Kind>(object: Kinds[K]): Promise<Kinds[K]> {
    return (await this.#call("update", object)) as Kinds[K];
  }

  async updateStatus<K extends Kind>(object: Kinds[K]): Promise<Kinds[K]> {
    return (await this.#call("updateStatus", object)) as Kinds[K];
  }

  async delete(key: ObjectKey, options: { readonly uid?: string } = {}): Promise<void> {
    await this.#call("delete", key, options);
  }

  watch<K extends Kind>(
    kind: K,
    onEvent: (event: WatchEvent<K>) => void,
    options: ListOptions & { readonly fromVersion?: string } = {},
  ): Unwatch {
    this.#check("watch");
    const id = this.#nextId();
    this.#watches.set(id, onEvent as (event: WatchEvent) => void);
    this.#socket.write(`${JSON.stringify({ id, method: "watch", args: [kind, options] })}\n`);
    return () => {
      if (!this.#watches.delete(id) || !this.#open) return;
      this.#socket.write(`${JSON.stringify({ id: this.#nextId(), method: "unwatch", watch: id })}\n`);
    };
  }

  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    this.#watches.clear();
    await new Promise<void>((resolve) => {
      this.#socket.once("close", () => resolve());
      this.#socket.destroy();
    });
  }

  #call(method: Method, ...args: readonly unknown[]): Promise<unknown> {
    return new Promise((accept, refuse) => {
      this.#check(method);
      const id = this.#nextId();
      this.#pending.set(id, { accept, refuse });
      this.#socket.write(`${JSON.stringify({ id, method, args })}\n`);
    });
  }

  #receive(reply: Reply): void {
    if ("watch" in reply) return this.#watches.get(reply.watch)?.(reply.event as WatchEvent);
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

  #nextId(): number {
    this.#last += 1;
    return this.#last;
  }
}
