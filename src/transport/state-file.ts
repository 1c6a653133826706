/** The state of one task: two buffers in a file of its own, of which the commit word says which one counts. */
import { closeSync, constants, openSync } from "node:fs";
import { OperatorError } from "../base/errors.js";
import type { TaskContext } from "./context.js";
import { allocateBytes, notePlace, statePath } from "./files.js";
import { TASK } from "./layout.js";
import { libc } from "./libc.js";

export const MAX_STATE_BYTES = 2 ** 20;
/** Below this a loop is faster than a call. */
const SMALL_STATE_BYTES = 64;
const PAGE_BYTES = 4096;
const EMPTY = Buffer.alloc(0);

/** A state as one word: length and buffer, plus one so that 0 means "none". */
export function stateWord(length: number, half: number): number {
  return ((length << 1) | half) + 1;
}

export function stateLength(word: number): number {
  return (word - 1) >>> 1;
}

export function stateHalf(word: number): number {
  return (word - 1) & 1;
}

/** Made when the first state is written; a task without state has no file. */
export class StateFile {
  readonly #context: TaskContext;
  readonly #halves: [Buffer, Buffer] = [EMPTY, EMPTY];

  constructor(context: TaskContext) {
    this.#context = context;
  }

  /** The word of the state that counts; 0 if there is none. */
  get word(): number {
    return this.#context.i32[this.#context.region + TASK.snapshot] as number;
  }

  /** @returns a copy of the state that counts, undefined if there is none. */
  read(): Uint8Array | undefined {
    const { word } = this;
    return word === 0 ? undefined : Uint8Array.prototype.slice.call(this.#active(word));
  }

  /**
   * Writes a state where nobody looks, unless it is the one that counts already.
   *
   * @returns the word that makes it count. @throws OperatorError STATE_TOO_LARGE, SHM_FULL
   */
  write(state: Uint8Array): number {
    const { length } = state;
    if (length > MAX_STATE_BYTES) throw this.#tooLarge(length);
    const { word } = this;
    if (word !== 0 && stateLength(word) === length && isSame(this.#half(stateHalf(word), length), state)) return word;
    const half = word === 0 ? 0 : 1 - stateHalf(word);
    copyInto(this.#half(half, length), state);
    this.#context.step?.("state written");
    return stateWord(length, half);
  }

  #tooLarge(sizeBytes: number): OperatorError<"STATE_TOO_LARGE"> {
    return new OperatorError("STATE_TOO_LARGE", { node: this.#context.node.plan.name, sizeBytes, limitBytes: MAX_STATE_BYTES });
  }

  #active(word: number): Buffer {
    return this.#half(stateHalf(word), stateLength(word)).subarray(0, stateLength(word));
  }

  /** One of the buffers, at least `sizeBytes` long. */
  #half(half: number, sizeBytes: number): Buffer {
    const mapped = this.#halves[half] as Buffer;
    if (mapped.length >= Math.max(1, sizeBytes)) return mapped;
    const pages = 2 ** Math.ceil(Math.log2(Math.max(1, sizeBytes / PAGE_BYTES)));
    const grown = this.#map(half * MAX_STATE_BYTES, pages * PAGE_BYTES);
    this.#halves[half] = grown;
    return grown;
  }

  #map(offset: number, length: number): Buffer {
    const { memory, node, task } = this.#context;
    const path = statePath(memory.dir, node.plan.name, task.index);
    const fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    try {
      allocateBytes(memory.dir, fd, offset, length);
      const mapping = libc().map(fd, offset, length, true);
      if (mapping === undefined) throw new OperatorError("SHM_INVALID", { path, problem: `cannot map ${length} bytes` });
      notePlace(mapping.buffer, path, offset);
      return Buffer.from(mapping.buffer);
    } finally {
      closeSync(fd);
    }
  }
}

function copyInto(half: Buffer, state: Uint8Array): void {
  if (state.length > SMALL_STATE_BYTES) half.set(state);
  else for (let i = 0; i < state.length; i += 1) half[i] = state[i] as number;
}

/** Whether a buffer begins with the state. */
function isSame(active: Buffer, state: Uint8Array): boolean {
  if (state.length > SMALL_STATE_BYTES) return active.subarray(0, state.length).equals(state);
  for (let i = 0; i < state.length; i += 1) if (active[i] !== state[i]) return false;
  return true;
}
