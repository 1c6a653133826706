/**
 * Writes Events: what happened to an object, for people. The same event again raises its count; there are so many at most, and
 * they go after an hour. Never the only signal: what cannot be written is dropped, and nobody waits for it.
 */
import { createHash } from "node:crypto";
import { type AnyResource, DEFAULT_NAMESPACE, type EventRecord, type NewResource } from "../api/kinds.js";
import type { Clock } from "../base/clock.js";
import { cutText } from "../base/cut-text.js";
import { OperatorError } from "../base/errors.js";
import { maskCredentials } from "../base/mask.js";
import type { ObjectKey, Store } from "./store.js";

/** What happened. */
export interface EventNote {
  readonly type: "Normal" | "Warning";
  /** One word for programs. */
  readonly reason: string;
  /** A sentence for people. */
  readonly message: string;
}

export interface Events {
  record(regarding: AnyResource, note: EventNote): void;
}

export interface EventRecorderOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly component: "videoflow-controller" | "videoflow-agent";
  readonly host?: string;
  /** The store forgets old events by itself, as an API server does. */
  readonly storeExpires?: boolean;
}

export const MAX_MESSAGE_BYTES = 1024;
const KEPT_MS = 3_600_000;
const SWEEP_MS = 60_000;
/** Events of one object, and of all of them. */
const MAX_PER_OBJECT = 50;
const MAX_EVENTS = 2_000;
/** Different events that wait to be written; more are dropped. */
const MAX_PENDING = 500;
const MOST_ATTEMPTS = 3;

interface Pending {
  readonly regarding: AnyResource;
  readonly note: EventNote;
  readonly atMs: number;
  count: number;
}

export class EventRecorder implements Events {
  readonly #options: EventRecorderOptions;
  /** By name of the event, in the order of the first wish. */
  readonly #pending = new Map<string, Pending>();
  #writing: Promise<void> | undefined;
  #sweptMs = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
  }

  record(regarding: AnyResource, { type, reason, message }: EventNote): void {
    if (this.#closed) return;
    const note = { type, reason, message: cutText(maskCredentials(message), MAX_MESSAGE_BYTES) };
    const name = nameOf(regarding, note, this.#options.component);
    const same = this.#pending.get(name);
    if (same !== undefined) same.count += 1;
    else if (this.#pending.size < MAX_PENDING) this.#pending.set(name, { regarding, note, atMs: this.#options.clock.wallMs(), count: 1 });
    this.#writing ??= this.#write();
  }

  /** Resolves when all that was recorded is written or dropped; takes nothing more. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#writing;
  }

  async #write(): Promise<void> {
    do {
      for (let [next] = this.#pending; next !== undefined; [next] = this.#pending) {
        const [name, pending] = next;
        this.#pending.delete(name);
        await this.#store(name, pending).catch(() => {}); // Dropped: an event is never the only signal.
      }
      await this.#sweep().catch(() => {}); // Tried again with the next event.
    } while (this.#pending.size > 0);
    this.#writing = undefined; // In the very step of the look: what comes later begins anew.
  }

  async #store(name: string, pending: Pending): Promise<void> {
    const { store } = this.#options;
    const key: ObjectKey<"Event"> = { kind: "Event", namespace: namespaceOf(pending.regarding), name };
    for (let attempt = 1; ; attempt += 1) {
      const old = await store.get(key);
      try {
        if (old === undefined) await store.create<"Event">(this.#newEvent(name, pending));
        else await store.update<"Event">({ ...old, count: old.count + pending.count, lastTimestamp: timeText(pending.atMs) });
        return;
      } catch (error) {
        if (attempt >= MOST_ATTEMPTS || !(error instanceof OperatorError) || !error.retryable) throw error;
      }
    }
  }

  #newEvent(name: string, { regarding, note, atMs, count }: Pending): NewResource<"Event"> {
    const { component, host } = this.#options;
    const namespace = namespaceOf(regarding);
    const { apiVersion, kind, metadata } = regarding;
    return {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name, namespace },
      involvedObject: { apiVersion, kind, namespace: kind === "Host" ? "" : namespace, name: metadata.name, uid: metadata.uid },
      ...note,
      count,
      firstTimestamp: timeText(atMs),
      lastTimestamp: timeText(atMs),
      source: { component, ...(host === undefined ? {} : { host }) },
      reportingComponent: component,
    };
  }

  /** Removes what is old or too much. */
  async #sweep(): Promise<void> {
    const { store, clock, storeExpires } = this.#options;
    if (storeExpires === true || clock.nowMs() - this.#sweptMs < SWEEP_MS) return;
    this.#sweptMs = clock.nowMs();
    const all = await store.list("Event");
    for (const { metadata } of surplus(all, clock.wallMs())) {
      await store.delete({ kind: "Event", namespace: metadata.namespace, name: metadata.name }, { uid: metadata.uid });
    }
  }
}

/** Which events go: the old ones, and the oldest of those that are too many for an object or in all. Pure. */
export function surplus(events: readonly EventRecord[], wallMs: number): EventRecord[] {
  const newestFirst = events.toSorted((a, b) => (a.lastTimestamp < b.lastTimestamp ? 1 : a.lastTimestamp > b.lastTimestamp ? -1 : 0));
  const perObject = new Map<string, number>();
  let kept = 0;
  return newestFirst.filter(({ lastTimestamp, involvedObject }) => {
    const count = perObject.get(involvedObject.uid) ?? 0;
    const goes = wallMs - Date.parse(lastTimestamp) > KEPT_MS || count >= MAX_PER_OBJECT || kept >= MAX_EVENTS;
    if (goes) return true;
    perObject.set(involvedObject.uid, count + 1);
    kept += 1;
    return false;
  });
}

/** The same event about the same object has the same name, also after a restart. */
function nameOf({ metadata }: AnyResource, { type, reason, message }: EventNote, component: string): string {
  const hash = createHash("sha256")
    .update(JSON.stringify([metadata.uid, type, reason, message, component]))
    .digest("hex");
  return `${metadata.name}.${hash.slice(0, 16)}`;
}

/** Events about a Host, which has no namespace, live in `default`. */
function namespaceOf({ metadata }: AnyResource): string {
  return metadata.namespace === "" ? DEFAULT_NAMESPACE : metadata.namespace;
}

function timeText(wallMs: number): string {
  return new Date(wallMs).toISOString().replace(/\.\d+Z$/, "Z");
}
