/** The rules of batch channels as tokens: positions, cells, slots; no memory, no time. Used to look for deadlocks. */
import type { Prng } from "../../src/base/prng.js";
import type { NodeChannels } from "../../src/flow/channels.js";
import type { FlowGraph, GraphNode } from "../../src/flow/graph.js";

interface Task {
  /** Positions taken and not emitted, in the order of taking. */
  readonly hand: number[];
  /** Positions whose message lies in this task's pool. */
  readonly live: Set<number>;
}

interface Vertex {
  readonly node: GraphNode;
  readonly slots: number;
  readonly cells: number;
  readonly tasks: readonly Task[];
  readonly taken: Set<number>;
  /** Position to whether it carries a message (true) or the mark "none". */
  readonly emitted: Map<number, boolean>;
  /** Child to the positions that it acknowledged. */
  readonly acknowledged: ReadonlyMap<string, Set<number>>;
}

export interface SimulationOptions {
  readonly positions: number;
  readonly prng: Prng;
  /** Chance that a node filters an input out. */
  readonly filter: number;
}

/** Runs until nothing can move. @returns the nodes that could not finish; empty when all is done. */
export function stuckNodes(graph: FlowGraph, channels: readonly NodeChannels[], options: SimulationOptions): string[] {
  const simulation = new ChannelSimulation(graph, channels, options);
  return simulation.run();
}

type Move = () => void;

class ChannelSimulation {
  readonly #options: SimulationOptions;
  readonly #vertices: ReadonlyMap<string, Vertex>;
  /** The scheduler prefers nodes in this order, so that some run far ahead. */
  readonly #favourites: readonly Vertex[];

  constructor(graph: FlowGraph, channels: readonly NodeChannels[], options: SimulationOptions) {
    this.#options = options;
    const sizes = new Map(channels.map((entry) => [entry.node, entry.channels]));
    this.#vertices = new Map(
      graph.nodes.map((node) => {
        const cells = Math.min(
          ...node.children.map((child) => sizes.get(child)?.inputs.find((input) => input.from === node.name)?.cells ?? 1),
        );
        return [node.name, vertexOf(node, sizes.get(node.name)?.slots ?? 0, cells)];
      }),
    );
    const weights = new Map([...this.#vertices.keys()].map((name) => [name, options.prng.next()]));
    this.#favourites = [...this.#vertices.values()].toSorted((a, b) => (weights.get(a.node.name) ?? 0) - (weights.get(b.node.name) ?? 0));
  }

  run(): string[] {
    for (let move = this.#nextMove(); move !== undefined; move = this.#nextMove()) move();
    return [...this.#vertices.values()].filter((vertex) => vertex.emitted.size < this.#options.positions).map((vertex) => vertex.node.name);
  }

  #nextMove(): Move | undefined {
    const { prng } = this.#options;
    const order = prng.chance(0.7) ? this.#favourites : this.#favourites.toSorted(() => prng.next() - 0.5);
    for (const vertex of order) {
      const moves = vertex.tasks.flatMap((task, index) => this.#movesOf(vertex, task, index));
      if (moves.length > 0) return prng.pick(moves);
    }
    return undefined;
  }

  #movesOf(vertex: Vertex, task: Task, index: number): Move[] {
    const { hand } = task;
    const [oldest] = hand;
    const isFull = hand.length > vertex.node.holds;
    const isEnd = vertex.taken.size === this.#options.positions;
    if (oldest !== undefined && (isFull || isEnd)) return this.#hasSlot(vertex, task) ? [() => this.#emit(vertex, task, oldest)] : [];
    return this.#takeable(vertex, index).map((position) => () => {
      vertex.taken.add(position);
      hand.push(position);
    });
  }

  /** One task goes in order; of several, any may take any position, or only those whose key is theirs. */
  #takeable(vertex: Vertex, index: number): number[] {
    const { positions } = this.#options;
    const { tasks, partitionBy } = vertex.node;
    const candidates = tasks === 1 ? [vertex.taken.size] : Array.from({ length: positions }, (_, position) => position);
    return candidates.filter((position) => {
      if (position >= positions || vertex.taken.has(position)) return false;
      if (partitionBy !== undefined && (position * 7 + (position >> 2)) % tasks !== index) return false;
      return this.#isPublished(vertex, position) && this.#hasCell(vertex, position);
    });
  }

  #isPublished(vertex: Vertex, position: number): boolean {
    return vertex.node.inputs.every((input) => this.#vertices.get(input)?.emitted.has(position));
  }

  #hasCell(vertex: Vertex, position: number): boolean {
    const before = position - vertex.cells;
    return before < 0 || [...vertex.acknowledged.values()].every((done) => done.has(before));
  }

  #hasSlot(vertex: Vertex, task: Task): boolean {
    return vertex.node.children.length === 0 || task.live.size < vertex.slots;
  }

  #emit(vertex: Vertex, task: Task, position: number): void {
    task.hand.shift();
    const isMessage = this.#carries(vertex, position) && !this.#options.prng.chance(this.#options.filter);
    vertex.emitted.set(position, isMessage);
    if (isMessage && vertex.node.children.length > 0) task.live.add(position);
    for (const input of vertex.node.inputs) this.#acknowledge(input, vertex.node.name, position);
  }

  #carries(vertex: Vertex, position: number): boolean {
    return vertex.node.inputs.every((input) => this.#vertices.get(input)?.emitted.get(position) === true);
  }

  #acknowledge(parent: string, child: string, position: number): void {
    const vertex = this.#vertices.get(parent);
    vertex?.acknowledged.get(child)?.add(position);
    const isFree = [...(vertex?.acknowledged.values() ?? [])].every((done) => done.has(position));
    if (isFree) for (const task of vertex?.tasks ?? []) task.live.delete(position);
  }
}

function vertexOf(node: GraphNode, slots: number, cells: number): Vertex {
  return {
    node,
    slots,
    cells,
    tasks: Array.from({ length: node.tasks }, () => ({ hand: [], live: new Set<number>() })),
    taken: new Set(),
    emitted: new Map(),
    acknowledged: new Map(node.children.map((child) => [child, new Set<number>()])),
  };
}
