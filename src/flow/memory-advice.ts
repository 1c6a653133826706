/** Which buffer of a flow to shrink so that it fits. Pure. */
import { channelsOf, DEFAULT_BUFFER_MESSAGES, memoryBytes, memoryOf } from "./channels.js";
import type { FlowGraph, GraphNode } from "./graph.js";

/**
 * @param freeBytes shared memory that there is for the flow.
 * @returns one sentence without a full stop: a node and the largest buffer with which the flow fits, or what is needed at least.
 */
export function memoryAdvice(graph: FlowGraph, freeBytes: number): string {
  const largest = bySize(graph);
  for (const node of largest) {
    const messages = fittingBuffer(graph, node, freeBytes);
    if (messages !== undefined) return `set buffer.messages of node ${node.name} to ${messages}${bytesText(node, messages)}`;
  }
  const least = memoryBytes(...withChannels(largest.reduce((smaller, node) => withBuffer(smaller, node, 1), graph)));
  const [worst] = largest;
  const where = worst === undefined ? "" : `; most of it is for node ${worst.name}`;
  return `with buffer.messages: 1 on every node it still needs ${toMiB(least)} MiB${where}`;
}

/** Nodes with children, those with the largest pools first. */
function bySize(graph: FlowGraph): GraphNode[] {
  const bytes = new Map(memoryOf(...withChannels(graph)).map((entry) => [entry.name, entry.bytes]));
  const parents = graph.nodes.filter(({ children }) => children.length > 0);
  return parents.toSorted((a, b) => (bytes.get(b.name) ?? 0) - (bytes.get(a.name) ?? 0));
}

/** The largest buffer of this node with which the flow fits; undefined if none does. */
function fittingBuffer(graph: FlowGraph, node: GraphNode, freeBytes: number): number | undefined {
  const fits = (messages: number) => memoryBytes(...withChannels(withBuffer(graph, node, messages))) <= freeBytes;
  if (!fits(1)) return undefined;
  let low = 1;
  let high = channelsOf(graph).find((entry) => entry.node === node.name)?.channels.slots ?? 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}

function withChannels(graph: FlowGraph): [FlowGraph, ReturnType<typeof channelsOf>] {
  return [graph, channelsOf(graph)];
}

/** The size of a message stays what it was. */
function withBuffer(graph: FlowGraph, node: GraphNode, messages: number): FlowGraph {
  const bytes = scaledBytes(node, messages);
  const smaller: GraphNode = { ...node, buffer: { ...node.buffer, messages, ...(bytes === undefined ? {} : { bytes }) } };
  const nodes = graph.nodes.map((other) => (other.name === node.name ? smaller : other));
  return { ...graph, nodes, byName: new Map(nodes.map((other) => [other.name, other])) };
}

function scaledBytes({ buffer }: GraphNode, messages: number): number | undefined {
  const { bytes, messages: before = DEFAULT_BUFFER_MESSAGES } = buffer ?? {};
  return bytes === undefined ? undefined : Math.ceil((bytes / before) * messages);
}

function bytesText(node: GraphNode, messages: number): string {
  const bytes = scaledBytes(node, messages);
  return bytes === undefined ? "" : ` and its buffer.bytes to ${bytes}`;
}

function toMiB(bytes: number): number {
  return Math.ceil(bytes / 2 ** 20);
}
