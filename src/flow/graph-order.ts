/** The order of a graph, and the cycle that forbids one. */

/** A vertex: its name and the names of its parents. */
export interface Vertex {
  readonly name: string;
  readonly inputs: readonly string[];
}

export interface Order<V extends Vertex> {
  /** Parents first; among equals, in the order given. Without what lies on or behind a cycle. */
  readonly order: readonly V[];
  /** What could not be ordered. */
  readonly rest: readonly V[];
}

/** Orders vertices so that parents come first. Inputs that name no vertex are passed over. */
export function topologicalOrder<V extends Vertex>(vertices: readonly V[]): Order<V> {
  const names = new Set(vertices.map((vertex) => vertex.name));
  const placed = new Set<string>();
  const order: V[] = [];
  let rest = vertices;
  const isReady = (vertex: V) => vertex.inputs.every((input) => placed.has(input) || !names.has(input));
  for (let next = rest.find(isReady); next !== undefined; next = rest.find(isReady)) {
    const taken = next;
    placed.add(taken.name);
    order.push(taken);
    rest = rest.filter((vertex) => vertex !== taken);
  }
  return { order, rest };
}

/** @returns the names along one cycle in the direction of the data, first repeated at the end; undefined if there is none. */
export function findCycle(vertices: readonly Vertex[]): readonly string[] | undefined {
  const { rest } = topologicalOrder(vertices);
  const byName = new Map(rest.map((vertex) => [vertex.name, vertex]));
  const path: string[] = [];
  let at = rest[0];
  while (at !== undefined && !path.includes(at.name)) {
    path.push(at.name);
    at = at.inputs.map((input) => byName.get(input)).find((parent) => parent !== undefined);
  }
  if (at === undefined) return undefined;
  const cycle = path.slice(path.indexOf(at.name)).toReversed();
  const first = vertices.find((vertex) => cycle.includes(vertex.name))?.name ?? at.name;
  const turn = cycle.indexOf(first);
  return [...cycle.slice(turn), ...cycle.slice(0, turn), first];
}
