/**
 * The graph of a flow: what runs as one process, in which order, and who reads whom.
 * Knows specs and descriptors; must not know processes, memory or hosts. Pure.
 */
import type { NodeSpec, VideoFlowSpec } from "../api/kinds.js";
import type { ComponentDescriptor, Role } from "./descriptor.js";
import { topologicalOrder } from "./graph-order.js";
import { type TimeJoin, timeRulesOf } from "./time-joins.js";

/** Looks a component's descriptor up; undefined for a component that is not known here, such as a user's class. */
export type Describe = (component: string) => ComponentDescriptor | undefined;

/** What runs as one task: a node of the spec, or a task group fused to one. */
export interface GraphNode {
  /** Name of the node, or of the task group. */
  readonly name: string;
  readonly role: Role;
  /** The nodes of the spec, in topological order; their `inputs` name members of this group or other graph nodes. */
  readonly members: readonly NodeSpec[];
  /** Names of the graph nodes it reads, in the order of its inputs, each once. */
  readonly inputs: readonly string[];
  /** Names of the graph nodes that read it, in topological order. */
  readonly children: readonly string[];
  /** Tasks that really run: 1 for producers, consumers and components that keep state. */
  readonly tasks: number;
  /** It keeps state, or says that it has one task whatever is asked for. */
  readonly oneTask: boolean;
  /** It asked for a GPU and its source code supports one. */
  readonly gpuWish: boolean;
  /** It can only run on a GPU. */
  readonly gpuRequired: boolean;
  /** It asked for a GPU that its source code cannot use: it gets a CPU, no claim, and a reason. */
  readonly gpuUnsupported: boolean;
  /** What its GPUs must be like: that of the first member which says so. */
  readonly device?: NonNullable<NodeSpec["device"]>;
  /** It finishes an input after at most this many further inputs. */
  readonly holds: number;
  readonly partitionBy?: string;
  /** Set if it joins its inputs by event time. */
  readonly timeJoin?: Omit<TimeJoin, "sources">;
  /** Wanted size of its output pool: that of the member whose outputs leave. */
  readonly buffer?: NonNullable<NodeSpec["buffer"]>;
}

export interface FlowGraph {
  readonly flowType: VideoFlowSpec["flowType"];
  /** In topological order; among equals, in the order of the spec. */
  readonly nodes: readonly GraphNode[];
  readonly byName: ReadonlyMap<string, GraphNode>;
}

/**
 * Builds the graph of a valid spec (see validateGraph): fuses task groups and orders the nodes.
 *
 * @param spec a spec with its defaults.
 */
export function graphOf(spec: VideoFlowSpec, describe: Describe): FlowGraph {
  const ordered = orderSpec(spec.nodes);
  const groups = groupMembers(ordered);
  const drafts = topologicalOrder(
    [...groups].toSorted(bySpec(spec.nodes)).map(([name, members]) => ({ name, members, inputs: outsideInputs(name, members) })),
  ).order;
  const nodes = drafts.map((draft) => {
    const children = drafts.filter((other) => other.inputs.includes(draft.name)).map((other) => other.name);
    return graphNode(draft, children, spec.flowType, describe);
  });
  return { flowType: spec.flowType, nodes, byName: new Map(nodes.map((node) => [node.name, node])) };
}

/** Name of the graph node that a spec node runs in. */
export function graphName(node: NodeSpec): string {
  return node.taskGroup ?? node.name;
}

/** Tasks that really run of a node. */
export function effectiveTasks(node: NodeSpec, descriptor: ComponentDescriptor | undefined): number {
  if (node.role !== "Processor" || node.oneTask || descriptor?.oneTask === true) return 1;
  return node.nbTasks;
}

/** What the source code says; nothing is known of a user's own component that was named in YAML, so its wish is believed. */
function supportsGpu(node: NodeSpec, descriptor: ComponentDescriptor | undefined): boolean {
  const supported = descriptor?.devices ?? node.supportedDevices;
  return supported === undefined || supported.includes("GPU");
}

function orderSpec(nodes: readonly NodeSpec[]): readonly NodeSpec[] {
  return topologicalOrder(nodes).order;
}

/** Graph node name to members; inputs from outside are renamed to the graph node that they come from. */
function groupMembers(ordered: readonly NodeSpec[]): Map<string, NodeSpec[]> {
  const home = new Map(ordered.map((node) => [node.name, graphName(node)]));
  const groups = new Map<string, NodeSpec[]>();
  for (const node of ordered) {
    const own = graphName(node);
    const inputs = node.inputs.map((input) => (home.get(input) === own ? input : (home.get(input) ?? input)));
    groups.set(own, [...(groups.get(own) ?? []), { ...node, inputs }]);
  }
  return groups;
}

function bySpec(nodes: readonly NodeSpec[]) {
  const place = new Map<string, number>();
  for (const [index, node] of nodes.entries()) if (!place.has(graphName(node))) place.set(graphName(node), index);
  return ([a]: readonly [string, unknown], [b]: readonly [string, unknown]) => (place.get(a) ?? 0) - (place.get(b) ?? 0);
}

function outsideInputs(name: string, members: readonly NodeSpec[]): string[] {
  const inside = new Set(members.map((member) => member.name));
  const inputs = members.flatMap((member) => member.inputs).filter((input) => !inside.has(input) && input !== name);
  return [...new Set(inputs)];
}

function graphNode(
  { name, members, inputs }: Pick<GraphNode, "name" | "members" | "inputs">,
  children: readonly string[],
  flowType: VideoFlowSpec["flowType"],
  describe: Describe,
): GraphNode {
  const known = members.map((node) => ({ node, descriptor: describe(node.component) }));
  const wishes = known.filter(({ node }) => node.role === "Processor" && (node.deviceType === "GPU" || node.device?.required === true));
  const supported = wishes.filter(({ node, descriptor }) => supportsGpu(node, descriptor));
  const device = supported.find(({ node }) => node.device !== undefined)?.node.device;
  const partitionBy = members.find((node) => node.partitionBy !== undefined)?.partitionBy;
  const buffer = members.at(-1)?.buffer;
  const timeJoin = members.map((node) => timeRulesOf(node, flowType)).find((rules) => rules !== undefined);
  return {
    name,
    role: members[0]?.role ?? "Processor",
    members,
    inputs,
    children,
    tasks: timeJoin !== undefined ? 1 : Math.min(...known.map(({ node, descriptor }) => effectiveTasks(node, descriptor))),
    oneTask: known.some(({ node, descriptor }) => node.oneTask || descriptor?.oneTask === true),
    gpuWish: supported.length > 0,
    gpuRequired: supported.some(({ node }) => node.device?.required === true),
    gpuUnsupported: wishes.length > 0 && supported.length === 0,
    holds: known.reduce((sum, { node, descriptor }) => sum + (descriptor?.holds ?? node.holds ?? 0), 0),
    ...(device === undefined ? {} : { device }),
    ...(partitionBy === undefined ? {} : { partitionBy }),
    ...(timeJoin === undefined ? {} : { timeJoin }),
    ...(buffer === undefined ? {} : { buffer }),
  };
}
