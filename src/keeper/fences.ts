/**
 * Times at which processes must be dead if nobody says otherwise: their host may be cut off, and their work move to another.
 * Knows ids and times of the boot clock, on which sleep counts; must not know who says so.
 */

const LOOK_MS = 500;

export class Fences {
  readonly #deadlines = new Map<string, number>();
  readonly #nowMs: () => number;
  readonly #strike: (id: string) => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(nowMs: () => number, strike: (id: string) => void) {
    this.#nowMs = nowMs;
    this.#strike = strike;
  }

  /** A later time replaces an earlier one, and the other way round. */
  set(deadlines: Readonly<Record<string, number>>): void {
    for (const [id, atMs] of Object.entries(deadlines)) this.#deadlines.set(id, atMs);
    this.#timer ??= setInterval(() => this.#look(), LOOK_MS);
    this.#look();
  }

  /** The process has ended. */
  forget(id: string): void {
    this.#deadlines.delete(id);
    if (this.#deadlines.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    const nowMs = this.#nowMs();
    for (const [id, atMs] of this.#deadlines) if (nowMs >= atMs) this.#strike(id);
  }
}
