/** Repeatable chance: the same seed gives the same sequence on every machine (mulberry32, public domain). */
export class Prng {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** @returns a number in [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** @returns an integer between `low` and `high`, both included. */
  range(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  /** @returns true with the given probability. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** @returns one of the items. */
  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError("pick from an empty list");
    return items[this.range(0, items.length - 1)] as T;
  }
}
