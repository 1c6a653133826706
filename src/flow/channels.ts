/**
 * The sizes of every channel, so that no buffer can deadlock (Batch) and no writer ever blocks (Realtime).
 * Knows the graph; must not know how a channel is built. Pure.
 */
import { memoryOf as countMemory } from "../api/channel-memory.js";
import type { FlowTaskSpec } from "../api/kinds.js";
import { isLive, type Rooms, safeRooms } from "./channels-liveness.js";
import { longestPaths, reconvergences } from "./channels-paths.js";
import { keepsOf, releasesOf } from "./channels-realtime.js";
import type { FlowGraph, GraphNode } from "./graph.js";
import { sourcesOf, TIME_WAITING } from "./time-joins.js";

/** The data plane's numbers of one graph node: `FlowTask.spec.channels`, and what the user should know. */
export interface NodeChannels {
  readonly node: string;
  readonly channels: FlowTaskSpec["channels"];
  /** Set when a `buffer.messages` of the user was raised. */
  readonly warning?: string;
}

/** Messages that a task may have waiting behind it, unless the user says so. */
export const DEFAULT_BUFFER_MESSAGES = 4;
/** How far a replicated node's results may be ahead of its slowest: times its tasks. */
export const WINDOW_PER_TASK = 4;
/** Nominal size of a slot when the user gives none; slots grow with their payloads. */
export const NOMINAL_SLOT_BYTES = 1024 * 1024;
/** A realtime ring is as long as a slow reader may fall behind before a cell comes round again. */
const MIN_REALTIME_CELLS = 256;

/** Tasks of a node for which its channels were made. */
export type Room = Pick<FlowTaskSpec["channels"], "tasks" | "capacity">;

export interface ChannelsOptions {
  /** Nodes may get more tasks while messages flow. Default false. */
  readonly isScalable?: boolean;
  /** By node: what there is already, and must serve for the tasks that the graph has now. */
  readonly rooms?: ReadonlyMap<string, Room>;
}

/** Tasks that a scalable node may have at least, and times what it begins with; together at most {@link MAX_ADDED} more. */
const LEAST_CAPACITY = 4;
const MAX_ADDED = 128;

/** @returns one entry per graph node, in topological order. */
export function channelsOf(wanted: FlowGraph, { isScalable = false, rooms }: ChannelsOptions = {}): readonly NodeChannels[] {
  const graph = rooms === undefined ? wanted : asPlanned(wanted, rooms);
  const capacities = isScalable ? capacitiesOf(graph) : undefined;
  const pools = graph.flowType === "Batch" ? batchPools(graph) : realtimePools(graph);
  const sources = sourcesOf(graph.nodes.map(({ name, inputs, timeJoin }) => ({ name, inputs, joinsByTime: timeJoin !== undefined })));
  const keeps = graph.flowType === "Realtime" ? keepsOf(graph) : undefined;
  return graph.nodes.map((node) => {
    const pool = pools.get(node.name) ?? NO_POOL;
    const inputs = node.inputs.map((from) => ({
      from,
      cells: pools.get(from)?.cells ?? 1,
      keep: keeps?.get(node.name)?.get(from) ?? 1,
      releases: graph.flowType === "Realtime" ? releasesOf(graph, from, node.name) : [],
    }));
    const capacity = rooms?.get(node.name)?.capacity ?? capacities?.get(node.name) ?? node.tasks;
    const channels: FlowTaskSpec["channels"] = {
      tasks: node.tasks,
      capacity,
      slots: pool.slots,
      slotBytes: pool.slots === 0 ? 0 : slotBytes(node),
      ...(node.partitionBy === undefined || capacity === 1 ? {} : { partitionBy: node.partitionBy }),
      ...joinOf(node, sources),
      inputs,
    };
    return { node: node.name, channels, ...(pool.warning === undefined ? {} : { warning: pool.warning }) };
  });
}

/** The graph with the tasks that its channels were made for. */
function asPlanned({ flowType, nodes }: FlowGraph, rooms: ReadonlyMap<string, Room>): FlowGraph {
  const planned = nodes.map((node) => ({ ...node, tasks: rooms.get(node.name)?.tasks ?? node.tasks }));
  return { flowType, nodes: planned, byName: new Map(planned.map((node) => [node.name, node])) };
}

/** Room for more replicas costs next to nothing until they come; very large flows go without. */
function capacitiesOf({ nodes }: FlowGraph): ReadonlyMap<string, number> {
  const capacities = new Map(nodes.map((node) => [node.name, mayScale(node) ? Math.max(LEAST_CAPACITY, 2 * node.tasks) : node.tasks]));
  const added = nodes.reduce((sum, node) => sum + (capacities.get(node.name) ?? 0) - node.tasks, 0);
  return added > MAX_ADDED ? new Map() : capacities;
}

function mayScale({ role, oneTask, timeJoin, inputs, partitionBy }: GraphNode): boolean {
  return role === "Processor" && !oneTask && timeJoin === undefined && (inputs.length < 2 || partitionBy !== undefined);
}

function joinOf(node: GraphNode, sources: ReadonlyMap<string, ReadonlySet<string>>): Pick<FlowTaskSpec["channels"], "join" | "timeJoin"> {
  if (node.inputs.length < 2) return {};
  if (node.timeJoin === undefined) return { join: "Trace" };
  return { timeJoin: { ...node.timeJoin, sources: node.inputs.map((input) => [...(sources.get(input) ?? [])][0] ?? input) } };
}

/** Shared memory that the flow may need: cells, and every message that can be live at once at its nominal size. */
export function memoryBytes(graph: FlowGraph, channels: readonly NodeChannels[]): number {
  return memoryOf(graph, channels).reduce((sum, { bytes }) => sum + bytes, 0);
}

/** The same by node. */
export function memoryOf(graph: FlowGraph, channels: readonly NodeChannels[]): ReturnType<typeof countMemory> {
  const byName = new Map(channels.map((entry) => [entry.node, entry.channels]));
  const nodes = graph.nodes.flatMap(({ name, tasks }) => {
    const own = byName.get(name);
    return own === undefined ? [] : [{ name, tasks, channels: own }];
  });
  return countMemory(graph.flowType, nodes);
}

interface Pool {
  /** Output slots of each task. */
  readonly slots: number;
  /** Places of each ring that the node writes; one number for all, so that at most so many of its positions are live. */
  readonly cells: number;
  readonly warning?: string;
}

const NO_POOL: Pool = { slots: 0, cells: 1 };

/**
 * Batch. A position is live at a node from the moment a task takes it until every child has acknowledged it; a task takes a
 * position only if its cell is free in all rings that the node writes, so at most `cells` positions are live.
 *
 * One task: positions leave in order, so the lowest live one always has its slot; `slots` only has to reach as far as a child
 * must look ahead before it acknowledges (deadlockFloor). Several tasks: all live positions may lie in the pool of one
 * task, in any order, so each pool has a slot for every cell and slots never decide.
 */
function batchPools(graph: FlowGraph): ReadonlyMap<string, Pool> {
  const rooms = liveRooms(graph);
  return new Map(graph.nodes.map((node) => [node.name, node.children.length === 0 ? NO_POOL : batchPool(graph, node, rooms)]));
}

/** Messages that each node has room for: what is wanted, raised where the flow could stop with less. */
function liveRooms(graph: FlowGraph): Rooms {
  const own = new Map(graph.nodes.map((node) => [node.name, Math.max(wantedMessages(graph, node), deadlockFloor(graph, node))]));
  if (isLive(graph, own)) return own;
  const safe = safeRooms(graph);
  return new Map([...own].map(([name, messages]) => [name, Math.max(messages, safe.get(name) ?? 1)]));
}

function wantedMessages(graph: FlowGraph, node: GraphNode): number {
  const waits = childrenOf(graph, node).some((child) => child.timeJoin !== undefined);
  return node.buffer?.messages ?? Math.max(DEFAULT_BUFFER_MESSAGES + spread(graph, node), waits ? TIME_WAITING : 0);
}

function batchPool(graph: FlowGraph, node: GraphNode, rooms: Rooms): Pool {
  const asked = node.buffer?.messages;
  const waits = childrenOf(graph, node).some((child) => child.timeJoin !== undefined);
  const messages = rooms.get(node.name) ?? 1;
  const widest = Math.max(node.tasks, ...childrenOf(graph, node).map((child) => child.tasks));
  const warning = asked !== undefined && asked < messages ? raisedWarning(node, asked, messages) : undefined;
  const extra = warning === undefined ? {} : { warning };
  if (node.tasks > 1) {
    const cells = powerOfTwo(Math.max(WINDOW_PER_TASK * node.tasks, (asked ?? 0) * node.tasks, messages));
    return { slots: cells, cells, ...extra };
  }
  const positions = messages + node.holds; // What it holds has its cells already, and no slot yet.
  const cells = powerOfTwo(Math.max(positions, WINDOW_PER_TASK * widest, skipSum(graph, node)));
  return { slots: waits ? cells : messages, cells, ...extra }; // A join by time must see that its input is full.
}

/**
 * The fewest messages that ways from this one node need. A child that holds h inputs acknowledges one only after h more;
 * where two ways from the node meet again, the join acknowledges only after all the nodes on the longer way got what they hold.
 */
function deadlockFloor(graph: FlowGraph, node: GraphNode): number {
  if (graph.nodes.every((other) => other.holds === 0)) return 1;
  const direct = childrenOf(graph, node).map((child) => child.holds);
  const joined = skipPaths(
    graph,
    node,
    (between) => between.holds,
    (join) => join.holds,
  );
  return 1 + Math.max(0, ...direct, ...joined);
}

/** Messages in hand at the tasks behind the node, so that waiting ones do not keep a task idle. */
function spread(graph: FlowGraph, node: GraphNode): number {
  const direct = childrenOf(graph, node).map((child) => child.tasks - 1 + child.holds);
  const inHand = (between: GraphNode) => 2 * between.tasks + between.holds;
  return Math.max(0, ...direct, ...skipPaths(graph, node, inHand, (join) => join.tasks - 1 + join.holds));
}

/** Everything that the longest parallel way can have in flight: buffer + tasks + window + holds of each node on it. */
function skipSum(graph: FlowGraph, node: GraphNode): number {
  const buffer = (between: GraphNode) => between.buffer?.messages ?? DEFAULT_BUFFER_MESSAGES;
  const all = (between: GraphNode) => buffer(between) + between.tasks * (1 + WINDOW_PER_TASK) + between.holds;
  return Math.max(0, ...skipPaths(graph, node, all, (join) => join.tasks + join.holds));
}

/** For each join where ways from the node meet again: the heaviest way to it, the join included. */
function skipPaths(
  graph: FlowGraph,
  node: GraphNode,
  between: (node: GraphNode) => number,
  atJoin: (node: GraphNode) => number,
): readonly number[] {
  const joins = reconvergences(graph, node);
  if (joins.length === 0) return [];
  const heaviest = longestPaths(graph, node, between);
  return joins.map((join) => Math.max(...join.inputs.map((from) => heaviest.get(from) ?? 0)) + atJoin(join));
}

/** Realtime. A pool has a slot for whatever its rings keep, its readers have in hand, and the next one: a writer never waits. */
function realtimePools(graph: FlowGraph): ReadonlyMap<string, Pool> {
  const keeps = keepsOf(graph);
  return new Map(
    graph.nodes.map((node) => {
      const children = childrenOf(graph, node);
      const kept = children.map((child) => (keeps.get(child.name)?.get(node.name) ?? 1) + child.tasks * (1 + child.holds));
      const live = kept.reduce((sum, count) => sum + count, 0);
      const cells = powerOfTwo(Math.max(MIN_REALTIME_CELLS, 2 * live, WINDOW_PER_TASK * node.tasks));
      return [node.name, children.length === 0 ? NO_POOL : { slots: live + 2, cells }];
    }),
  );
}

function childrenOf(graph: FlowGraph, node: GraphNode): GraphNode[] {
  return node.children.flatMap((name) => graph.byName.get(name) ?? []);
}

function slotBytes(node: GraphNode): number {
  const { bytes, messages = DEFAULT_BUFFER_MESSAGES } = node.buffer ?? {};
  return bytes === undefined ? NOMINAL_SLOT_BYTES : Math.ceil(bytes / messages);
}

function raisedWarning(node: GraphNode, asked: number, floor: number): string {
  return `node ${node.name}: buffer.messages ${asked} was raised to ${floor}: with less, the nodes behind it could wait for each other forever`;
}

function powerOfTwo(least: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, least)));
}
