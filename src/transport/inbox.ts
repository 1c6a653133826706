/** The messages of the unit in hand: read from the cells that were taken, in place in the slots of their writers. */

import { MESSAGE } from "./codec.js";
import type { TaskContext } from "./context.js";
import { poolPath } from "./files.js";
import { CELL, type EdgeLayout, FATE, MAX_OUTPUTS, type NodeLayout, SLOT, SMALL_BYTES, type TaskLayout } from "./layout.js";
import { type Fates, noFates } from "./ledger.js";
import { type Keeper, MessageView } from "./message-view.js";
import { PoolMapping } from "./pool.js";
import { hasMore, outputCount, outputOrigin, referenceSlot, referenceTask, slotReference } from "./words.js";

export class Inbox {
  readonly #context: TaskContext;
  readonly #keeper: Keeper;
  readonly #pools: (PoolMapping | undefined)[][];
  readonly #byPath = new Map<string, PoolMapping>();
  /** As many as {@link #count} says: to empty an array costs as much as a small message. */
  readonly #views: (MessageView | undefined)[] = [];
  #count = 0;
  /** Per input: messages and marks of the unit in hand. */
  readonly #messages: Int32Array;
  readonly #marks: Int32Array;
  readonly #fates: Fates;
  #sizeBytes = 0;

  constructor(context: TaskContext, keeper: Keeper) {
    this.#context = context;
    this.#keeper = keeper;
    this.#pools = context.inputs.map(() => []);
    this.#messages = new Int32Array(context.inputs.length);
    this.#marks = new Int32Array(context.inputs.length);
    this.#fates = noFates(context);
  }

  /** Messages of the unit in hand, and the bytes of their payloads. */
  get count(): number {
    return this.#count;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Views the messages of a cell; none of a cell that is "none" or not there (-1). */
  read(input: number, cell: number): MessageView[] {
    if (cell < 0) return [];
    const { i32, inputs, memory } = this.#context;
    let reference = i32[cell + CELL.reference] as number;
    let generation = i32[cell + CELL.generation] as number;
    const edge = inputs[input] as EdgeLayout;
    const length = reference === 0 ? 0 : outputCount(i32[cell + CELL.count] as number);
    const messages = new Array<MessageView>(length); // As long as it will be: to grow one costs more than to make it.
    this.note(input, length);
    for (let i = 0; i < length; i += 1) {
      const task = referenceTask(reference);
      const entry = referenceSlot(reference);
      const slot = ((memory.layout.nodes[edge.from] as NodeLayout).tasks[task] as TaskLayout).slots + entry * SLOT.size;
      const view = new MessageView(this.#keeper, this.#poolOf(input, edge, task), entry, edge.edge, slot, reference, generation);
      messages[i] = view;
      this.#views[this.#count] = view;
      this.#count += 1;
      this.#sizeBytes += view.sizeBytes;
      generation = i32[slot + SLOT.nextGeneration] as number;
      reference = slotReference(task, (i32[slot + SLOT.next] as number) - 1);
    }
    return messages;
  }

  /** Counts a cell for the ledger: its messages, or the mark that it is. */
  note(input: number, messages: number): void {
    if (messages === 0) this.#marks[input] = (this.#marks[input] as number) + 1;
    else this.#messages[input] = (this.#messages[input] as number) + messages;
  }

  /**
   * What becomes of the messages in hand once they are acknowledged; valid until the next call.
   *
   * @param buried how many calls of the unit ended in dead letters; a call of a join has one message of each input, or several.
   * @param isDropped nobody works on them.
   */
  fates(buried: number, isDropped: boolean): Fates {
    const fates = this.#fates;
    const isJoin = this.#messages.length > 1;
    for (let input = 0; input < this.#messages.length; input += 1) {
      const messages = this.#messages[input] as number;
      const dead = isDropped ? 0 : isJoin && buried > 0 ? messages : Math.min(buried, messages);
      const at = input * FATE.count;
      fates[at + FATE.deadLettered] = dead;
      fates[at + FATE.dropped] = isDropped ? messages : 0;
      fates[at + FATE.acknowledged] = isDropped ? 0 : messages - dead;
      fates[at + FATE.marks] = this.#marks[input] as number;
    }
    return fates;
  }

  #poolOf(input: number, edge: EdgeLayout, task: number): PoolMapping {
    const pools = this.#pools[input] as (PoolMapping | undefined)[];
    const known = pools[task];
    if (known !== undefined) return known;
    const { memory } = this.#context;
    const node = memory.layout.nodes[edge.from] as NodeLayout;
    const path = poolPath(memory.dir, node.plan.name, task);
    const pool = this.#byPath.get(path) ?? new PoolMapping(path, node.tasks[task] as TaskLayout, false);
    this.#byPath.set(path, pool);
    pools[task] = pool;
    return pool;
  }

  /** The event time of a message that is published, NaN if it has none. */
  eventTsOf(input: number, reference: number): number {
    const pool = this.#poolOf(input, this.#context.inputs[input] as EdgeLayout, referenceTask(reference));
    return pool.f64[((referenceSlot(reference) * SMALL_BYTES) / 4 + MESSAGE.eventTsF64) / 2] as number;
  }

  /** Which node's flush the unit comes from, plus one; 0 = a producer's message. */
  originOf(cells: Int32Array): number {
    for (const cell of cells) {
      const origin = this.#originAt(cell);
      if (origin !== 0) return origin;
    }
    return 0;
  }

  #originAt(cell: number): number {
    return cell < 0 ? 0 : outputOrigin(this.#context.i32[cell + CELL.count] as number);
  }

  #hasMore(cell: number): boolean {
    return cell >= 0 && hasMore(this.#context.i32[cell + CELL.count] as number);
  }

  /** Why the halves of a join by trace do not belong together; undefined if they do. */
  joinProblem(cells: Int32Array, inputs: readonly (readonly MessageView[])[]): string | undefined {
    const names = this.#context.node.plan.inputs;
    let origin = -1;
    for (let i = 0; i < cells.length; i += 1) {
      const messages = inputs[i] as readonly MessageView[];
      if (this.#hasMore(cells[i] as number)) return `input "${names[i]}" has more than ${MAX_OUTPUTS} outputs of one trace`;
      if (messages.length > 1) return `input "${names[i]}" has ${messages.length} outputs of one trace`;
      const here = this.#originAt(cells[i] as number);
      if (messages.length === 1 && here !== 0) origin = here;
    }
    if (origin <= 0) return undefined;
    const odd = cells.findIndex((cell) => this.#originAt(cell) !== origin);
    return odd < 0 ? undefined : `what a flush() gave has no counterpart on input "${names[odd]}"`;
  }

  /** The unit left the hand: messages that nobody retained are invalid from now on. */
  clear(): void {
    for (let i = 0; i < this.#count; i += 1) {
      this.#views[i]?.settle();
      this.#views[i] = undefined;
    }
    this.#count = 0;
    for (let input = 0; input < this.#messages.length; input += 1) {
      this.#messages[input] = 0;
      this.#marks[input] = 0;
    }
    this.#sizeBytes = 0;
  }
}
