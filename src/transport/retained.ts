/** What a task keeps of its inputs beyond their commit: notes in shared memory, so that a recovery finds them. */
import { OperatorError } from "../base/errors.js";
import type { TaskContext } from "./context.js";
import { type EdgeLayout, MAX_RETAINED, RETAINED, SLOT, TASK } from "./layout.js";
import type { Keeper, MessageView } from "./message-view.js";

export class Retained implements Keeper {
  readonly private: boolean;
  readonly #context: TaskContext;
  readonly #notes: number;
  #count = 0;

  /** @param isPrivate whether inputs are private copies. */
  constructor(context: TaskContext, isPrivate: boolean) {
    this.private = isPrivate;
    this.#context = context;
    this.#notes = context.region + TASK.retained;
  }

  /** For a commit: tells which slots stay. undefined while nothing is kept, so that nobody looks. */
  get filter(): ((slot: number) => boolean) | undefined {
    return this.#count > 0 ? this.#isKept : undefined;
  }

  keep(view: MessageView): number {
    const { i32, node } = this.#context;
    for (let note = 0; note < MAX_RETAINED; note += 1) {
      const at = this.#notes + note * RETAINED.size;
      if (Atomics.load(i32, at + RETAINED.reference) !== 0) continue;
      i32[at + RETAINED.edge] = view.edge;
      i32[at + RETAINED.generation] = view.generation;
      i32[at + RETAINED.slot] = view.slotWord;
      Atomics.store(i32, at + RETAINED.reference, view.reference);
      this.#count += 1;
      return note;
    }
    throw new OperatorError("RETAIN_FULL", { node: node.plan.name, limit: MAX_RETAINED });
  }

  free(view: MessageView, note: number): void {
    const { i32, memory, bells } = this.#context;
    const edge = memory.layout.edges[view.edge] as EdgeLayout;
    Atomics.and(i32, view.slotWord + SLOT.bits, ~edge.bit);
    this.forget(note);
    bells.wakeWriters(edge);
  }

  forget(note: number): void {
    Atomics.store(this.#context.i32, this.#notes + note * RETAINED.size + RETAINED.reference, 0);
    this.#count -= 1;
  }

  readonly #isKept = (slot: number): boolean => {
    const { i32 } = this.#context;
    for (let note = 0; note < MAX_RETAINED; note += 1) {
      const at = this.#notes + note * RETAINED.size;
      if (i32[at + RETAINED.reference] !== 0 && i32[at + RETAINED.slot] === slot) return true;
    }
    return false;
  };
}
