/** Growing pauses between attempts. */
export interface BackoffLimits {
  readonly initialSeconds: number;
  readonly maxSeconds: number;
}

/** Pauses that double up to a limit, until something worked. Pure. */
export class Backoff {
  readonly #limits: BackoffLimits;
  #failures = 0;

  constructor(limits: BackoffLimits) {
    this.#limits = limits;
  }

  /** Failures in a row. */
  get failures(): number {
    return this.#failures;
  }

  /** Counts a failure. @returns the pause before the next attempt, in milliseconds. */
  fail(): number {
    const seconds = Math.min(this.#limits.maxSeconds, this.#limits.initialSeconds * 2 ** Math.min(this.#failures, 60));
    this.#failures += 1;
    return seconds * 1_000;
  }

  reset(): void {
    this.#failures = 0;
  }
}
