/**
 * Events that a slow watcher has not taken yet, at most two per object: what it missed in between is left out, so the buffer
 * is bounded by the number of objects. Pure.
 */
import type { WatchEvent } from "../store.js";

interface Entry {
  /** The watcher has seen an object of this name, or is about to. */
  readonly known: boolean;
  /** The object that the watcher knows was deleted. */
  readonly gone?: WatchEvent["object"];
  readonly latest?: WatchEvent["object"];
}

export class WatchBuffer {
  /** By namespace and name, in the order in which they changed first. */
  readonly #entries = new Map<string, Entry>();

  get size(): number {
    return this.#entries.size;
  }

  offer({ type, object }: WatchEvent): void {
    const key = `${object.metadata.namespace}/${object.metadata.name}`;
    const entry = this.#entries.get(key);
    if (type !== "Deleted") {
      const known = entry?.known ?? type === "Modified";
      this.#entries.set(key, { known, ...(entry?.gone === undefined ? {} : { gone: entry.gone }), latest: object });
      return;
    }
    const known = entry?.known ?? true;
    if (known) this.#entries.set(key, { known, gone: entry?.gone ?? object });
    else this.#entries.delete(key);
  }

  /** The next events of one object, oldest first; empty when nothing is left. */
  take(): WatchEvent[] {
    const [first] = this.#entries;
    if (first === undefined) return [];
    const [key, { known, gone, latest }] = first;
    this.#entries.delete(key);
    const events: WatchEvent[] = gone === undefined ? [] : [{ type: "Deleted", object: gone }];
    if (latest !== undefined) events.push({ type: known && gone === undefined ? "Modified" : "Added", object: latest });
    return events;
  }
}
