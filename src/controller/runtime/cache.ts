/** The objects of one kind as far as events and own writes told; healed by a list. May be behind. */
import type { Kind, Kinds } from "../../api/kinds.js";
import type { WatchEvent } from "../../store/store.js";

export class Cache<K extends Kind> {
  readonly #objects = new Map<string, Kinds[K]>();
  /** All objects; absent after a change. */
  #values: readonly Kinds[K][] | undefined;
  /** Uids of what was deleted by an own write: what is still heard of them is old. */
  readonly #deleted = new Set<string>();
  /** Keys that changed since a list was asked for. */
  #changed: Set<string> | undefined;

  get(namespace: string, name: string): Kinds[K] | undefined {
    return this.#objects.get(`${namespace}/${name}`);
  }

  /** The same array as long as nothing changes. */
  values(): readonly Kinds[K][] {
    this.#values ??= [...this.#objects.values()];
    return this.#values;
  }

  /** Takes an event. An event older than what is known changes nothing. */
  apply({ type, object }: WatchEvent<K>): void {
    const key = keyOf(object);
    const isLast = type === "Deleted" && this.#deleted.delete(object.metadata.uid);
    if (isLast || this.#deleted.has(object.metadata.uid) || isNewer(this.#objects.get(key), object)) return;
    this.#changed?.add(key);
    if (type === "Deleted") this.#remove(key);
    else this.#put(key, object);
  }

  /** Takes what a write was answered. An object that is gone by now does not come back by it. */
  learn(object: Kinds[K], isCreated: boolean): void {
    if (isCreated || this.#objects.has(keyOf(object))) this.apply({ type: "Modified", object });
  }

  /** Takes that an own delete was answered: what had no finalizer is gone. */
  forget(namespace: string, name: string, uid: string | undefined): void {
    const key = `${namespace}/${name}`;
    const known = this.#objects.get(key);
    if (known === undefined || (uid !== undefined && known.metadata.uid !== uid) || (known.metadata.finalizers ?? []).length > 0) return;
    this.#changed?.add(key);
    this.#deleted.add(known.metadata.uid);
    this.#remove(key);
  }

  /** A list is asked for: it may be older than what is heard from here on. */
  expectList(): void {
    this.#changed = new Set();
  }

  /** Takes a whole list. What changed since {@link expectList} stays. @returns the objects that vanished without an event. */
  replace(objects: readonly Kinds[K][]): Kinds[K][] {
    const changed = this.#changed ?? new Set();
    this.#changed = undefined;
    const present = new Set(objects.map(keyOf));
    const vanished = [...this.#objects].filter(([key]) => !present.has(key) && !changed.has(key));
    for (const [key] of vanished) this.#remove(key);
    for (const object of objects) {
      const key = keyOf(object);
      if (!changed.has(key) && this.#objects.get(key)?.metadata.resourceVersion !== object.metadata.resourceVersion) this.#put(key, object);
    }
    return vanished.map(([, object]) => object);
  }

  #put(key: string, object: Kinds[K]): void {
    this.#objects.set(key, object);
    this.#values = undefined;
  }

  #remove(key: string): void {
    this.#objects.delete(key);
    this.#values = undefined;
  }
}

function keyOf({ metadata }: Kinds[Kind]): string {
  return `${metadata.namespace}/${metadata.name}`;
}

function isNewer(known: Kinds[Kind] | undefined, object: Kinds[Kind]): boolean {
  return known !== undefined && Number(known.metadata.resourceVersion) > Number(object.metadata.resourceVersion);
}
