/** Every write that a durable store has ever answered, in order, read from the copy beside its database while its owner lives and dies. */
import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import type { AnyResource } from "../../src/api/kinds.js";

/** All objects as one write has left them. */
export type State = ReadonlyMap<string, AnyResource>;

export class StoreHistory {
  readonly #file: string;
  readonly #onState: (state: State) => void;
  readonly #objects = new Map<string, AnyResource>();
  #fd: number | undefined;
  #at = 0;
  #writes = 0;

  /** @param onState told after each write. */
  constructor(file: string, onState: (state: State) => void) {
    this.#file = file;
    this.#onState = onState;
  }

  /** Writes seen so far. */
  get writes(): number {
    return this.#writes;
  }

  /** Reads on. A file that took the place of this one begins with all objects; what was appended to the old one comes first. */
  read(): State {
    if (this.#fd !== undefined) this.#drain(this.#fd);
    const there = statSync(this.#file, { throwIfNoEntry: false });
    if (there === undefined || (this.#fd !== undefined && fstatSync(this.#fd).ino === there.ino)) return this.#objects;
    if (this.#fd !== undefined) {
      this.#drain(this.#fd);
      closeSync(this.#fd);
    }
    this.#fd = openSync(this.#file, "r");
    this.#at = 0;
    this.#objects.clear();
    this.#drain(this.#fd);
    return this.#objects;
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  /** Whole lines only: the end of another is still to come, or never will. */
  #drain(fd: number): void {
    const bytes = Buffer.alloc(Math.max(0, fstatSync(fd).size - this.#at));
    const read = bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, this.#at));
    const end = read.lastIndexOf(10) + 1;
    this.#at += end;
    for (const line of read.toString("utf8", 0, end).split("\n").slice(0, -1)) this.#take(line);
  }

  #take(line: string): void {
    const [, ...parts] = line.split("\t");
    for (let at = 0; at < parts.length; at += 2) {
      const [key, text] = [parts[at] as string, parts[at + 1] as string];
      if (text === "") this.#objects.delete(key);
      else this.#objects.set(key, JSON.parse(text) as AnyResource);
    }
    this.#writes += 1;
    this.#onState(this.#objects);
  }
}
