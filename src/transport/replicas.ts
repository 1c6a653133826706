/**
 * How many replicas a node has right now, and how much room the flow has for them. The numbers of the plan are those that the
 * memory was made for; replicas come and go while messages flow, up to the capacity of their node.
 *
 * The word of a node holds the number of its replicas and whether that is final: the first replica that sees the end of all inputs
 * makes it final, since from then on each of them owes a flush. Replicas with an index beyond the number finish what they
 * have in hand and leave for good.
 */
import type { TaskContext } from "./context.js";
import type { ControlMemory } from "./files.js";
import { type EdgeLayout, HEADER, NODE, type NodeLayout, PLACES_PER_REPLICA, SLOTS_PER_REPLICA, type TaskLayout } from "./layout.js";

const COUNT_MASK = 0xffff;
/** Set in the word of a node: its stream is ending, the number stays. */
const FINAL = 0x1_0000;

/** Replicas that a node has now: the tasks 0 to this number - 1. */
export function liveTasks(i32: Int32Array, node: NodeLayout): number {
  return node.tasks.length === 1 ? 1 : Atomics.load(i32, node.header + NODE.tasks) & COUNT_MASK;
}

/** The tasks that ever were among them: the others have no files yet. */
export function startedTasks(i32: Int32Array, node: NodeLayout): readonly TaskLayout[] {
  const most = Atomics.load(i32, node.header + NODE.most);
  return most === node.tasks.length ? node.tasks : node.tasks.slice(0, most);
}

/** Whether the number of replicas can no longer change. */
export function isFinal(i32: Int32Array, node: NodeLayout): boolean {
  return (Atomics.load(i32, node.header + NODE.tasks) & FINAL) !== 0;
}

/** The task is one too many, and its siblings go on without it. */
export function isSurplus({ i32, node, task }: TaskContext): boolean {
  if (node.tasks.length === 1) return false;
  const word = Atomics.load(i32, node.header + NODE.tasks);
  return task.index >= (word & COUNT_MASK) && (word & FINAL) === 0;
}

/** Whether the node has had more replicas than now: the others may still be there. */
export function hasSurplus(i32: Int32Array, node: NodeLayout): boolean {
  return Atomics.load(i32, node.header + NODE.most) > liveTasks(i32, node);
}

/** All inputs have ended: from now on the number of replicas stays. @returns the number. */
export function settleTasks({ i32, node, step }: TaskContext): number {
  const at = node.header + NODE.tasks;
  for (;;) {
    const word = Atomics.load(i32, at);
    if ((word & FINAL) !== 0) return word & COUNT_MASK;
    if (Atomics.compareExchange(i32, at, word, word | FINAL) === word) step?.("number final");
  }
}

/** Sets the number of replicas, unless it is final. @returns the number that counts. */
export function storeTasks(i32: Int32Array, node: NodeLayout, count: number): number {
  const at = node.header + NODE.tasks;
  for (;;) {
    const word = Atomics.load(i32, at);
    if ((word & FINAL) !== 0) return word & COUNT_MASK;
    if (Atomics.compareExchange(i32, at, word, count) === word) return count;
  }
}

/** Which replica a key of a partitioned node belongs to. @param owner the owner word of its cell: a hash of the key. */
export function replicaOf(owner: number, count: number): number {
  return (owner >>> 0) % count;
}

/** Positions of an edge that may be unfinished at once: fewer than it has cells while the flow has fewer replicas than it may. */
export function windowOf(i32: Int32Array, edge: EdgeLayout): number {
  if (edge.window === edge.count) return edge.count;
  return Math.min(edge.count, edge.window + PLACES_PER_REPLICA * (i32[HEADER.added] as number));
}

/** Output slots that a task of the node may hold at once. A node that ever was replicated has one for every position. */
export function nominalSlots({ i32, layout }: ControlMemory, node: NodeLayout): number {
  const added = i32[HEADER.added] as number;
  const { slots } = node.plan;
  if (added === 0) return slots;
  if ((i32[node.header + NODE.most] as number) === 1 || layout.plan.flowType === "Realtime") return slots + SLOTS_PER_REPLICA * added;
  return Math.max(slots, ...node.outputs.map((edge) => windowOf(i32, layout.edges[edge] as EdgeLayout)));
}

/** Messages that a realtime edge keeps. One that keeps the freshest alone goes on doing so. */
export function keepOf(i32: Int32Array, edge: EdgeLayout): number {
  const { keep } = edge.plan;
  return keep === 1 ? 1 : keep + SLOTS_PER_REPLICA * (i32[HEADER.added] as number);
}
