/** The objects of one kind as far as events told; healed by a list. May be behind. */
import type { Kind, Kinds } from "../../api/kinds.js";
import type { WatchEvent } from "../../store/store.js";

export class Cache<K extends Kind> {
  readonly #objects = new Map<string, Kinds[K]>();

  /** Takes an event. An event older than what is known changes nothing. */
  apply({ type, object }: WatchEvent<K>): void {
    const key = `${object.metadata.namespace}/${object.metadata.name}`;
    const known = this.#objects.get(key);
    if (known !== undefined && Number(known.metadata.resourceVersion) > Number(object.metadata.resourceVersion)) return;
    if (type === "Deleted") this.#objects.delete(key);
    else this.#objects.set(key, object);
  }

  /** Takes a whole list. @returns the objects that vanished without an event. */
  replace(objects: readonly Kinds[K][]): Kinds[K][] {
    const present = new Set(objects.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`));
    const vanished = [...this.#objects].filter(([key]) => !present.has(key)).map(([, object]) => object);
    this.#objects.clear();
    for (const object of objects) this.#objects.set(`${object.metadata.namespace}/${object.metadata.name}`, object);
    return vanished;
  }

  values(): Kinds[K][] {
    return [...this.#objects.values()];
  }
}
