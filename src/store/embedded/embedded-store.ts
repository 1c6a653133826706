/**
 * The store of one machine: Kubernetes' semantics over an index in memory; with a path, every accepted write is on disk
 * before it is answered.
 * Knows objects and versions; must not know what they mean. See docs/adr/0004-embedded-store.md.
 */
import { randomUUID } from "node:crypto";
import type { AnyResource, Kind, Kinds, NewResource } from "../../api/kinds.js";
import { type Clock, REAL_CLOCK } from "../../base/clock.js";
import { OperatorError } from "../../base/errors.js";
import type { ListOptions, ObjectKey, Store, Unwatch, WatchEvent } from "../store.js";
import type { Journal } from "./lmdb-journal.js";
import { type Effects, ObjectIndex } from "./object-index.js";
import { WatchHub } from "./watch-hub.js";

export interface EmbeddedStoreOptions {
  /** Folder of the store, made if missing. Absent: nothing is persisted. */
  readonly path?: string;
  readonly clock?: Clock;
  readonly newUid?: () => string;
  /** Events kept for watches that start at a version; default 10,000. */
  readonly historyLength?: number;
}

const HISTORY_LENGTH = 10_000;

export class EmbeddedStore implements Store {
  readonly #index: ObjectIndex;
  readonly #hub: WatchHub;
  readonly #journal: Journal | undefined;
  /** Durable writes are decided and stored one after the other. */
  #last: Promise<unknown> = Promise.resolve();
  #open = true;

  private constructor(index: ObjectIndex, hub: WatchHub, journal: Journal | undefined) {
    this.#index = index;
    this.#hub = hub;
    this.#journal = journal;
  }

  /** @throws OperatorError STORE_LOCKED if another process has opened the path, STORE_UNREADABLE, STORE_FULL */
  static async open(options: EmbeddedStoreOptions = {}): Promise<EmbeddedStore> {
    const clock = options.clock ?? REAL_CLOCK;
    const door = { timestamp: () => new Date(clock.wallMs()).toISOString(), newUid: options.newUid ?? randomUUID };
    const journal = options.path === undefined ? undefined : await openJournal(options.path);
    const { objects, version } = await loaded(journal);
    const index = new ObjectIndex(door, objects, version);
    return new EmbeddedStore(index, new WatchHub(options.historyLength ?? HISTORY_LENGTH, version), journal);
  }

  /** Grows with every write. */
  get version(): string {
    return String(this.#index.version);
  }

  async get<K extends Kind>(key: ObjectKey<K>): Promise<Kinds[K] | undefined> {
    this.#check("get");
    return this.#index.get(key);
  }

  async list<K extends Kind>(kind: K, options: ListOptions = {}): Promise<Kinds[K][]> {
    this.#check("list");
    return this.#index.list(kind, options);
  }

  async create<K extends Kind>(object: NewResource<K>): Promise<Kinds[K]> {
    const [added] = await this.#write("create", () => this.#index.create(object));
    return added?.object as Kinds[K];
  }

  async update<K extends Kind>(object: Kinds[K]): Promise<Kinds[K]> {
    const [changed] = await this.#write("update", () => this.#index.update(object));
    return (changed?.object ?? object) as Kinds[K];
  }

  async updateStatus<K extends Kind>(object: Kinds[K]): Promise<Kinds[K]> {
    const [changed] = await this.#write("updateStatus", () => this.#index.updateStatus(object));
    return (changed?.object ?? object) as Kinds[K];
  }

  async delete(key: ObjectKey, options: { readonly uid?: string } = {}): Promise<void> {
    await this.#write("delete", () => this.#index.delete(key, options.uid));
  }

  /** @throws OperatorError STORE_TOO_OLD if the events after `fromVersion` are no longer kept: watch without a version. */
  watch<K extends Kind>(
    kind: K,
    onEvent: (event: WatchEvent<K>) => void,
    options: ListOptions & { readonly fromVersion?: string } = {},
  ): Unwatch {
    this.#check("watch");
    const { fromVersion, ...filter } = options;
    const first = fromVersion === undefined ? this.#present(kind) : { fromVersion };
    return this.#hub.watch(kind, onEvent as (event: WatchEvent) => void, filter, first);
  }

  /** Ends all watches; waits for writes in flight and gives the path free. */
  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    this.#hub.close();
    await this.#last.catch(() => undefined);
    await this.#journal?.close();
  }

  #present(kind: Kind): WatchEvent[] {
    return (this.#index.list(kind) as AnyResource[]).map((object) => ({ type: "Added", object }));
  }

  #check(operation: string): void {
    if (!this.#open) throw new OperatorError("STORE_CLOSED", { operation });
  }

  #write(operation: string, decide: () => Effects): Promise<Effects> {
    const result = this.#last.catch(() => undefined).then(() => this.#commit(operation, decide));
    this.#last = result;
    return result;
  }

  /** Decide, store, then show: nobody sees a write that is not on disk. */
  async #commit(operation: string, decide: () => Effects): Promise<Effects> {
    this.#check(operation);
    const effects = decide();
    if (this.#journal !== undefined && effects.length > 0) await this.#journal.append(effects);
    this.#index.accept(effects);
    this.#hub.publish(effects);
    return effects;
  }
}

async function loaded(journal: Journal | undefined): Promise<ReturnType<Journal["load"]>> {
  try {
    return journal?.load() ?? { objects: [], version: 0 };
  } catch (error) {
    await journal?.close();
    throw error;
  }
}

/** LMDB is loaded only where something must survive. */
async function openJournal(path: string): Promise<Journal> {
  const { LmdbJournal } = await import("./lmdb-journal.js");
  return LmdbJournal.open(path);
}
