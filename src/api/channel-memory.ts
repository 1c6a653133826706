/**
 * How much shared memory the channels of a run may need: what admission asks of a host, and what an agent keeps for the run.
 * Knows the sizes that tasks carry in their specs; must not know how a channel lies in memory. Pure.
 */
import type { FlowTaskSpec, VideoFlowSpec } from "./kinds.js";

/** Bytes of a cell of a ring. */
export const CELL_BYTES = 32;
/** Further positions of every edge, and further slots of every task, for each replica that is added while messages flow. */
export const PLACES_PER_REPLICA = 5;
export const SLOTS_PER_REPLICA = 2;
/** Replicas for which buffers grow. */
const MAX_ADDED = 16;

/** A node as its memory is counted. */
export interface NodeMemory {
  readonly name: string;
  /** Replicas that it has, or is to have. */
  readonly tasks: number;
  readonly channels: Pick<FlowTaskSpec["channels"], "tasks" | "slots" | "slotBytes"> & {
    readonly inputs: readonly { readonly from: string; readonly cells: number }[];
  };
}

/**
 * What each node may need for what it gives, every message at its nominal size, and for the cells that it reads. Replicas beyond
 * those that the channels were made for make room for further messages everywhere; docs/memory-layout.md says how many.
 */
export function memoryOf(
  flowType: VideoFlowSpec["flowType"],
  nodes: readonly NodeMemory[],
): { readonly name: string; readonly bytes: number }[] {
  const rings = new Map<string, number>();
  for (const { from, cells } of nodes.flatMap(({ channels }) => channels.inputs)) rings.set(from, Math.max(rings.get(from) ?? 0, cells));
  const more = nodes.reduce((sum, { tasks, channels }) => sum + Math.max(0, tasks - channels.tasks), 0);
  const added = Math.min(MAX_ADDED, more);
  return nodes.map(({ name, tasks, channels }) => {
    const window = (rings.get(name) ?? 0) + PLACES_PER_REPLICA * added;
    const all = (channels.slots + SLOTS_PER_REPLICA * added) * tasks;
    const live = flowType === "Realtime" ? all : added > 0 && tasks > 1 ? window : Math.min(all, window);
    const cells = channels.inputs.reduce((sum, input) => sum + input.cells * CELL_BYTES, 0);
    return { name, bytes: (channels.slots === 0 ? 0 : live * channels.slotBytes) + cells };
  });
}

/** The sum over all nodes. */
export function memoryBytes(flowType: VideoFlowSpec["flowType"], nodes: readonly NodeMemory[]): number {
  return memoryOf(flowType, nodes).reduce((sum, { bytes }) => sum + bytes, 0);
}
