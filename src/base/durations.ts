/** How long things took, counted in buckets: what a histogram shows. Knows numbers; must not know what was measured. */

/** Upper bounds in seconds, inclusive; what is above all of them is counted too. */
export const DURATION_BOUNDS: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** Each value is in one bucket; the last bucket has no bound. */
export interface Histogram {
  /** In seconds, ascending; one fewer than counts. */
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
  /** Seconds. */
  readonly sum: number;
}

export class Durations {
  readonly #counts: number[] = Array.from({ length: DURATION_BOUNDS.length + 1 }, () => 0);
  #sum = 0;

  add(seconds: number): void {
    const found = DURATION_BOUNDS.findIndex((bound) => seconds <= bound);
    const at = found < 0 ? DURATION_BOUNDS.length : found;
    this.#counts[at] = (this.#counts[at] as number) + 1;
    this.#sum += seconds;
  }

  get histogram(): Histogram {
    return { bounds: DURATION_BOUNDS, counts: [...this.#counts], sum: this.#sum };
  }
}

/** What a loop that reconciles has done so far. */
export interface LoopFigures {
  /** Of the loop. */
  readonly name: string;
  readonly successes: number;
  readonly errors: number;
  /** Seconds per reconcile. */
  readonly reconcileTimes: Histogram;
  /** Absent: the loop has no queue of keys. */
  readonly queue?: QueueFigures;
}

/** Counts what a loop does. */
export class LoopMeter {
  readonly #times = new Durations();
  #successes = 0;
  #errors = 0;

  /** @param nowMs the loop's clock. @throws what `reconcile` threw, counted. */
  async measure<T>(nowMs: () => number, reconcile: () => Promise<T>): Promise<T> {
    const startMs = nowMs();
    try {
      const result = await reconcile();
      this.#successes += 1;
      return result;
    } catch (error) {
      this.#errors += 1;
      throw error;
    } finally {
      this.#times.add((nowMs() - startMs) / 1_000);
    }
  }

  /** @param name of the loop. */
  figures(name: string): LoopFigures {
    return { name, successes: this.#successes, errors: this.#errors, reconcileTimes: this.#times.histogram };
  }
}

export interface QueueFigures {
  /** Keys that wait now. */
  readonly depth: number;
  readonly adds: number;
  /** Keys that came back after a failure. */
  readonly retries: number;
  /** Seconds from the moment a key was ready until it was taken. */
  readonly waitTimes: Histogram;
}
