/**
 * Whether batch channels of given sizes can wait for each other forever, whatever the schedule. Pure.
 *
 * A message of a node needs others first: a node that holds h inputs emits position p after its parents emitted p + h; a
 * node with room for s messages emits p after each child emitted p − s. As a graph whose edges say how far ahead the other
 * node must be (+h to a parent, −s to a child), the flow is live exactly if no cycle sums up to 0 or more: on such a cycle a
 * message waits for itself. (A marked graph: Commoner, Holt, Even, Pnueli, "Marked directed graphs", 1971.)
 */
import type { FlowGraph } from "./graph.js";

/** How many messages each node has room for, by name. */
export type Rooms = ReadonlyMap<string, number>;

/** @returns whether no cycle of nodes can wait for each other. At most nodes × edges steps. */
export function isLive(graph: FlowGraph, rooms: Rooms): boolean {
  const lead = new Map(graph.nodes.map(({ name }) => [name, 0]));
  for (let round = 0; round <= graph.nodes.length; round += 1) if (!relax(graph, rooms, lead)) return true;
  return false;
}

/** One round of Bellman and Ford, for the longest ways. A cycle of weight 0 must grow too, so each edge weighs a little more than it says. */
function relax(graph: FlowGraph, rooms: Rooms, lead: Map<string, number>): boolean {
  const little = 1 / (2 * graph.nodes.length + 2);
  let hasGrown = false;
  const raise = (name: string, least: number) => {
    if ((lead.get(name) ?? 0) >= least - little / 2) return;
    lead.set(name, least);
    hasGrown = true;
  };
  for (const node of graph.nodes.toReversed()) {
    const own = lead.get(node.name) ?? 0;
    for (const input of node.inputs) raise(input, own + node.holds + little);
    for (const child of node.children) raise(child, own - (rooms.get(node.name) ?? 1) + little);
  }
  return hasGrown;
}

/**
 * Rooms with which any flow is live. Give each node the lead over the sinks that the nodes behind it hold; a node needs room
 * for its lead over its child with the least. Every cycle goes down as much as it goes up, and loses one at each child.
 */
export function safeRooms(graph: FlowGraph): Rooms {
  const lead = new Map<string, number>();
  const rooms = new Map<string, number>();
  for (const node of graph.nodes.toReversed()) {
    const behind = node.children.map((name) => lead.get(name) ?? 0);
    const held = node.children.map((name) => (lead.get(name) ?? 0) + (graph.byName.get(name)?.holds ?? 0));
    const own = Math.max(0, ...held);
    lead.set(node.name, own);
    rooms.set(node.name, 1 + own - Math.min(own, ...behind));
  }
  return rooms;
}
