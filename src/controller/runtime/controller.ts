/**
 * The loop that every controller is: events become keys, keys are reconciled one at a time, failures come back later.
 * Knows watches, the queue and time through doors; must not know what is reconciled.
 */
import type { Kind } from "../../api/kinds.js";
import type { Clock } from "../../base/clock.js";
import { type LoopFigures, LoopMeter } from "../../base/durations.js";
import { errorText } from "../../base/errors.js";
import type { Prng } from "../../base/prng.js";
import { isLostRace, type Store, type Unwatch, type WatchEvent } from "../../store/store.js";
import { Cache } from "./cache.js";
import type { Cancel, Scheduler } from "./scheduler.js";
import { type Backoff, WorkQueue } from "./work-queue.js";

/** Which keys an object concerns. */
export interface Source<K extends Kind = Kind> {
  readonly kind: K;
  /** Only objects of this namespace; absent: of all. */
  readonly namespace?: string;
  keysOf(event: WatchEvent<K>): Iterable<string>;
}

export interface ControllerOptions {
  readonly store: Pick<Store, "list" | "watch">;
  readonly scheduler: Scheduler;
  readonly clock: Clock;
  readonly prng: Prng;
  readonly sources: readonly Source[];
  /** @returns when to run again, in milliseconds. */
  readonly reconcile: (key: string) => Promise<number | undefined>;
  /** Keys in hand at once, each once; default 1. */
  readonly atOnce?: number;
  readonly backoff?: Backoff;
  /** Everything is listed again this often, which heals lost events; default 30,000 ms. */
  readonly resyncMs?: number;
  readonly onError?: (key: string, problem: string, delayMs: number) => void;
}

const RESYNC_MS = 30_000;
/** After a first list that failed. */
const FIRST_LIST_AGAIN_MS = 1_000;

export class Controller {
  readonly #options: ControllerOptions;
  readonly #queue: WorkQueue;
  readonly #caches: readonly Cache<Kind>[];
  readonly #meter = new LoopMeter();
  #unwatch: Unwatch[] = [];
  #cancelResync: Cancel = () => {};
  #running = false;
  /** Everything was listed once. */
  #isListed = false;
  #pumpAsked = false;
  /** The first list, or a hand that takes key after key. */
  readonly #working = new Set<Promise<void>>();

  constructor(options: ControllerOptions) {
    const { scheduler, clock, prng, backoff } = options;
    this.#options = options;
    this.#caches = options.sources.map(() => new Cache<Kind>());
    this.#queue = new WorkQueue({
      scheduler,
      prng,
      nowMs: () => clock.nowMs(),
      onReady: () => this.#askPump(),
      ...(backoff === undefined ? {} : { backoff }),
    });
  }

  /** Watches, and reconciles everything that is there. Nothing is decided before all of it was listed: what is not known yet is not gone. */
  start(): void {
    this.#running = true;
    this.#unwatch = this.#options.sources.map((source, index) =>
      this.#options.store.watch(source.kind, (event) => this.#take(source, index, event), placeOf(source)),
    );
    this.#planFirstList(0);
  }

  /** Starts nothing new. Resolves when the reconciles in progress, if any, have ended. */
  async stop(): Promise<void> {
    this.#running = false;
    for (const unwatch of this.#unwatch) unwatch();
    this.#cancelResync();
    this.#queue.close();
    await this.working;
  }

  /** The reconciles in progress; undefined when there are none. */
  get working(): Promise<unknown> | undefined {
    return this.#working.size === 0 ? undefined : Promise.all(this.#working);
  }

  get isRunning(): boolean {
    return this.#running;
  }

  /** Keys that are being reconciled: what they were decided on may be older than what is heard now. */
  get inHand(): Iterable<string> {
    return this.#queue.inHand;
  }

  /** @param name of the loop. */
  figures(name: string): LoopFigures {
    return { ...this.#meter.figures(name), queue: this.#queue.figures };
  }

  /** What is known of a kind that is watched; may be behind. */
  cache<K extends Kind>(kind: K): Cache<K> {
    const index = this.#options.sources.findIndex((source) => source.kind === kind);
    const cache = this.#caches[index];
    if (cache === undefined) throw new TypeError(`${kind} is not watched`);
    return cache as unknown as Cache<K>;
  }

  /** Lists everything again, as the timer does. */
  async resync(): Promise<void> {
    for (const [index, source] of this.#options.sources.entries()) {
      const cache = this.#caches[index] as Cache<Kind>;
      cache.expectList();
      const objects = await this.#options.store.list(source.kind, placeOf(source));
      if (!this.#running) return;
      const vanished = cache.replace(objects);
      for (const object of vanished) this.#add(source.keysOf({ type: "Deleted", object }));
      for (const object of objects) this.#add(source.keysOf({ type: "Modified", object }));
    }
  }

  #take(source: Source, index: number, event: WatchEvent): void {
    if (!this.#running) return;
    this.#caches[index]?.apply(event);
    this.#add(source.keysOf(event));
  }

  #add(keys: Iterable<string>): void {
    for (const key of keys) this.#queue.add(key);
  }

  #planFirstList(delayMs: number): void {
    this.#cancelResync = this.#options.scheduler.after(delayMs, () => {
      this.#begin(this.#listFirst());
    });
  }

  async #listFirst(): Promise<void> {
    try {
      await this.resync();
      this.#isListed = true;
      if (this.#running) this.#planResync();
    } catch (error) {
      if (!this.#running) return;
      this.#options.onError?.("first list", errorText(error), FIRST_LIST_AGAIN_MS);
      this.#planFirstList(FIRST_LIST_AGAIN_MS);
    }
  }

  #begin(work: Promise<void>): void {
    const ended = work.finally(() => {
      this.#working.delete(ended);
      if (this.#queue.size > 0) this.#askPump();
    });
    this.#working.add(ended);
  }

  #planResync(): void {
    this.#cancelResync = this.#options.scheduler.after(this.#options.resyncMs ?? RESYNC_MS, () => {
      if (!this.#running) return;
      this.resync().catch((error: unknown) => this.#options.onError?.("resync", errorText(error), 0));
      this.#planResync();
    });
  }

  get #hasFreeHand(): boolean {
    return this.#working.size < (this.#options.atOnce ?? 1);
  }

  #askPump(): void {
    if (this.#pumpAsked || !this.#hasFreeHand || !this.#running || !this.#isListed) return;
    this.#pumpAsked = true;
    this.#options.scheduler.after(0, () => {
      this.#pumpAsked = false;
      while (this.#running && this.#hasFreeHand && this.#queue.size > 0) this.#begin(this.#drain());
    });
  }

  async #drain(): Promise<void> {
    for (let key = this.#queue.take(); key !== undefined; key = this.#running ? this.#queue.take() : undefined) {
      await this.#reconcile(key);
    }
  }

  async #reconcile(key: string): Promise<void> {
    const { clock, reconcile } = this.#options;
    try {
      const againMs = await this.#meter.measure(
        () => clock.nowMs(),
        () => reconcile(key),
      );
      this.#queue.done(key, againMs);
    } catch (error) {
      const delayMs = this.#queue.fail(key);
      if (this.#running && !isLostRace(error)) this.#options.onError?.(key, errorText(error), delayMs);
    }
  }
}

function placeOf({ namespace }: Source): { readonly namespace?: string } {
  return namespace === undefined ? {} : { namespace };
}
