/** The messages of the unit in hand: read from the cells that were taken, in place in the slots of their writers. */

import { MESSAGE } from "./codec.js";
import type { TaskContext } from "./context.js";
import { poolPath } from "./files.js";
import { CELL, type EdgeLayout, type NodeLayout, SLOT, SMALL_BYTES, type TaskLayout } from "./layout.js";
import { type Keeper, MessageView } from "./message-view.js";
import { PoolMapping } from "./pool.js";
import { referenceSlot, referenceTask, slotReference } from "./words.js";

export class Inbox {
  readonly #context: TaskContext;
  readonly #keeper: Keeper;
  readonly #pools: (PoolMapping | undefined)[][];
  readonly #byPath = new Map<string, PoolMapping>();
  readonly #views: MessageView[] = [];
  #sizeBytes = 0;

  constructor(context: TaskContext, keeper: Keeper) {
    this.#context = context;
    this.#keeper = keeper;
    this.#pools = context.inputs.map(() => []);
  }

  /** Messages of the unit in hand, and the bytes of their payloads. */
  get count(): number {
    return this.#views.length;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Views the messages of a cell; none of a cell that is "none" or not there (-1). */
  read(input: number, cell: number): MessageView[] {
    const messages: MessageView[] = [];
    if (cell < 0) return messages;
    const { i32, inputs, memory } = this.#context;
    let reference = i32[cell + CELL.reference] as number;
    let generation = i32[cell + CELL.generation] as number;
    const edge = inputs[input] as EdgeLayout;
    const length = reference === 0 ? 0 : (i32[cell + CELL.count] as number) & 0xff;
    for (let i = 0; i < length; i += 1) {
      const task = referenceTask(reference);
      const entry = referenceSlot(reference);
      const slot = ((memory.layout.nodes[edge.from] as NodeLayout).tasks[task] as TaskLayout).slots + entry * SLOT.size;
      const view = new MessageView(this.#keeper, this.#poolOf(input, edge, task), entry, edge.edge, slot, reference, generation);
      messages.push(view);
      this.#views.push(view);
      this.#sizeBytes += view.sizeBytes;
      generation = i32[slot + SLOT.nextGeneration] as number;
      reference = slotReference(task, (i32[slot + SLOT.next] as number) - 1);
    }
    return messages;
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
    return cell < 0 ? 0 : (this.#context.i32[cell + CELL.count] as number) >>> 8;
  }

  /** Why the halves of a join by trace do not belong together; undefined if they do. */
  joinProblem(cells: Int32Array, inputs: readonly (readonly MessageView[])[]): string | undefined {
    const names = this.#context.node.plan.inputs;
    let origin = -1;
    for (let i = 0; i < cells.length; i += 1) {
      const messages = inputs[i] as readonly MessageView[];
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
    for (const view of this.#views) view.settle();
    this.#views.length = 0;
    this.#sizeBytes = 0;
  }
}
