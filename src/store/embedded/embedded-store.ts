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
import { type Effects, type IndexDoor, ObjectIndex } from "./object-index.js";
import { WatchHub } from "./watch-hub.js";

export interface EmbeddedStoreOptions {
  /** Folder of the store, made if missing. Absent: nothing is persisted. */
  readonly path?: string;
  /** Told what of the folder was damaged and is in order again. */
  readonly onTrouble?: (text: string) => void;
  readonly clock?: Clock;
  readonly newUid?: () => string;
  /** Events kept for watches that start at a version; default 10,000. */
  readonly historyLength?: number;
}

const HISTORY_LENGTH = 10_000;

/** A write that is decided and not on disk yet. */
interface Pending {
  readonly effects: Effects;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class EmbeddedStore implements Store {
  /** What is shown: all that is on disk. */
  readonly #index: ObjectIndex;
  /** What the next write is decided on: what is shown and what is on its way to the disk. */
  #decided: ObjectIndex;
  readonly #hub: WatchHub;
  readonly #journal: Journal | undefined;
  readonly #door: IndexDoor;
  /** Writes of which the next journey to the disk is made: all that came during the one before. */
  #pending: Pending[] = [];
  /** The journey that is under way. */
  #flushing: Promise<void> | undefined;
  /** Writes of a store without a disk are made one after the other. */
  #last: Promise<unknown> = Promise.resolve();
  #open = true;

  private constructor(door: IndexDoor, { objects, version }: ReturnType<Journal["load"]>, hub: WatchHub, journal: Journal | undefined) {
    this.#door = door;
    this.#index = new ObjectIndex(door, objects, version);
    this.#decided = journal === undefined ? this.#index : new ObjectIndex(door, objects, version);
    this.#hub = hub;
    this.#journal = journal;
  }

  /** @throws OperatorError STORE_LOCKED if another process has opened the path, STORE_UNREADABLE, STORE_FULL */
  static async open(options: EmbeddedStoreOptions = {}): Promise<EmbeddedStore> {
    const clock = options.clock ?? REAL_CLOCK;
    const door = { timestamp: () => new Date(clock.wallMs()).toISOString(), newUid: options.newUid ?? randomUUID };
    const journal = options.path === undefined ? undefined : await openJournal(options.path, options.onTrouble);
    const state = await loaded(journal);
    return new EmbeddedStore(door, state, new WatchHub(options.historyLength ?? HISTORY_LENGTH, state.version), journal);
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
    const [added] = await this.#write("create", (index) => index.create(object));
    return added?.object as Kinds[K];
  }

  async update<K extends Kind>(object: Kinds[K]): Promise<Kinds[K]> {
    const [changed] = await this.#write("update", (index) => index.update(object));
    return (changed?.object ?? object) as Kinds[K];
  }

  async updateStatus<K extends Kind>(object: Kinds[K]): Promise<Kinds[K]> {
    const [changed] = await this.#write("updateStatus", (index) => index.updateStatus(object));
    return (changed?.object ?? object) as Kinds[K];
  }

  async delete(key: ObjectKey, options: { readonly uid?: string } = {}): Promise<void> {
    await this.#write("delete", (index) => index.delete(key, options.uid));
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
    while (this.#flushing !== undefined) await this.#flushing;
    await this.#journal?.close();
  }

  #present(kind: Kind): WatchEvent[] {
    return (this.#index.list(kind) as AnyResource[]).map((object) => ({ type: "Added", object }));
  }

  #check(operation: string): void {
    if (!this.#open) throw new OperatorError("STORE_CLOSED", { operation });
  }

  #write(operation: string, decide: (index: ObjectIndex) => Effects): Promise<Effects> {
    if (this.#journal !== undefined) return this.#writeDurably(operation, decide);
    const result = this.#last.catch(() => undefined).then(() => this.#writeNow(operation, decide));
    this.#last = result;
    return result;
  }

  #writeNow(operation: string, decide: (index: ObjectIndex) => Effects): Effects {
    this.#check(operation);
    const effects = decide(this.#index);
    this.#show(effects);
    return effects;
  }

  /**
   * Decides at once, on all writes before this one; answers, refusals too, when all that it was decided on is on disk. Writes
   * that come while the disk is busy share its next turn.
   */
  async #writeDurably(operation: string, decide: (index: ObjectIndex) => Effects): Promise<Effects> {
    this.#check(operation);
    const effects = this.#tryDecide(decide);
    if (effects instanceof Error || effects.length === 0) {
      await this.#enqueue([]);
      if (effects instanceof Error) throw effects;
      return effects;
    }
    this.#decided.accept(effects);
    await this.#enqueue(effects);
    return effects;
  }

  #tryDecide(decide: (index: ObjectIndex) => Effects): Effects | Error {
    try {
      return decide(this.#decided);
    } catch (error) {
      return error as Error;
    }
  }

  /** Resolves once these and all effects before them are on disk and shown. */
  #enqueue(effects: Effects): Promise<void> {
    if (effects.length === 0 && this.#pending.length === 0 && this.#flushing === undefined) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#pending.push({ effects, resolve, reject });
      this.#flushing ??= this.#flush();
    });
  }

  /** Stores, then shows: nobody sees a write that is not on disk. Ends when nothing is left to be stored. */
  async #flush(): Promise<void> {
    await Promise.resolve(); // All that is written in this turn goes together.
    while (this.#pending.length > 0) {
      const group = this.#pending;
      this.#pending = [];
      await this.#store(group);
    }
    this.#flushing = undefined;
  }

  async #store(group: readonly Pending[]): Promise<void> {
    const writes = group.map(({ effects }) => effects).filter((effects) => effects.length > 0);
    try {
      if (writes.length > 0) await this.#journal?.append(writes);
    } catch (error) {
      return this.#undo(group, error);
    }
    for (const { effects, resolve } of group) {
      this.#show(effects);
      resolve();
    }
  }

  /** Nothing of a group that was not stored has happened, nor of what was decided on it. */
  #undo(group: readonly Pending[], error: unknown): void {
    const failed = [...group, ...this.#pending.splice(0)];
    this.#decided = new ObjectIndex(this.#door, this.#index.objects(), this.#index.version);
    for (const { reject } of failed) reject(error);
  }

  #show(effects: Effects): void {
    this.#index.accept(effects);
    this.#hub.publish(effects);
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
async function openJournal(path: string, onTrouble: ((text: string) => void) | undefined): Promise<Journal> {
  const { LmdbJournal } = await import("./lmdb-journal.js");
  return LmdbJournal.open(path, onTrouble);
}
