/** Where the ways of a message part and meet again. Pure. */
import type { FlowGraph, GraphNode } from "./graph.js";

/**
 * The heaviest way from a node to each of its descendants: the sum of the weights behind the node, the descendant included.
 * The node itself weighs 0. What it does not reach is absent.
 */
export function longestPaths(graph: FlowGraph, from: GraphNode, weight: (node: GraphNode) => number): ReadonlyMap<string, number> {
  const heaviest = new Map([[from.name, 0]]);
  for (const node of graph.nodes) {
    const reached = node.inputs.flatMap((input) => heaviest.get(input) ?? []);
    if (reached.length > 0 && node.name !== from.name) heaviest.set(node.name, Math.max(...reached) + weight(node));
  }
  return heaviest;
}

type Reach = ReadonlyMap<string, ReadonlySet<string>>;

const reaches = new WeakMap<FlowGraph, Reach>();
const joins = new WeakMap<GraphNode, readonly GraphNode[]>();

/** Names of a node and of everything behind it. */
export function reachOf(graph: FlowGraph, name: string): ReadonlySet<string> {
  const known = reaches.get(graph) ?? allReaches(graph);
  reaches.set(graph, known);
  return known.get(name) ?? new Set();
}

function allReaches(graph: FlowGraph): Reach {
  const reach = new Map<string, ReadonlySet<string>>();
  for (const node of graph.nodes.toReversed()) {
    reach.set(node.name, new Set([node.name, ...node.children.flatMap((child) => [...(reach.get(child) ?? [])])]));
  }
  return reach;
}

/** The joins at which ways that leave the node through different edges meet again, through different inputs. */
export function reconvergences(graph: FlowGraph, node: GraphNode): readonly GraphNode[] {
  const known = joins.get(node) ?? findReconvergences(graph, node);
  joins.set(node, known);
  return known;
}

function findReconvergences(graph: FlowGraph, node: GraphNode): GraphNode[] {
  if (node.children.length < 2) return [];
  return graph.nodes.filter(
    (join) => join.inputs.length > 1 && node.children.filter((child) => reachOf(graph, child).has(join.name)).length > 1,
  );
}
