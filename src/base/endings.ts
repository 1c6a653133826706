/** What must be ended, in the order in which it was begun. One that cannot be ended keeps no other from its end. */

export type End = () => unknown;

export class Endings {
  readonly #ends: End[] = [];

  add(end: End): void {
    this.#ends.push(end);
  }

  /** Ends all, the last begun first, one after the other; each once. @returns what went wrong, in that order. */
  async end(): Promise<readonly unknown[]> {
    const problems: unknown[] = [];
    for (let end = this.#ends.pop(); end !== undefined; end = this.#ends.pop()) {
      try {
        await end();
      } catch (error) {
        problems.push(error);
      }
    }
    return problems;
  }
}
