/** What the user of `videoflow run` is told of inputs that could not be processed. */
import { letterIds } from "../base/dead-letters.js";

/** The dead letters of a folder that a run added. */
export class NewLetters {
  readonly #folder: string;
  readonly #before: ReadonlySet<string>;

  constructor(folder: string) {
    this.#folder = folder;
    this.#before = new Set(letterIds(folder));
  }

  /** @returns what to tell; undefined if there are none. */
  text(): string | undefined {
    const added = letterIds(this.#folder).filter((id) => !this.#before.has(id)).length;
    if (added === 0) return undefined;
    const inputs = added === 1 ? "1 input" : `${added} inputs`;
    return `${inputs} could not be processed and went to the dead letters: videoflow deadletters list ${this.#folder}`;
  }
}
