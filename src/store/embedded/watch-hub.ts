/** Who watches what. Events are delivered in order, outside of the writer's call. */
import type { Kind } from "../../api/kinds.js";
import { OperatorError } from "../../base/errors.js";
import type { ListOptions, Unwatch, WatchEvent } from "../store.js";
import { matches } from "./object-index.js";

type Listener = (event: WatchEvent) => void;

interface Watcher {
  readonly kind: Kind;
  readonly options: ListOptions;
  readonly onEvent: Listener;
  open: boolean;
}

/** Events of the past, so that a watch can start at a version. Bounded. */
export class WatchHub {
  readonly #watchers = new Set<Watcher>();
  readonly #historyLength: number;
  #history: WatchEvent[] = [];
  #oldest: number;
  #queue: { readonly watcher: Watcher; readonly event: WatchEvent }[] = [];
  #scheduled = false;

  /** @param version the version of the store as it was opened: what came before is not kept. */
  constructor(historyLength: number, version: number) {
    this.#historyLength = historyLength;
    this.#oldest = version;
  }

  /** @throws OperatorError STORE_TOO_OLD if events after `fromVersion` are no longer kept. */
  watch(kind: Kind, onEvent: Listener, options: ListOptions, first: readonly WatchEvent[] | { readonly fromVersion: string }): Unwatch {
    const watcher: Watcher = { kind, options, onEvent, open: true };
    const events = "fromVersion" in first ? this.#since(first.fromVersion) : first;
    for (const event of events) this.#offer(watcher, event);
    this.#watchers.add(watcher);
    return () => {
      watcher.open = false;
      this.#watchers.delete(watcher);
    };
  }

  publish(events: readonly WatchEvent[]): void {
    for (const event of events) {
      this.#history.push(event);
      for (const watcher of this.#watchers) this.#offer(watcher, event);
    }
    if (this.#history.length > 2 * this.#historyLength) this.#forget();
  }

  /** Ends every watch. */
  close(): void {
    for (const watcher of this.#watchers) watcher.open = false;
    this.#watchers.clear();
  }

  #since(version: string): readonly WatchEvent[] {
    const from = Number(version);
    if (!(from >= this.#oldest)) throw new OperatorError("STORE_TOO_OLD", { version, oldest: String(this.#oldest) });
    return this.#history.filter(({ object }) => Number(object.metadata.resourceVersion) > from);
  }

  #forget(): void {
    const kept = this.#history.slice(-this.#historyLength);
    const last = this.#history[this.#history.length - kept.length - 1];
    if (last !== undefined) this.#oldest = Number(last.object.metadata.resourceVersion);
    this.#history = kept;
  }

  #offer(watcher: Watcher, event: WatchEvent): void {
    if (event.object.kind !== watcher.kind || !matches(event.object, watcher.options)) return;
    this.#queue.push({ watcher, event });
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => this.#deliver());
  }

  #deliver(): void {
    this.#scheduled = false;
    const queue = this.#queue;
    this.#queue = [];
    for (const { watcher, event } of queue) {
      if (watcher.open) watcher.onEvent(event);
    }
  }
}
