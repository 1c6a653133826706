/** Puts together what is shown of a running flow: its status from the store, its figures from shared memory. Pure. */
import type { FlowObservation } from "../agent/agent.js";
import type { FlowTask, TaskMember, VideoFlow } from "../api/kinds.js";
import type { EdgeSnapshot, FlowSnapshot, NodeSnapshot } from "../api/snapshot.js";
import type { Describe } from "../flow/graph.js";
import type { EdgeStats } from "../transport/port.js";

export interface SnapshotInput {
  readonly flow: VideoFlow;
  readonly tasks: readonly FlowTask[];
  readonly observation: FlowObservation | undefined;
  readonly elapsedMs: number;
  readonly outputs: readonly string[];
}

export function flowSnapshot({ flow, tasks, observation, elapsedMs, outputs }: SnapshotInput): FlowSnapshot {
  const names = [...new Set(flow.spec.nodes.map((node) => node.taskGroup ?? node.name))];
  return {
    flow: flow.metadata.name,
    state: flow.status?.state ?? "Pending",
    elapsedMs,
    nodes: names.map((name) => nodeSnapshot(name, flow, tasks, observation)),
    ...(observation === undefined ? {} : { edges: observation.edges.map(edgeSnapshot) }),
    warnings: warningsOf(flow),
    outputs,
  };
}

/** Of all that the ledger knows, what people are told. A cell may hold many messages or a mark, so messages in flight are no cells. */
export function edgeSnapshot({ from, to, produced, acknowledged, deadLettered, dropped, marks }: EdgeStats): EdgeSnapshot {
  const inFlight = Math.max(0, produced - acknowledged - deadLettered - dropped); // The figures are read one after the other.
  return { from, to, produced, acknowledged, deadLettered, dropped, marks, inFlight };
}

/** Warnings, and what runs below its wish. */
function warningsOf({ status }: VideoFlow): string[] {
  const degraded = status?.conditions?.find(({ type }) => type === "Degraded");
  return [...(status?.warnings ?? []), ...(degraded?.status === "True" ? [`degraded (${degraded.reason}): ${degraded.message}`] : [])];
}

function nodeSnapshot(name: string, flow: VideoFlow, tasks: readonly FlowTask[], observation: FlowObservation | undefined): NodeSnapshot {
  const stats = observation?.tasks.filter(({ node }) => node === name) ?? [];
  const own = tasks.filter(({ spec }) => spec.node === name);
  const sum = (pick: (task: (typeof stats)[number]) => number) => stats.reduce((total, task) => total + pick(task), 0);
  const isProducer = flow.spec.nodes.some((node) => node.name === name && node.role === "Producer");
  const decisions = flow.status?.decisions?.filter(({ task }) => own.some(({ metadata }) => metadata.name === task)) ?? [];
  return {
    name,
    tasks: Math.max(own.length, stats.length),
    readyTasks: own.filter(({ status }) => status?.phase === "Running").length,
    devices: decisions.flatMap(({ devices }) => devices),
    messages: isProducer ? sum((task) => task.messagesOut) : Math.round(sum((task) => task.messagesIn) / inputsOf(name, flow)),
    bytes: sum((task) => (isProducer ? task.bytesOut : task.bytesIn)),
    dropped: sum((task) => task.dropped + task.late),
    processUs: sum((task) => task.processUs),
    waitingInput: stats.filter(({ state }) => state === "waiting-input").length,
    waitingSpace: stats.filter(({ state }) => state === "waiting-space").length,
  };
}

/** Parents of a node: a join takes one message of each, and that counts once. */
function inputsOf(name: string, { spec }: VideoFlow): number {
  const members = spec.nodes.filter((node) => (node.taskGroup ?? node.name) === name);
  const outside = members.flatMap(({ inputs }) => inputs).filter((input) => !members.some((member) => member.name === input));
  return Math.max(1, new Set(outside).size);
}

/** Files that the flow writes, as its components' descriptors name them. */
export function outputFiles(nodes: readonly Pick<TaskMember, "component" | "params">[], describe: Describe): string[] {
  return nodes.flatMap((node) => {
    const names = describe(node.component)?.outputFiles ?? [];
    return names.flatMap((name) => (typeof node.params[name] === "string" ? [node.params[name]] : []));
  });
}
