/**
 * Keys to reconcile: each at most once in the queue and in one hand at a time; failures come back later and later.
 * Knows keys and delays; must not know what a key means.
 */
import { Durations, type QueueFigures } from "../../base/durations.js";
import type { Prng } from "../../base/prng.js";
import type { Cancel, Scheduler } from "./scheduler.js";

export interface Backoff {
  readonly initialMs: number;
  readonly maxMs: number;
  /** Part of the delay that chance takes away, 0 to 1. */
  readonly jitter: number;
}

export const DEFAULT_BACKOFF: Backoff = { initialMs: 10, maxMs: 30_000, jitter: 0.5 };

interface Timer {
  readonly dueMs: number;
  readonly cancel: Cancel;
}

export interface WorkQueueOptions {
  readonly scheduler: Scheduler;
  readonly nowMs: () => number;
  readonly prng: Prng;
  readonly backoff?: Backoff;
  /** Called when a key is ready to be taken. */
  readonly onReady: () => void;
}

export class WorkQueue {
  /** Each with the time since which it waits, in milliseconds. */
  readonly #ready = new Map<string, number>();
  readonly #taken = new Set<string>();
  /** Added again while in somebody's hand. */
  readonly #dirty = new Set<string>();
  readonly #timers = new Map<string, Timer>();
  readonly #failures = new Map<string, number>();
  readonly #options: WorkQueueOptions;
  readonly #waits = new Durations();
  #adds = 0;
  #retries = 0;
  #open = true;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  /** Keys that can be taken now. */
  get size(): number {
    return this.#ready.size;
  }

  /** Keys that were taken and not given back. */
  get inHand(): ReadonlySet<string> {
    return this.#taken;
  }

  get figures(): QueueFigures {
    return { depth: this.size, adds: this.#adds, retries: this.#retries, waitTimes: this.#waits.histogram };
  }

  add(key: string): void {
    if (!this.#open) return;
    if (this.#taken.has(key)) {
      this.#dirty.add(key);
    } else if (!this.#ready.has(key)) {
      this.#adds += 1;
      this.#ready.set(key, this.#options.nowMs());
      this.#options.onReady();
    }
  }

  /** Adds the key after a while; of several delays the shortest counts. */
  addAfter(key: string, delayMs: number): void {
    if (!this.#open) return;
    const dueMs = this.#options.nowMs() + Math.max(0, delayMs);
    const known = this.#timers.get(key);
    if (known !== undefined && known.dueMs <= dueMs) return;
    known?.cancel();
    const cancel = this.#options.scheduler.after(Math.max(0, delayMs), () => {
      this.#timers.delete(key);
      this.add(key);
    });
    this.#timers.set(key, { dueMs, cancel });
  }

  /** @returns the oldest ready key, which is then in the caller's hand until {@link done} or {@link fail}. */
  take(): string | undefined {
    const [oldest] = this.#ready;
    if (oldest === undefined) return undefined;
    const [key, sinceMs] = oldest;
    this.#waits.add((this.#options.nowMs() - sinceMs) / 1_000);
    this.#ready.delete(key);
    this.#taken.add(key);
    return key;
  }

  /** The key was reconciled; look again after `requeueAfterMs`, if given. */
  done(key: string, requeueAfterMs?: number): void {
    this.#failures.delete(key);
    this.#giveBack(key);
    if (requeueAfterMs !== undefined) this.addAfter(key, requeueAfterMs);
  }

  /** The key failed: it comes back after its backoff. @returns the delay in milliseconds. */
  fail(key: string): number {
    const failures = this.#failures.get(key) ?? 0;
    this.#retries += 1;
    this.#failures.set(key, failures + 1);
    this.#giveBack(key);
    const delayMs = this.#delayMs(failures);
    this.addAfter(key, delayMs);
    return delayMs;
  }

  /** Cancels every timer and forgets every key. */
  close(): void {
    this.#open = false;
    for (const { cancel } of this.#timers.values()) cancel();
    for (const keys of [this.#timers, this.#ready, this.#dirty, this.#failures]) keys.clear();
  }

  #giveBack(key: string): void {
    this.#taken.delete(key);
    if (this.#dirty.delete(key)) this.add(key);
  }

  #delayMs(failures: number): number {
    const { initialMs, maxMs, jitter } = this.#options.backoff ?? DEFAULT_BACKOFF;
    const fullMs = Math.min(maxMs, initialMs * 2 ** Math.min(failures, 40));
    return fullMs * (1 - jitter * this.#options.prng.next());
  }
}
