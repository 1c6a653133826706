/** Random flows on the real channel code, in one process, with every task played by a small state machine. */
import type { Prng } from "../../src/base/prng.js";
import type { DataPlan, NodePlan } from "../../src/transport/plan.js";
import { aNode, anEdge } from "./transport.js";

/** How a node answers an input message; the same in the model and in the flow. */
export interface Behaviour {
  /** Outputs per input message, chosen by its content. */
  readonly outputs: readonly number[];
  /** Outputs of each replica's flush. */
  readonly flush: number;
}

export interface RandomFlow {
  readonly plan: DataPlan;
  readonly behaviours: ReadonlyMap<string, Behaviour>;
  /** Messages of each producer. */
  readonly messages: number;
  /** Nodes whose outputs end with a running checksum of everything that reached them. */
  readonly stateful?: ReadonlySet<string>;
}

/** Gives every node that may have several replicas room for more of them. */
export function withRoom(flow: RandomFlow, prng: Prng): RandomFlow {
  const nodes = flow.plan.nodes.map((node) => {
    const isFixed = node.inputs.length === 0 || node.name.startsWith("end-") || (node.inputs.length > 1 && node.partitionBy === undefined);
    return isFixed ? node : { ...node, capacity: node.tasks + prng.range(0, 3) };
  });
  return { ...flow, plan: { ...flow.plan, nodes } };
}

/** Makes every processor with one task keep state, and every consumer acknowledge later. */
export function withState(flow: RandomFlow): RandomFlow {
  const nodes = flow.plan.nodes.filter((node) => node.tasks === 1 && node.inputs.length > 0 && !node.name.startsWith("end-"));
  return { ...flow, stateful: new Set(nodes.map((node) => node.name)) };
}

/** @returns the checksum after a call with these contents; a flush has none. */
export function fold(sum: number, contents: readonly (readonly string[])[]): number {
  const text = contents.map((half) => half.join(",")).join("+");
  return [...text].reduce((hash, letter) => (hash * 31 + letter.charCodeAt(0)) % 1_000_003, sum + 1);
}

const PLAIN: Behaviour = { outputs: [1], flush: 0 };

/** A random graph: one producer, up to five processors, a consumer at every end. */
export function randomFlow(prng: Prng, flowType: DataPlan["flowType"] = "Batch"): RandomFlow {
  const inner = Array.from({ length: prng.range(0, 5) }, (_, index) => `n${index}`);
  const above = ["source"];
  const nodes: NodePlan[] = [aNode("source", [], { slots: prng.range(1, 4) })];
  for (const name of inner) {
    nodes.push(randomNode(prng, name, above));
    above.push(name);
  }
  for (const node of [...nodes]) {
    const isLeaf = !nodes.some((other) => other.inputs.includes(node.name));
    if (isLeaf || prng.chance(0.2)) nodes.push(aNode(`end-${node.name}`, [node.name], { slots: 0 }));
  }
  const edges = nodes.flatMap((node) => node.inputs.map((from) => anEdge(from, node.name, { cells: 2 ** prng.range(0, 3) })));
  const drawn: DataPlan = { version: 1, flowType, nodes, edges };
  const plan = flowType === "Batch" ? drawn : withRealtime(drawn, prng);
  const behaviours = new Map(nodes.map((node) => [node.name, randomBehaviour(prng, plan, node)]));
  return { plan, behaviours, messages: prng.range(0, 25) };
}

/** A position that is dropped on an edge is dead at every join behind it. */
function withRealtime(plan: DataPlan, prng: Prng): DataPlan {
  const edges = plan.edges.map((edge) => {
    const behind = new Set([edge.to, ...descendants(plan, edge.to)]);
    const joins = plan.nodes.filter((node) => node.inputs.length > 1 && behind.has(node.name));
    const releases = joins.flatMap((join) => join.inputs.map((from) => ({ from, to: join.name })));
    return { ...edge, keep: prng.range(1, 3), releases: releases.filter((other) => other.from !== edge.from || other.to !== edge.to) };
  });
  return { ...plan, edges };
}

function randomNode(prng: Prng, name: string, above: readonly string[]): NodePlan {
  const inputs = [...new Set(Array.from({ length: prng.range(1, 3) }, () => prng.pick(above)))];
  const tasks = prng.range(1, 3);
  const partitioned = tasks > 1 && (inputs.length > 1 || prng.chance(0.3));
  const join = inputs.length > 1 ? { join: "Trace" as const } : {};
  return aNode(name, inputs, { tasks, slots: prng.range(1, 4), ...join, ...(partitioned ? { partitionBy: "trace_id" } : {}) });
}

/** Many outputs and flushes only where no join and no partitioned node can meet them. */
function randomBehaviour(prng: Prng, plan: DataPlan, node: NodePlan): Behaviour {
  if (node.inputs.length === 0) return PLAIN;
  const below = descendants(plan, node.name);
  const free = plan.nodes.every((other) => !below.has(other.name) || (other.inputs.length === 1 && other.partitionBy === undefined));
  if (!free) return { outputs: prng.pick([[1], [1, 1, 0], [0]]), flush: 0 };
  return { outputs: prng.pick([[1], [1, 0], [0, 1, 3], [2]]), flush: prng.range(0, 2) };
}

function descendants(plan: DataPlan, name: string): Set<string> {
  const found = new Set<string>();
  const visit = (from: string): void => {
    for (const edge of plan.edges.filter((candidate) => candidate.from === from && !found.has(candidate.to))) {
      found.add(edge.to);
      visit(edge.to);
    }
  };
  visit(name);
  return found;
}

/** @returns what a node gives for one set of inputs. */
export function respond(behaviour: Behaviour, node: string, inputs: readonly string[]): string[] {
  const text = inputs.join("+");
  const hash = [...text].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 9973, 7);
  const outputs = behaviour.outputs[hash % behaviour.outputs.length] as number;
  return Array.from({ length: outputs }, (_, index) => `${node}(${text})${index === 0 ? "" : `#${index}`}`);
}

export function respondFlush(behaviour: Behaviour, node: string, task: number): string[] {
  return Array.from({ length: behaviour.flush }, (_, index) => `${node}.flush${task}#${index}`);
}

/**
 * What every consumer must see: position -> contents. Computed without any channel.
 *
 * @param tasks replicas at the end of the stream, by node, where they are not those of the plan.
 */
export function expectedOf(flow: RandomFlow, tasks: ReadonlyMap<string, number> = new Map()): Map<string, string[]> {
  const streams = new Map<string, string[][]>();
  for (const node of flow.plan.nodes) {
    streams.set(node.name, streamOf(flow, { ...node, tasks: tasks.get(node.name) ?? node.tasks }, streams));
  }
  const consumers = flow.plan.nodes.filter((node) => node.name.startsWith("end-"));
  return new Map(consumers.map((node) => [node.name, received(streams.get(node.inputs[0] as string) as string[][])]));
}

function received(stream: readonly (readonly string[])[]): string[] {
  return stream.flatMap((contents, position) => contents.map((content) => `${position} ${content}`));
}

function streamOf(flow: RandomFlow, node: NodePlan, streams: ReadonlyMap<string, string[][]>): string[][] {
  const behaviour = flow.behaviours.get(node.name) as Behaviour;
  if (node.inputs.length === 0) return Array.from({ length: flow.messages }, (_, position) => [`m${position}`]);
  const inputs = node.inputs.map((name) => streams.get(name) as string[][]);
  const length = Math.max(...inputs.map((stream) => stream.length));
  const mark = markerOf(flow, node);
  const units = Array.from({ length }, (_, position) => {
    const halves = inputs.map((stream) => stream[position] ?? []);
    if (halves.length > 1) return mark(halves, answers(behaviour, node.name, halves));
    return (halves[0] as string[]).flatMap((content) => mark([[content]], respond(behaviour, node.name, [content])));
  });
  const flushes = Array.from({ length: node.tasks }, (_, task) => mark([], respondFlush(behaviour, node.name, task)));
  return [...units, ...flushes];
}

/** Appends the running checksum to the outputs of a stateful node. */
function markerOf({ stateful }: RandomFlow, node: NodePlan): (halves: readonly (readonly string[])[], outputs: string[]) => string[] {
  if (stateful?.has(node.name) !== true) return (_halves, outputs) => outputs;
  let sum = 0;
  return (halves, outputs) => {
    if (halves.some((half) => half.length === 0)) return outputs;
    sum = fold(sum, halves);
    return outputs.map((output) => `${output}~${sum}`);
  };
}

function answers(behaviour: Behaviour, node: string, halves: readonly (readonly string[])[]): string[] {
  if (halves.some((half) => half.length === 0)) return [];
  return respond(
    behaviour,
    node,
    halves.map((half) => half[0] as string),
  );
}
