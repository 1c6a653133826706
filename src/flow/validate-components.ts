/** A node against the descriptor of its component: name, role, params, devices. */

import type { NodeSpec } from "../api/kinds.js";
import { nearest } from "../api/nearest.js";
import { gotText } from "../api/problem.js";
import type { ComponentDescriptor } from "./descriptor.js";
import type { Describe } from "./graph.js";
import { isPython, parsePython } from "./python-component.js";
import { type Findings, merge, NO_FINDINGS, problems, warnings } from "./validate-findings.js";
import { paramsProblems } from "./validate-values.js";

const MODULE = /^(\.{0,2}\/|file:|[A-Za-z]:\\)|\.[cm]?[jt]sx?(#|$)|#/;
const MODULE_WITH_EXPORT = /.#[A-Za-z_$][\w$]*$/;

/** @param index number of the node in the spec. */
export function componentFindings(node: NodeSpec, index: number, describe: Describe, builtIns: readonly string[]): Findings {
  const descriptor = describe(node.component);
  if (descriptor === undefined)
    return merge(unknownFindings(node.component, `spec.nodes[${index}].component`, builtIns), optionFindings(node, index));
  return merge(roleFindings(node, index, descriptor), paramsFindings(node, index, descriptor), deviceFindings(node, index, descriptor));
}

function unknownFindings(component: string, path: string, builtIns: readonly string[]): Findings {
  const got = gotText(component);
  if (parsePython(component) !== undefined) return NO_FINDINGS;
  if (isPython(component)) return problems({ path, problem: "names no Python class", got, fix: "Write python:package.module:Class" });
  if (MODULE_WITH_EXPORT.test(component)) return NO_FINDINGS;
  if (MODULE.test(component))
    return problems({ path, problem: "names no class of the module", got, fix: `Write ${component.split("#")[0]}#ClassName` });
  const guess = nearest(component, builtIns);
  const known =
    builtIns.length === 0
      ? "Give a class of a module: ./file.ts#ClassName"
      : `Give one of ${builtIns.join(", ")}, or a class of a module: ./file.ts#ClassName`;
  return problems({ path, problem: "is no built-in component", got, fix: guess === undefined ? known : `Did you mean ${guess}?` });
}

/** Options of Videoflow's constructors that are fields of the node here; the constructor still gets them. */
const OPTIONS: Readonly<Record<string, string>> = {
  nb_tasks: "nbTasks",
  device_type: "deviceType",
  partition_by: "partitionBy",
  gpu_count: "device.count",
  gpu_memory_gib: "device.memory",
  join_policy: "join",
};

function optionFindings({ component, params }: NodeSpec, index: number): Findings {
  if (!isPython(component)) return NO_FINDINGS;
  const found = Object.keys(params).filter((name) => Object.hasOwn(OPTIONS, name));
  return warnings(
    ...found.map((name) => ({
      path: `spec.nodes[${index}].params.${name}`,
      problem: "is read by the class alone; the flow has a field of the node for it",
      got: gotText(params[name]),
      fix: `Write ${OPTIONS[name]} beside params`,
    })),
  );
}

function roleFindings(node: NodeSpec, index: number, descriptor: ComponentDescriptor): Findings {
  if (node.role === descriptor.role) return NO_FINDINGS;
  const problem = `${node.component} is a ${descriptor.role}`;
  return problems({
    path: `spec.nodes[${index}].role`,
    problem,
    got: gotText(node.role),
    fix: `Write role: ${descriptor.role}, or choose another component`,
  });
}

function paramsFindings(node: NodeSpec, index: number, { params: schema }: ComponentDescriptor): Findings {
  if (schema === undefined) return NO_FINDINGS;
  return problems(...paramsProblems(schema, node.params, ["spec", "nodes", index, "params"]));
}

function deviceFindings(node: NodeSpec, index: number, { devices }: ComponentDescriptor): Findings {
  if (node.role !== "Processor" || devices.includes("GPU")) return NO_FINDINGS;
  if (node.device?.required === true) {
    const path = `spec.nodes[${index}].device.required`;
    return problems({
      path,
      problem: `${node.component} cannot use a GPU`,
      got: "true",
      fix: "Remove device.required, or choose a component that supports GPUs",
    });
  }
  if (node.deviceType !== "GPU") return NO_FINDINGS;
  const path = `spec.nodes[${index}].deviceType`;
  return warnings({
    path,
    problem: `${node.component} has no GPU support: node ${node.name} gets a CPU and no device claim`,
    got: '"GPU"',
    fix: "Remove deviceType",
  });
}
