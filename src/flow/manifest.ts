/** Turns the nodes of a flow into the spec of a `VideoFlow` resource. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename } from "node:path";
import { API_VERSION, type NewResource, type NodeSpec, type VideoFlow } from "../api/kinds.js";
import { OperatorError } from "../base/errors.js";
import { withoutUndefined } from "../base/without-undefined.js";
import type { ComponentDescriptor } from "./descriptor.js";
import { mentionsExport } from "./exports.js";
import type { Flow } from "./flow.js";
import { FunctionProcessorNode, refuseClosure } from "./function-node.js";
import { type ComponentClass, describe, type Node, ProcessorNode } from "./node.js";
import { findUnserializable } from "./serializable.js";
import { TaskModuleNode } from "./task-module.js";

/** A node as its user wrote it: defaults are filled later. */
export type ManifestNode = Pick<NodeSpec, "name" | "role" | "component"> & Partial<NodeSpec>;

/** A flow as its user wrote it. */
export type ManifestFlow = Omit<NewResource<"VideoFlow">, "spec"> & {
  readonly spec: Partial<Omit<VideoFlow["spec"], "nodes">> & { readonly nodes: readonly ManifestNode[] };
};

/** Marks the classes that come with the package; they are named, never imported by path. */
const BUILT_IN = Symbol.for("videoflow.built-in");

/** Called once with all built-in classes, so that a manifest can tell them from the user's. */
export function markBuiltIn(classes: Readonly<Record<string, unknown>>): void {
  for (const [name, component] of Object.entries(classes)) {
    if (typeof component === "function") Object.defineProperty(component, BUILT_IN, { value: name, configurable: true });
  }
}

/**
 * @returns the resource with nodes in topological order; relative paths of params are left as written.
 * @throws OperatorError NODE_NOT_SERIALIZABLE, NODE_NOT_EXPORTED, NODE_CLOSURE, FLOW_CYCLE, NODE_WIRING.
 */
export function manifestOf(flow: Flow): ManifestFlow {
  const nodes = collectNodes(flow);
  const { name, flowType, ...others } = flow.options;
  nameNodes(nodes);
  return {
    apiVersion: API_VERSION,
    kind: "VideoFlow",
    metadata: { name: name ?? defaultName(flow.module) },
    spec: {
      ...withoutUndefined(others),
      flowType: flowType === "realtime" ? "Realtime" : "Batch",
      nodes: nodes.flatMap((node) => (node instanceof TaskModuleNode ? moduleSpecs(node, flow) : [nodeSpec(node, flow)])),
    },
  };
}

/** All nodes of a flow, named, parents first; a fused module is replaced by its members. */
export function nodesOf(flow: Flow): readonly Node[] {
  const nodes = collectNodes(flow);
  nameNodes(nodes);
  return nodes.flatMap((node) => (node instanceof TaskModuleNode ? node.members() : [node]));
}

/** All nodes that the consumers depend on, parents first. */
function collectNodes(flow: Flow): Node[] {
  const done = new Set<Node>();
  const visit = (node: Node, path: readonly Node[]): void => {
    if (path.includes(node)) {
      const cycle = [...path.slice(path.indexOf(node)), node].map((n) => n.name).reverse();
      throw new OperatorError("FLOW_CYCLE", { cycle });
    }
    if (done.has(node)) return;
    for (const parent of node.parents) visit(parent, [...path, node]);
    done.add(node);
  };
  for (const consumer of flow.consumers) visit(consumer as Node, []);
  return [...done];
}

/** Unnamed nodes get the name of their class, numbered by their place in the graph, the same in every process. */
function nameNodes(nodes: readonly Node[]): void {
  const counts = new Map<string, number>();
  for (const node of nodes.flatMap((n) => (n instanceof TaskModuleNode ? [n, ...n.members()] : [n]))) {
    const base = node.constructor.name.replace(/([a-z0-9])([A-Z])/g, "$1-$2").toLowerCase();
    const count = (counts.get(base) ?? 0) + 1;
    counts.set(base, count);
    node.rename(count === 1 ? base : `${base}-${count}`);
  }
}

function moduleSpecs(module: TaskModuleNode<never, unknown>, flow: Flow): ManifestNode[] {
  return module.members().map((member) => {
    const own = nodeSpec(member, flow);
    const inputs = member === module.entry ? module.parents.map(outputName) : (own.inputs ?? []);
    return { ...own, inputs, taskGroup: module.name, ...taskOptions(module) };
  });
}

function nodeSpec(node: Node, flow: Flow): ManifestNode {
  const descriptor = describe(node.constructor as ComponentClass);
  const component = componentOf(node, flow);
  const inputs = node.parents.map(outputName);
  return {
    name: node.name,
    role: descriptor.role,
    component,
    params: paramsOf(node),
    ...(inputs.length > 0 ? { inputs } : {}),
    ...(descriptor.oneTask ? { oneTask: true } : {}),
    ...(component.includes("#") ? ownDescriptor(node, descriptor) : {}),
    ...taskOptions(node),
  };
}

/** What the controller must know of a class that it never loads; devices only where a GPU is at stake. */
function ownDescriptor(node: Node, { devices, holds }: ComponentDescriptor): Partial<ManifestNode> {
  const supported = refusesCpu(node) ? ["GPU" as const] : node.options.deviceType === "gpu" ? [...devices] : undefined;
  return { ...(holds > 0 ? { holds } : {}), ...(supported === undefined ? {} : { supportedDevices: supported }) };
}

/** A fused module is known to its children by the node whose outputs leave it. */
function outputName(parent: Node): string {
  return parent instanceof TaskModuleNode ? parent.exit.name : parent.name;
}

function taskOptions(node: Node): Partial<ManifestNode> {
  const { name: _, nbTasks, deviceType, partitionBy, join, buffer, device, ...others } = node.options;
  const required = device?.required === true || refusesCpu(node);
  return {
    ...(withoutUndefined(others) as Partial<ManifestNode>), // Defaults are filled later.
    ...(nbTasks === undefined ? {} : { nbTasks }),
    ...(deviceType === undefined ? {} : { deviceType: deviceType === "gpu" ? "GPU" : "CPU" }),
    ...(partitionBy === undefined ? {} : { partitionBy }),
    ...(join === undefined ? {} : { join: { ...join, collect: [...(join.collect ?? [])] } }),
    ...(buffer === undefined ? {} : { buffer }),
    ...(device === undefined && !required
      ? {}
      : { device: { ...device, ...(required ? { required } : {}) } as NonNullable<NodeSpec["device"]> }),
  };
}

/** Asks the component: one that throws for "cpu" can only run on a GPU. */
function refusesCpu(node: Node): boolean {
  const candidates = node instanceof TaskModuleNode ? node.members() : [node];
  return candidates.some((candidate) => {
    if (!(candidate instanceof ProcessorNode)) return false;
    try {
      candidate.changeDevice("cpu");
      return false;
    } catch {
      return true;
    }
  });
}

function paramsOf(node: Node): Record<string, unknown> {
  const bad = findUnserializable(node.params);
  if (bad !== undefined) throw new OperatorError("NODE_NOT_SERIALIZABLE", { node: node.name, path: bad.path, found: bad.found });
  if (node instanceof FunctionProcessorNode) refuseClosure(node.name, node.params.source, freeVariables);
  return JSON.parse(JSON.stringify(node.params)) as Record<string, unknown>;
}

/** The parser is loaded by the first flow that has a function node: every task that imports a user's module would wait for it. */
function freeVariables(program: string): readonly string[] {
  const detectGlobals = createRequire(import.meta.url)("acorn-globals") as (text: string) => readonly { readonly name: string }[];
  return detectGlobals(program).map(({ name }) => name);
}

function componentOf(node: Node, flow: Flow): string {
  const component = node.constructor as ComponentClass & { [BUILT_IN]?: string };
  const builtIn = Object.hasOwn(component, BUILT_IN) ? component[BUILT_IN] : undefined;
  if (builtIn !== undefined) return builtIn;
  if (flow.module === undefined) throw new OperatorError("FLOW_NO_MODULE", { node: node.name });
  if (!mentionsExport(readFileSync(flow.module, "utf8"), component.name)) {
    throw new OperatorError("NODE_NOT_EXPORTED", { node: node.name, className: component.name, module: flow.module });
  }
  return `${flow.module}#${component.name}`;
}

function defaultName(module: string | undefined): string {
  const stem = basename(module ?? "flow").replace(/\.[^.]*$/, "");
  const label = stem
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, "-")
    .replace(/^-+|-+$/g, "");
  return label === "" ? "flow" : label.slice(0, 40);
}
