/** What realtime channels keep, and what a dropped message makes useless elsewhere. Pure. */
import { reconvergences } from "./channels-paths.js";
import type { FlowGraph, GraphNode } from "./graph.js";
import { TIME_WAITING } from "./time-joins.js";

/** Child to parent to messages kept on that channel before the oldest is dropped. */
export type Keeps = ReadonlyMap<string, ReadonlyMap<string, number>>;

/** Messages that can be in flight from behind the fork to the node, the node's hand included. */
type InFlight = ReadonlyMap<string, number>;

/**
 * Ordinary channels keep the freshest (or `buffer.messages` of their writer). A channel into a join also keeps what the other
 * ways to the join can have in flight: what their channels keep and their tasks have in hand. The last channel of the
 * other way counts for nothing: what waits there has arrived.
 */
export function keepsOf(graph: FlowGraph): Keeps {
  const keeps = new Map<string, ReadonlyMap<string, number>>();
  const forks = graph.nodes.filter((node) => reconvergences(graph, node).length > 0);
  const inFlight = new Map(forks.map((fork) => [fork.name, new Map([[fork.name, 0]])]));
  for (const node of graph.nodes) {
    const relevant = forks.filter((fork) => reconvergences(graph, fork).includes(node)).map((fork) => inFlight.get(fork.name) ?? new Map());
    const own = new Map(node.inputs.map((from) => [from, ownKeep(graph, from, node) + mostElsewhere(relevant, node, from)]));
    keeps.set(node.name, own);
    for (const [fork, ways] of inFlight) if (fork !== node.name) extend(ways, node, Math.max(0, ...own.values()));
  }
  return keeps;
}

function ownKeep(graph: FlowGraph, from: string, to: GraphNode): number {
  return graph.byName.get(from)?.buffer?.messages ?? (to.timeJoin === undefined ? 1 : TIME_WAITING);
}

/** The most that another way from a common fork can have in flight, in messages. */
function mostElsewhere(forks: readonly InFlight[], join: GraphNode, from: string): number {
  const others = join.inputs.filter((other) => other !== from);
  return Math.max(0, ...forks.filter((ways) => ways.has(from)).flatMap((ways) => others.map((other) => ways.get(other) ?? 0)));
}

function extend(ways: Map<string, number>, node: GraphNode, kept: number): void {
  const before = node.inputs.flatMap((input) => ways.get(input) ?? []);
  if (before.length > 0) ways.set(node.name, Math.max(...before) + kept + node.tasks * (1 + node.holds));
}

/** Names of a node and of everything behind it in which its messages keep their positions: up to joins by time. */
function reachByTrace(graph: FlowGraph, name: string, found = new Set<string>()): ReadonlySet<string> {
  const node = graph.byName.get(name);
  if (node === undefined || node.timeJoin !== undefined || found.has(name)) return found;
  found.add(name);
  for (const child of node.children) reachByTrace(graph, child, found);
  return found;
}

/** The channels into Trace joins on which a message dropped on from → to can never be completed. */
export function releasesOf(graph: FlowGraph, from: string, to: string): { readonly from: string; readonly to: string }[] {
  const behind = reachByTrace(graph, to);
  return graph.nodes
    .filter((join) => join.inputs.length > 1 && behind.has(join.name))
    .flatMap((join) => join.inputs.filter((input) => !behind.has(input)).map((input) => ({ from: input, to: join.name })))
    .filter((channel) => !(channel.from === from && channel.to === to));
}
