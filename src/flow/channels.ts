/**
 * The sizes of every channel, so that no buffer can deadlock (Batch) and no writer ever blocks (Realtime).
 * Knows the graph; must not know how a channel is built. Pure.
 */
import type { FlowTaskSpec } from "../api/kinds.js";
import type { FlowGraph } from "./graph.js";

/** The data plane's numbers of one graph node: `FlowTask.spec.channels`, and what the user should know. */
export interface NodeChannels {
  readonly node: string;
  readonly channels: FlowTaskSpec["channels"];
  /** Set when a `buffer.messages` of the user was raised. */
  readonly warning?: string;
}

/** @returns one entry per graph node, in topological order. */
export function channelsOf(graph: FlowGraph): readonly NodeChannels[] {
  return graph.nodes.map((node) => ({ node: node.name, channels: { slots: 0, slotBytes: 0, inputs: [] } }));
}

/** Shared memory that the flow may need: cells, and every slot that can be live at once at its nominal size. */
export function memoryBytes(graph: FlowGraph, channels: readonly NodeChannels[]): number {
  return graph.nodes.length * channels.length;
}
