/** Finds the class or the node of a component and makes the node of this task. */
import { existsSync } from "node:fs";
import { pathToFileURL } from "node:url";
import type { NodeSpec, TaskMember } from "../api/kinds.js";
import { findSources } from "../api/value-source.js";
import { errorText, OperatorError } from "../base/errors.js";
import { COMPONENTS } from "../components/registry.js";
import type { ComponentDescriptor } from "../flow/descriptor.js";
import { graphHash } from "../flow/graph-hash.js";
import { type ComponentClass, describe, Node, roleOf } from "../flow/node.js";
import { parsePython } from "../flow/python-component.js";
import { session } from "../flow/session.js";
import { registerLoader } from "./typescript.js";

/** A node that is not open yet, and what its class says. */
export interface LoadedNode {
  readonly member: TaskMember;
  readonly node: Node;
  readonly descriptor: ComponentDescriptor;
}

/**
 * Loads a member of the task.
 *
 * A built-in is loaded by name, without the TypeScript loader. A `<file>#<export>` is imported; if the file builds a flow
 * that has a node of this name, that node is used, else the exported class is instantiated with the params.
 *
 * @param expectedHash hash of the graph that the file must build again; undefined: not checked.
 * @throws OperatorError COMPONENT_NOT_FOUND, FLOW_MISMATCH.
 */
export async function loadMember(member: TaskMember, expectedHash: string | undefined): Promise<LoadedNode> {
  const node = await instantiate(member, expectedHash);
  return { member, node, descriptor: describe(node.constructor as ComponentClass) };
}

async function instantiate(member: TaskMember, expectedHash: string | undefined): Promise<Node> {
  const python = parsePython(member.component);
  if (python !== undefined) return (await import("./python-nodes.js")).pythonNode(member, python);
  const hash = member.component.lastIndexOf("#");
  if (hash < 0) return construct(member, await loadBuiltIn(member));
  const file = member.component.slice(0, hash);
  const exported = await importUser(member, file);
  const built = builtNode(member, file, expectedHash);
  if (built !== undefined && findSources(built.params).length > 0) return remake(member, built);
  return built ?? construct(member, exportOf(member, exported, member.component.slice(hash + 1)));
}

async function loadBuiltIn(member: TaskMember): Promise<ComponentClass> {
  const entry = COMPONENTS.get(member.component);
  if (entry === undefined) throw notFound(member, "there is no built-in of this name");
  return entry.load();
}

async function importUser(member: TaskMember, file: string): Promise<Record<string, unknown>> {
  if (!existsSync(file)) throw notFound(member, "the file is not there");
  session().mode = "collect";
  try {
    await registerLoader(file);
    return (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  } catch (cause) {
    throw new OperatorError("COMPONENT_NOT_FOUND", { node: member.name, component: member.component, detail: errorText(cause) }, { cause });
  }
}

/** The node of this name in a flow that the imported file built. */
function builtNode(member: TaskMember, file: string, expectedHash: string | undefined): Node | undefined {
  const flow = session().flows.find((candidate) => candidate.module === file);
  if (flow === undefined) return undefined;
  const nodes = flow.toManifest().spec.nodes.map((node) => ({ ...node, inputs: node.inputs ?? [] }));
  const got = graphHash({ nodes: nodes as NodeSpec[] });
  if (expectedHash !== undefined && got !== expectedHash) {
    throw new OperatorError("FLOW_MISMATCH", { module: file, node: member.name, expected: expectedHash, got });
  }
  return flow.nodes().find((node) => node.name === member.name);
}

/** The node of the module has placeholders for values that stand elsewhere: another one of its class has the values. */
function remake(member: TaskMember, built: Node): Node {
  const create = built.constructor as unknown as new (params: object, options: object) => Node;
  return new create(member.params, { name: built.name });
}

function exportOf(member: TaskMember, exported: Record<string, unknown>, name: string): ComponentClass {
  const found = exported[name];
  if (typeof found !== "function") throw notFound(member, `the file exports ${Object.keys(exported).join(", ") || "nothing"}, not ${name}`);
  if (roleOf(found) === undefined) throw notFound(member, `${name} extends none of ProducerNode, ProcessorNode, ConsumerNode`);
  return found as ComponentClass;
}

function construct(member: TaskMember, component: ComponentClass): Node {
  const create = component as unknown as new (params: object, options: object) => Node;
  const node = new create(member.params, { name: member.name });
  if (!(node instanceof Node)) throw notFound(member, "it is a class of another copy of the videoflow package");
  return node;
}

function notFound(member: TaskMember, detail: string): OperatorError {
  return new OperatorError("COMPONENT_NOT_FOUND", { node: member.name, component: member.component, detail });
}
