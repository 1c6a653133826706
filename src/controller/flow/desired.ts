/** Stage 4: the tasks and claims that a graph asks for. Pure. */
import { createHash } from "node:crypto";
import { DEFAULT_FENCE_SECONDS } from "../../api/host-lease.js";
import {
  API_VERSION,
  type DeviceClaim,
  type FlowTask,
  type NewMetadata,
  type NewResource,
  type NodeSpec,
  taskName,
  type VideoFlow,
} from "../../api/kinds.js";
import type { DeviceRequest } from "../../devices/allocate.js";
import { memoryMiBOf } from "../../devices/quantity.js";
import type { NodeChannels } from "../../flow/channels.js";
import type { FlowGraph, GraphNode } from "../../flow/graph.js";
import { graphHash } from "../../flow/graph-hash.js";
import { resourcesOf } from "./resources.js";

/** The flow is not removed before its tasks and claims are. */
export const FLOW_FINALIZER = "videoflow.io/tasks";
/** A task is not removed before its process tree is proved dead. */
export const TASK_FINALIZER = "videoflow.io/process";
/** A claim is not removed while a process may have its devices, whoever deletes it. */
export const CLAIM_FINALIZER = "videoflow.io/devices";
export const FLOW_LABEL = "videoflow.io/flow";
export const NODE_LABEL = "videoflow.io/node";

/** Where the flow runs and what its tasks were granted. */
export interface Placement {
  readonly host: string;
  readonly run: string;
  /** Task names whose claim was allocated. */
  readonly onGpu: ReadonlySet<string>;
}

type TaskSpec = FlowTask["spec"];
/** What the process of a task is made of: a change needs another process. */
type TaskTemplate = Pick<TaskSpec, "flowType" | "node" | "index" | "members" | "env" | "retries" | "workingDir" | "fenceSeconds">;

const DEFAULT_RESTART: TaskSpec["restart"] = {
  policy: "OnFailure",
  initialBackoffSeconds: 1,
  maxBackoffSeconds: 60,
  maxRestarts: 5,
  windowSeconds: 600,
};

/** Number of the run that there should be: it never goes back. */
export function runNumber({ spec, status }: VideoFlow): number {
  return Math.max(spec.run, status?.run ?? 1);
}

/** Identity of the run that there should be. */
export function runId(flow: VideoFlow): string {
  return `${flow.metadata.uid}-${runNumber(flow)}`;
}

/** Number of tasks of the flow. */
export function taskCount(graph: FlowGraph): number {
  return graph.nodes.reduce((sum, { tasks }) => sum + tasks, 0);
}

/** One object per task, in topological order of the nodes, then by index. */
export function desiredTasks(
  flow: VideoFlow,
  graph: FlowGraph,
  channels: readonly NodeChannels[],
  placement: Placement,
): NewResource<"FlowTask">[] {
  const whole = wholeOf(flow.spec, graph, channels);
  return eachTask(graph).map(({ node, index }) => {
    const name = taskName(flow.metadata.name, node.name, index);
    const template = taskTemplate(flow.spec, graph, node, index);
    const onGpu = placement.onGpu.has(name);
    const spec: TaskSpec = {
      ...template,
      ...whole,
      ...surroundings(channels, node),
      flow: flow.metadata.name,
      run: placement.run,
      host: placement.host,
      desiredState: flow.spec.desiredState === "Paused" && node.role === "Producer" ? "Paused" : "Running",
      deviceType: onGpu ? "GPU" : "CPU",
      ...(onGpu ? { claim: name } : {}),
      ...(flow.spec.onAgentLoss === undefined ? {} : { onAgentLoss: flow.spec.onAgentLoss }),
      templateHash: templateHash(flow.spec, graph, node, index),
    };
    return { apiVersion: API_VERSION, kind: "FlowTask", metadata: { ...ownedBy(flow, name, node), finalizers: [TASK_FINALIZER] }, spec };
  });
}

/** `<node>.<index>` to the hash of everything that needs another process when it changes. Host, run and granted devices do not count. */
export function templateHashes(spec: VideoFlow["spec"], graph: FlowGraph): Map<string, string> {
  return new Map(eachTask(graph).map(({ node, index }) => [`${node.name}.${index}`, templateHash(spec, graph, node, index)]));
}

/** Hash of a template whose device others have got: no spec asks for it, so the task becomes what the next valid one says. */
export function templateWithoutDevice(hash: string): string {
  return hashOf(hash, "CPU");
}

/** Each graph has its own lists of members, and a graph is of one spec: index to hash. */
const templates = new WeakMap<GraphNode["members"], Map<number, string>>();

function templateHash(spec: VideoFlow["spec"], graph: FlowGraph, node: GraphNode, index: number): string {
  const known = templates.get(node.members) ?? new Map<number, string>();
  templates.set(node.members, known);
  const hash = known.get(index) ?? hashOf(taskTemplate(spec, graph, node, index), deviceWish(node));
  known.set(index, hash);
  return hash;
}

const layouts = new WeakMap<readonly NodeChannels[], string>();
const graphs = new WeakMap<VideoFlow["spec"]["nodes"], string>();

/** Hash of the data plane: nodes, channels, rooms. The number of tasks within the capacity does not count. */
export function layoutHash(channels: readonly NodeChannels[]): string {
  const known = layouts.get(channels);
  if (known !== undefined) return known;
  const nodes = channels.map(({ node, channels: own }) => ({ node, own }));
  const hash = hashOf(nodes.toSorted((a, b) => (a.node < b.node ? -1 : 1)));
  layouts.set(channels, hash);
  return hash;
}

/** One claim per task that asks for a GPU which its source code supports. */
export function desiredClaims(flow: VideoFlow, graph: FlowGraph, run: string): NewResource<"DeviceClaim">[] {
  return eachTask(graph)
    .filter(({ node }) => node.gpuWish)
    .map(({ node, index }) => {
      const spec = { flow: flow.metadata.name, run, node: node.name, index, required: node.gpuRequired, ...selectors(node) };
      return {
        apiVersion: API_VERSION,
        kind: "DeviceClaim",
        metadata: { ...ownedBy(flow, taskName(flow.metadata.name, node.name, index), node), finalizers: [CLAIM_FINALIZER] },
        spec,
      };
    });
}

/** What the allocator is asked, for each claim. */
export function requestsOf(claims: readonly NewResource<"DeviceClaim">[], graph: FlowGraph): DeviceRequest[] {
  const order = new Map(graph.nodes.map(({ name }, position) => [name, position]));
  return claims.map(({ metadata, spec }) => requestOf(metadata.name, spec, order.get(spec.node) ?? 0));
}

/** What the allocator is asked for one claim. */
export function requestOf(claim: string, spec: DeviceClaim["spec"], order: number): DeviceRequest {
  const { node, index, required, count, memoryMiB, product, sharing } = spec;
  return {
    claim,
    node,
    index,
    order,
    required,
    count,
    sharing,
    ...(memoryMiB === undefined ? {} : { memoryMiB }),
    ...(product === undefined ? {} : { product }),
  };
}

function eachTask(graph: FlowGraph): { node: GraphNode; index: number }[] {
  return graph.nodes.flatMap((node) => Array.from({ length: node.tasks }, (_, index) => ({ node, index })));
}

function ownedBy(flow: VideoFlow, name: string, node: GraphNode): NewMetadata {
  const owner = { apiVersion: API_VERSION, kind: "VideoFlow", name: flow.metadata.name, uid: flow.metadata.uid, controller: true };
  const labels = { [FLOW_LABEL]: flow.metadata.name, [NODE_LABEL]: node.name };
  return { name, namespace: flow.metadata.namespace, labels, ownerReferences: [owner] };
}

function selectors({ device }: GraphNode): Pick<DeviceClaim["spec"], "count" | "identifiers" | "memoryMiB" | "product" | "sharing"> {
  const memoryMiB = device?.memory === undefined ? undefined : memoryMiBOf(device.memory);
  return {
    count: device?.count ?? 1,
    sharing: device?.sharing ?? "Exclusive",
    ...(device?.identifiers === "Index" ? { identifiers: "Index" as const } : {}),
    ...(memoryMiB === undefined ? {} : { memoryMiB }),
    ...(device?.product === undefined ? {} : { product: device.product }),
  };
}

/** What of the wish for devices needs a restart when it changes. */
function deviceWish(node: GraphNode): unknown {
  return node.gpuWish ? { required: node.gpuRequired, ...selectors(node) } : null;
}

/** What all tasks of a flow have in common. */
type Whole = Pick<TaskSpec, "flowTasks" | "graphHash" | "layoutHash">;

function wholeOf(spec: VideoFlow["spec"], graph: FlowGraph, channels: readonly NodeChannels[]): Whole {
  const shape = graphs.get(spec.nodes) ?? graphHash(spec);
  graphs.set(spec.nodes, shape);
  return { flowTasks: taskCount(graph), graphHash: shape, layoutHash: layoutHash(channels) };
}

function taskTemplate(spec: VideoFlow["spec"], { flowType }: FlowGraph, node: GraphNode, index: number): TaskTemplate {
  const { members } = node;
  const workingDir = members.find((member) => member.workingDir !== undefined)?.workingDir;
  return {
    flowType,
    node: node.name,
    index,
    members: members.map(memberOf),
    env: mergeEnv(members),
    retries: Math.max(...members.map(({ retries }) => retries)),
    ...(workingDir === undefined ? {} : { workingDir }),
    ...fenceOf(spec),
  };
}

function memberOf({ name, role, component, params, inputs, oneTask }: NodeSpec): TaskSpec["members"][number] {
  return { name, role, component, params, inputs: [...inputs], ...(oneTask ? { oneTask } : {}) };
}

/** What the keeper promised for a process stays as it is: another promise needs another process. */
function fenceOf({ onHostLoss, fenceSeconds }: VideoFlow["spec"]): Pick<TaskTemplate, "fenceSeconds"> {
  return onHostLoss === "Move" ? { fenceSeconds: fenceSeconds ?? DEFAULT_FENCE_SECONDS } : {};
}

type Surroundings = Pick<
  TaskSpec,
  "nbTasks" | "channels" | "resources" | "restart" | "startupDeadlineSeconds" | "terminationGracePeriodSeconds" | "progressDeadlineSeconds"
>;

/** What a task is told, or treated by, without another process. A fused task is as patient as its most patient member. */
function surroundings(channels: readonly NodeChannels[], node: GraphNode): Surroundings {
  const { members } = node;
  const own = channels.find((entry) => entry.node === node.name);
  const progress = members.flatMap(({ progressDeadlineSeconds }) =>
    progressDeadlineSeconds === undefined ? [] : [progressDeadlineSeconds],
  );
  const resources = resourcesOf(members);
  return {
    ...(resources === undefined ? {} : { resources }),
    nbTasks: node.tasks,
    channels: own?.channels ?? { tasks: node.tasks, capacity: node.tasks, slots: 0, slotBytes: 0, inputs: [] },
    restart: members.find(({ restart }) => restart !== undefined)?.restart ?? DEFAULT_RESTART,
    startupDeadlineSeconds: Math.max(...members.map(({ startupDeadlineSeconds }) => startupDeadlineSeconds)),
    terminationGracePeriodSeconds: Math.max(...members.map(({ terminationGracePeriodSeconds }) => terminationGracePeriodSeconds)),
    ...(progress.length === 0 ? {} : { progressDeadlineSeconds: Math.max(...progress) }),
  };
}

/** Later members win. */
function mergeEnv(members: readonly NodeSpec[]): TaskSpec["env"] {
  return [...new Map(members.flatMap(({ env }) => env).map((entry) => [entry.name, entry])).values()];
}

/** 16 hex digits; the order of an object's fields does not matter. */
function hashOf(...parts: readonly unknown[]): string {
  return createHash("sha256").update(canonical(parts)).digest("hex").slice(0, 16);
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return `{${fields
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, field]) => `${JSON.stringify(name)}:${canonical(field)}`)
    .join(",")}}`;
}
