/**
 * Follows the objects of one kind: a list, then a watch that is renewed for ever. Whatever a broken watch missed, the next list finds,
 * deletes too. Knows the API's protocol of lists and watches; must not know what objects mean.
 */
import type { IncomingMessage } from "node:http";
import type { AnyResource, Kind } from "../../api/kinds.js";
import { errorText } from "../../base/errors.js";
import { readLines } from "../../base/lines.js";
import type { ListOptions, WatchEvent } from "../store.js";
import { type ApiReply, type Connection, retryAfterMs } from "./connection.js";
import { collectionPath, fromServer, nameOf, selection } from "./resources.js";

/** A watch on which nothing was heard for so long is dead, whatever its socket says. */
const DEAD_MAN_MS = 60_000;
/** The server ends a watch after so long and says a last bookmark: a healthy one is never silent for {@link DEAD_MAN_MS}. */
const WATCH_SECONDS = 45;
/** A watch that lived so long ended in peace: the next one starts at once. */
const PEACEFUL_MS = 5_000;
const PAGE = 500;

/** What the watches of a store went through. */
export interface WatchCounts {
  /** Lists after the first one. */
  relists: number;
  /** Changes that only a relist found. */
  found: { Added: number; Modified: number; Deleted: number };
  /** Watches that were opened again. */
  reconnects: number;
  /** Watches that fell silent and were given up. */
  silent: number;
}

export interface Listing<K extends Kind> {
  readonly objects: (AnyResource & { readonly kind: K })[];
  readonly version: string;
}

/**
 * Lists everything, page by page, of one version.
 *
 * @throws OperatorError as the connection does; ListError for any other answer.
 */
export async function listAll<K extends Kind>(connection: Connection, kind: K, options: ListOptions): Promise<Listing<K>> {
  const objects: (AnyResource & { readonly kind: K })[] = [];
  let token: string | undefined;
  for (;;) {
    const query = { ...selection(options), limit: String(PAGE), ...(token === undefined ? {} : { continue: token }) };
    const reply = await connection.request({ method: "GET", path: collectionPath(kind, options.namespace), query });
    if (reply.status === 410 && token !== undefined) {
      // The pages of this version are gone: all of it once more.
      objects.length = 0;
      token = undefined;
      continue;
    }
    if (reply.status !== 200) throw new ListError(reply);
    const page = JSON.parse(reply.text) as { metadata: { resourceVersion: string; continue?: string }; items: object[] };
    for (const item of page.items) objects.push(fromServer(kind, item));
    token = page.metadata.continue;
    if (token === undefined || token === "") return { objects, version: page.metadata.resourceVersion };
  }
}

/** The server answers a list with something else. */
export class ListError extends Error {
  readonly reply: ApiReply;
  constructor(reply: ApiReply) {
    super(`the API server answers ${reply.status}: ${reply.text.slice(0, 300)}`);
    this.reply = reply;
  }
}

export interface ListWatchOptions<K extends Kind> {
  readonly connection: Connection;
  readonly kind: K;
  readonly filter: ListOptions;
  readonly onEvent: (event: WatchEvent<K>) => void;
  /** Absent: first an "Added" for each object that is there. */
  readonly fromVersion?: string;
  readonly counts: WatchCounts;
  readonly nowMs: () => number;
  /** Told of what goes wrong; the watch goes on. */
  readonly onTrouble?: (text: string) => void;
  readonly deadManMs?: number;
}

export class ListWatch<K extends Kind> {
  readonly #options: ListWatchOptions<K>;
  readonly #ended = new AbortController();
  /** What the watcher was told, by namespace/name. */
  readonly #known = new Map<string, AnyResource>();
  #version: string | undefined;
  #isListed = false;
  #failures = 0;

  constructor(options: ListWatchOptions<K>) {
    this.#options = options;
    this.#version = options.fromVersion;
    void this.#run();
  }

  stop(): void {
    this.#ended.abort();
  }

  get #isOpen(): boolean {
    return !this.#ended.signal.aborted && !this.#options.connection.isClosed;
  }

  async #run(): Promise<void> {
    while (this.#isOpen) {
      try {
        if (this.#version === undefined) await this.#list();
        await this.#watch();
      } catch (error) {
        if (this.#isOpen) await this.#rest(error);
      }
    }
  }

  async #rest(error: unknown): Promise<void> {
    const { connection, onTrouble, kind } = this.#options;
    this.#failures += 1;
    const reply = error instanceof ListError ? error.reply : undefined;
    if (reply?.status === 410) this.#version = undefined;
    else onTrouble?.(`watch of ${kind}: ${errorText(error)}`);
    await connection.pause((reply && retryAfterMs(reply.headers)) ?? connection.jittered(this.#failures));
  }

  async #list(): Promise<void> {
    const { connection, kind, filter, counts } = this.#options;
    const { objects, version } = await listAll(connection, kind, filter);
    if (!this.#isOpen) return;
    const isRelist = this.#isListed || this.#options.fromVersion !== undefined;
    if (isRelist) counts.relists += 1;
    this.#isListed = true;
    this.#version = version;
    const present = new Set(objects.map(nameOf));
    const vanished = [...this.#known].filter(([name]) => !present.has(name)).map(([, object]) => object);
    for (const object of vanished) this.#tell({ type: "Deleted", object: object as WatchEvent<K>["object"] }, isRelist);
    for (const object of objects) this.#see(object, isRelist);
  }

  /** An object as it is now: tells what changed since it was last seen. */
  #see(object: AnyResource, isRelist: boolean): void {
    const known = this.#known.get(nameOf(object));
    if (known?.metadata.resourceVersion === object.metadata.resourceVersion) return;
    if (known !== undefined && known.metadata.uid !== object.metadata.uid) {
      this.#tell({ type: "Deleted", object: known as WatchEvent<K>["object"] }, isRelist);
      return this.#see(object, isRelist);
    }
    this.#tell({ type: known === undefined ? "Added" : "Modified", object: object as WatchEvent<K>["object"] }, isRelist);
  }

  #tell(event: WatchEvent<K>, isFound: boolean): void {
    if (isFound) this.#options.counts.found[event.type] += 1;
    const object = event.object as AnyResource;
    if (event.type === "Deleted") this.#known.delete(nameOf(object));
    else this.#known.set(nameOf(object), object);
    if (this.#isOpen) this.#options.onEvent(event);
  }

  async #watch(): Promise<void> {
    const { connection, kind, filter, nowMs, counts } = this.#options;
    const startMs = nowMs();
    const cut = new AbortController();
    const deadMan = new DeadMan(this.#options.deadManMs ?? DEAD_MAN_MS, () => {
      counts.silent += 1;
      this.#version = undefined;
      cut.abort();
    });
    try {
      const query = {
        ...selection(filter),
        watch: "1",
        allowWatchBookmarks: "true",
        resourceVersion: this.#version ?? "",
        timeoutSeconds: String(WATCH_SECONDS),
      };
      const signal = AbortSignal.any([this.#ended.signal, cut.signal]);
      const response = await connection.stream(collectionPath(kind, filter.namespace), query, signal);
      if (response.statusCode !== 200) throw new ListError(await replyOf(response));
      await this.#follow(response, deadMan);
    } finally {
      deadMan.stop();
      counts.reconnects += 1;
    }
    this.#failures = nowMs() - startMs >= PEACEFUL_MS ? 0 : this.#failures + 1;
    if (this.#failures > 0) await connection.pause(connection.jittered(this.#failures));
  }

  /** Takes events until the stream ends. */
  #follow(response: IncomingMessage, deadMan: DeadMan): Promise<void> {
    return new Promise((resolve, reject) => {
      const refuse = (error: Error) => {
        response.destroy();
        reject(error);
      };
      response.on("data", () => deadMan.reset());
      response.on("error", reject);
      response.on("close", resolve);
      readLines(response, (line) => {
        try {
          if (line !== "" && !response.destroyed) this.#take(JSON.parse(line) as RawEvent);
        } catch (error) {
          refuse(error as Error);
        }
      });
    });
  }

  #take({ type, object }: RawEvent): void {
    if (type === "ERROR") {
      const { code = 500, message = "" } = object as { code?: number; message?: string };
      throw new ListError({ status: code, headers: {}, text: message });
    }
    this.#failures = 0;
    const version = (object as unknown as AnyResource).metadata.resourceVersion;
    if (type !== "BOOKMARK") this.#takeChange(type, fromServer(this.#options.kind, object));
    this.#version = version;
  }

  #takeChange(type: "ADDED" | "MODIFIED" | "DELETED", object: AnyResource): void {
    if (type === "DELETED") this.#tell({ type: "Deleted", object: object as WatchEvent<K>["object"] }, false);
    else if (type === "MODIFIED" && !this.#known.has(nameOf(object)))
      this.#tell({ type: "Modified", object: object as WatchEvent<K>["object"] }, false);
    else this.#see(object, false);
  }
}

type RawEvent =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK"; readonly object: object }
  | { readonly type: "ERROR"; readonly object: object };

/** Calls back once nothing was heard for a while. */
class DeadMan {
  readonly #timer: NodeJS.Timeout;

  constructor(silenceMs: number, onSilence: () => void) {
    this.#timer = setTimeout(onSilence, silenceMs);
  }

  reset(): void {
    this.#timer.refresh();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

async function replyOf(response: IncomingMessage): Promise<ApiReply> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(chunks).toString("utf8") };
}
