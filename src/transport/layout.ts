/**
 * From a plan to bytes: where every word of the control file lies. Pure; docs/memory-layout.md says the same in prose.
 * All offsets are in 32-bit words unless the name ends in Bytes; a word at an even offset may start a float64.
 */
import { OperatorError } from "../base/errors.js";
import type { DataPlan, EdgePlan, NodePlan } from "./plan.js";
import { MAX_TASKS, type RingShape, ringShape } from "./words.js";

/** Outputs of one commit; each pool has as many entries beyond its nominal slots. */
export const MAX_OUTPUTS = 64;
export const MAX_RETAINED = 64;
/** Buckets of the histogram of times in user code; see process-times.ts. */
export const PROCESS_BUCKETS = 32;
/** One bit per child edge in the word that says who still needs a slot. */
export const MAX_CHILDREN = 31;
export const MAX_SLOTS = 2 ** 20 - MAX_OUTPUTS;
export const MAX_CELLS = 2 ** 20;
const MAX_ADDED = 16;
/** Output slots that a task without siblings may hold for each replica that was added anywhere in the flow. */
export const SLOTS_PER_REPLICA = 2;
/** Positions that each edge may have unfinished for each replica that was added: its window and its hand. */
export const PLACES_PER_REPLICA = 5;

/** Bytes of the part of a slot that is always mapped: header, short texts, small payloads. */
export const SMALL_BYTES = 1024;
/** Distance between the large parts of two slots in the sparse pool file: the largest payload. */
export const LARGE_BYTES = 2 ** 30;

export const MAGIC = 0x46574c56; // "VLWF" in a little-endian file
export const VERSION = 4;
export const ENDIAN_MARK = 0x01020304;

/** Words of the header of the control file. */
export const HEADER = { magic: 0, version: 1, endian: 2, words: 3, hash: 4, stop: 8, pause: 9, added: 10, size: 16 } as const;

/** Words of a node before its tasks: its number of replicas with a flag (see replicas.ts), and the highest number so far. */
export const NODE = { tasks: 0, most: 1, size: 16 } as const;

/** Words of a cell. `position` is a float64. */
export const CELL = { state: 0, reference: 1, generation: 2, count: 3, owner: 4, attempts: 5, position: 6, size: 8 } as const;

/** Words of the control part of a slot. */
export const SLOT = { bits: 0, generation: 1, next: 2, nextGeneration: 3, capacityPages: 4, size: 8 } as const;

/** Words of an edge before its cells. */
export const EDGE = { epoch: 0, size: 16 } as const;

/** Words of a child task's part of an edge's ledger; both are float64, {@link FATE.count} of them. */
export const LEDGER = { fatesF64: 0, redoFatesF64: 8, size: 16 } as const;

/** What became of the messages of an edge: float64 number k of `fatesF64` and `redoFatesF64`. Marks are no messages. */
export const FATE = { acknowledged: 0, deadLettered: 1, dropped: 2, marks: 3, count: 4 } as const;

/** Words of a task's region; names that end in F64 are offsets of a float64, still counted in words. */
export const TASK = {
  sleep: 0,
  endKnown: 1,
  flushed: 2,
  ended: 3,
  endPositionF64: 4,
  incarnation: 6,
  pid: 7,
  retire: 8,
  left: 9,
  producing: 10,
  prepared: 16,
  commit: 17,
  applied: 18,
  redoKind: 19,
  redoHead: 20,
  redoGeneration: 21,
  redoCount: 22,
  redoOrigin: 23,
  redoPositionF64: 24,
  redoEndPositionF64: 26,
  redoSnapshot: 28,
  redoPart: 29,
  redoProgressAt: 30,
  redoOutputsDone: 31,
  state: 32,
  inHand: 33,
  flushAttempts: 34,
  inUserCode: 35,
  inHandPositionF64: 36,
  snapshot: 38,
  progress: 39,
  redoTotalsF64: 48,
  totalsF64: 64,
  countersF64: 80,
  redoOwners: 112,
  retained: 144,
  processTimesF64: 144 + 4 * MAX_RETAINED,
  size: 144 + 4 * MAX_RETAINED + 2 * PROCESS_BUCKETS,
} as const;

/** Words of `TASK.left`: the last incarnation left with nothing in hand; it died, and its recovery is done. */
export const LEFT = 1;
export const RECOVERED = 2;

/** Totals that a commit carries, so that a death never counts twice: float64 number k of `totalsF64` and `redoTotalsF64`. */
export const TOTAL = {
  commits: 0,
  next: 1,
  messagesIn: 2,
  messagesOut: 3,
  bytesIn: 4,
  bytesOut: 5,
  filtered: 6,
  marksOut: 7,
  count: 8,
} as const;

/** Counters that a death may lose one of: float64 number k of `countersF64`. */
export const COUNTER = {
  copied: 0,
  inputWaits: 1,
  spaceWaits: 2,
  rings: 3,
  processUs: 4,
  dropped: 5,
  late: 6,
  attempts: 7,
  progressMs: 8,
  retained: 9,
} as const;

/** Words of an entry of the table of retained messages. */
export const RETAINED = { edge: 0, reference: 1, generation: 2, slot: 3, size: 4 } as const;

export interface TaskLayout {
  readonly node: number;
  readonly index: number;
  /** Number of the task in the whole flow: what stands in cells. */
  readonly task: number;
  readonly region: number;
  /** First word of the control parts of its slots. */
  readonly slots: number;
  /** Slots that there are, those for the outputs of one unit included. */
  readonly entries: number;
  readonly poolSmallBytes: number;
}

export interface EdgeLayout extends RingShape {
  readonly edge: number;
  readonly plan: EdgePlan;
  readonly from: number;
  readonly to: number;
  readonly header: number;
  /** First word of the ledger, {@link LEDGER.size} words for each task of the child. */
  readonly ledger: number;
  readonly cells: number;
  readonly count: number;
  /** Positions that may be unfinished at once as long as no replica was added; see windowOf. */
  readonly window: number;
  /** Bit of this edge in the slots of its parent. */
  readonly bit: number;
  /** Whether the parent names the replica (partitioned child whose first input this is). */
  readonly partitionBy: string | undefined;
  readonly releases: readonly number[];
}

export interface NodeLayout {
  readonly plan: NodePlan;
  readonly header: number;
  /** As many as it may have. */
  readonly tasks: readonly TaskLayout[];
  /** Numbers of the edges, in the order of `inputs`, and of the edges to the children. */
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

export interface Layout {
  readonly plan: DataPlan;
  readonly words: number;
  readonly controlBytes: number;
  /** What the flow may need in shared memory: control file, small parts, nominal slots. */
  readonly budgetBytes: number;
  readonly nodes: readonly NodeLayout[];
  readonly edges: readonly EdgeLayout[];
}

/** @throws OperatorError DATA_PLAN_INVALID */
export function layoutOf(plan: DataPlan): Layout {
  checkPlan(plan);
  const cursor = new Cursor(HEADER.size);
  const blocks = plan.nodes.map((node, index) => ({ header: cursor.take(NODE.size), tasks: taskLayouts(plan, node, index, cursor) }));
  const indexOf = new Map(plan.nodes.map((node, index) => [node.name, index]));
  const edges = plan.edges.map((edge, number) => edgeLayout(plan, edge, number, indexOf, cursor));
  const nodes = plan.nodes.map((node, index) => nodeLayout(node, blocks[index] as NodeBlock, edges, index));
  const controlBytes = roundUp(cursor.at * 4, 4096);
  const pools = nodes.reduce((sum, node) => sum + poolBytes(node), 0);
  return { plan, words: cursor.at, controlBytes, budgetBytes: controlBytes + pools, nodes, edges };
}

/** Hands out words, 64-byte aligned. */
class Cursor {
  at: number;
  tasks = 0;
  constructor(at: number) {
    this.at = at;
  }
  take(words: number): number {
    const start = this.at;
    this.at = roundUp(start + words, 16);
    return start;
  }
}

function taskLayouts(plan: DataPlan, node: NodePlan, nodeIndex: number, cursor: Cursor): TaskLayout[] {
  const entries = mostSlots(plan, node) + MAX_OUTPUTS;
  return Array.from({ length: capacityOf(node) }, (_, index) => {
    const region = cursor.take(TASK.size);
    const slots = cursor.take(entries * SLOT.size);
    cursor.tasks += 1;
    const poolSmallBytes = roundUp(entries * SMALL_BYTES, 4096);
    return { node: nodeIndex, index, task: cursor.tasks - 1, region, slots, entries, poolSmallBytes };
  });
}

/** The most slots that a task of the node may ever hold at once; -MAX_OUTPUTS for a node without children, which has no pool. */
function mostSlots(plan: DataPlan, node: NodePlan): number {
  const rings = plan.edges.filter((edge) => edge.from === node.name).map((edge) => cellsOf(plan, edge));
  if (rings.length === 0) return -MAX_OUTPUTS;
  const grown = node.slots + SLOTS_PER_REPLICA * mostAdded(plan);
  return capacityOf(node) > 1 && plan.flowType === "Batch" && mostAdded(plan) > 0 ? Math.max(grown, ...rings) : grown;
}

/** The cells of a ring when all the room for added replicas is used. */
function cellsOf(plan: DataPlan, edge: EdgePlan): number {
  const added = mostAdded(plan);
  if (added === 0) return edge.cells;
  const from = plan.nodes.find(({ name }) => name === edge.from) as NodePlan;
  const least = plan.flowType === "Batch" ? edge.cells + PLACES_PER_REPLICA * added : 2 * (from.slots + SLOTS_PER_REPLICA * added);
  return Math.min(MAX_CELLS, 2 ** Math.ceil(Math.log2(Math.max(edge.cells, least))));
}

export function capacityOf({ tasks, capacity = tasks }: NodePlan): number {
  return capacity;
}

/** Replicas beyond the plan for which buffers grow; with more of them the buffers stay as they are. */
export function mostAdded({ nodes }: DataPlan): number {
  return Math.min(
    MAX_ADDED,
    nodes.reduce((sum, node) => sum + capacityOf(node) - node.tasks, 0),
  );
}

function edgeLayout(plan: DataPlan, edge: EdgePlan, number: number, indexOf: Map<string, number>, cursor: Cursor): EdgeLayout {
  const siblings = plan.edges.filter((other) => other.from === edge.from);
  const child = plan.nodes[indexOf.get(edge.to) as number] as NodePlan;
  const partitioned = child.partitionBy !== undefined && capacityOf(child) > 1 && child.inputs[0] === edge.from;
  const count = cellsOf(plan, edge);
  return {
    ...ringShape(count),
    edge: number,
    plan: edge,
    from: indexOf.get(edge.from) as number,
    to: indexOf.get(edge.to) as number,
    header: cursor.take(EDGE.size),
    ledger: cursor.take(capacityOf(child) * LEDGER.size),
    cells: cursor.take(count * CELL.size),
    count,
    window: edge.cells,
    bit: 1 << siblings.indexOf(edge),
    partitionBy: partitioned ? child.partitionBy : undefined,
    releases: edge.releases.map((release) => edgeNumber(plan, release.from, release.to)),
  };
}

type NodeBlock = Pick<NodeLayout, "header" | "tasks">;

function nodeLayout(plan: NodePlan, block: NodeBlock, edges: readonly EdgeLayout[], index: number): NodeLayout {
  const inputs = plan.inputs.map((parent) => edges.findIndex((edge) => edge.plan.from === parent && edge.to === index));
  const outputs = edges.filter((edge) => edge.from === index).map((edge) => edge.edge);
  return { plan, ...block, inputs, outputs };
}

function poolBytes(node: NodeLayout): number {
  if (node.outputs.length === 0) return 0;
  const slotBytes = node.plan.slots * roundUp(node.plan.slotBytes, 4096);
  return node.tasks.slice(0, node.plan.tasks).reduce((sum, task) => sum + task.poolSmallBytes + slotBytes, 0);
}

export function edgeNumber(plan: DataPlan, from: string, to: string): number {
  return plan.edges.findIndex((edge) => edge.from === from && edge.to === to);
}

export function roundUp(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}

function checkPlan(plan: DataPlan): void {
  const fail = (where: string, problem: string): never => {
    throw new OperatorError("DATA_PLAN_INVALID", { where, problem });
  };
  const names = new Set(plan.nodes.map((node) => node.name));
  if (plan.version !== 1) fail("version", `${plan.version} is unknown`);
  if (names.size !== plan.nodes.length) fail("nodes", "two nodes have one name");
  if (plan.nodes.reduce((sum, node) => sum + capacityOf(node), 0) > MAX_TASKS) fail("nodes", `more than ${MAX_TASKS} tasks`);
  for (const node of plan.nodes) {
    const children = plan.edges.filter((edge) => edge.from === node.name).length;
    if (!(node.tasks >= 1)) fail(`nodes.${node.name}.tasks`, `${node.tasks} is less than 1`);
    if (!(capacityOf(node) >= node.tasks)) fail(`nodes.${node.name}.capacity`, `${node.capacity} is less than its ${node.tasks} tasks`);
    if (children > MAX_CHILDREN) fail(`nodes.${node.name}`, `${children} children, at most ${MAX_CHILDREN} are possible`);
    if (children > 0 && !(node.slots >= 1 && node.slots <= MAX_SLOTS))
      fail(`nodes.${node.name}.slots`, `${node.slots} is not 1 to ${MAX_SLOTS}`);
    if (node.timeJoin !== undefined && capacityOf(node) > 1) fail(`nodes.${node.name}.tasks`, "a join by time has one task");
    if (new Set(node.inputs).size !== node.inputs.length) fail(`nodes.${node.name}.inputs`, "an input is named twice");
    for (const input of node.inputs) if (edgeNumber(plan, input, node.name) < 0) fail(`nodes.${node.name}.inputs`, `no edge from ${input}`);
  }
  for (const edge of plan.edges) {
    const where = `edges.${edge.from}->${edge.to}`;
    if (!names.has(edge.from) || !names.has(edge.to)) fail(where, "an end of the edge is no node");
    if (!Number.isInteger(Math.log2(edge.cells)) || edge.cells > MAX_CELLS)
      fail(`${where}.cells`, `${edge.cells} is no power of two up to 2^20`);
    for (const release of edge.releases) if (edgeNumber(plan, release.from, release.to) < 0) fail(`${where}.releases`, "no such edge");
  }
}
