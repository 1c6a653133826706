/** Names and wiring: unique names, known inputs, inputs by role, no cycle. */

import type { NodeSpec } from "../api/kinds.js";
import { nearest } from "../api/nearest.js";
import type { Problem } from "../api/problem.js";
import { findCycle } from "./graph-order.js";
import { type Findings, merge, problems } from "./validate-findings.js";

/** Each child of a node has a bit in the slots of the node. */
export const MAX_CHILDREN = 32;
export const MAX_CHANNELS = 512;

/** Names are unique; a task group is not named like a node, for both name tasks. */
export function nameFindings(nodes: readonly NodeSpec[]): Findings {
  const first = new Map<string, number>();
  const found = nodes.flatMap(({ name }, index): Problem[] => {
    const earlier = first.get(name);
    if (earlier === undefined) first.set(name, index);
    if (earlier === undefined) return [];
    const problem = `the name ${name} is taken by spec.nodes[${earlier}]`;
    return [{ path: `spec.nodes[${index}].name`, problem, got: JSON.stringify(name), fix: "Give each node a name of its own" }];
  });
  const groups = nodes.flatMap(({ taskGroup }, index): Problem[] => {
    if (taskGroup === undefined || !first.has(taskGroup)) return [];
    const problem = `the task group ${taskGroup} is named like spec.nodes[${first.get(taskGroup)}]`;
    return [
      {
        path: `spec.nodes[${index}].taskGroup`,
        problem,
        got: JSON.stringify(taskGroup),
        fix: "Give the group a name of its own: its tasks bear it",
      },
    ];
  });
  return problems(...found, ...groups);
}

/** A producer has no inputs, others have at least one; each names another node that has outputs, once. */
export function inputFindings(nodes: readonly NodeSpec[]): Findings {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const names = [...byName.keys()];
  return merge(
    ...nodes.map((node, index) =>
      problems(...countProblems(node, index), ...node.inputs.flatMap((_, at) => inputProblem(node, index, at, byName, names))),
    ),
  );
}

function countProblems(node: NodeSpec, index: number): Problem[] {
  const path = `spec.nodes[${index}].inputs`;
  if (node.role === "Producer" && node.inputs.length > 0) {
    return [{ path, problem: "a producer has no inputs", got: node.inputs.join(", "), fix: "Remove inputs, or make the node a Processor" }];
  }
  if (node.role === "Producer" || node.inputs.length > 0) return [];
  return [
    {
      path,
      problem: `a ${node.role.toLowerCase()} needs at least one input`,
      fix: `Add inputs: the names of the nodes that ${node.name} reads`,
    },
  ];
}

function inputProblem(
  node: NodeSpec,
  index: number,
  at: number,
  byName: ReadonlyMap<string, NodeSpec>,
  names: readonly string[],
): Problem[] {
  const input = node.inputs[at] ?? "";
  const place = { path: `spec.nodes[${index}].inputs[${at}]`, got: JSON.stringify(input) };
  const parent = byName.get(input);
  if (input === node.name) return [{ ...place, problem: `node ${node.name} reads itself`, fix: "Remove it: a flow has no cycles" }];
  if (parent === undefined) {
    const guess = nearest(
      input,
      names.filter((name) => name !== node.name),
    );
    return [
      {
        ...place,
        problem: `there is no node ${input}`,
        fix: guess === undefined ? `Name one of ${names.slice(0, 20).join(", ")}` : `Did you mean ${guess}?`,
      },
    ];
  }
  if (parent.role === "Consumer") {
    return [
      { ...place, problem: "a consumer has no outputs that a node could read", fix: "Read the node before it, or make it a Processor" },
    ];
  }
  if (node.inputs.indexOf(input) < at)
    return [{ ...place, problem: `${input} is an input twice`, fix: "Remove one: process() can use its argument twice" }];
  return [];
}

export function cycleFindings(nodes: readonly NodeSpec[]): Findings {
  const others = nodes.map(({ name, inputs }) => ({ name, inputs: inputs.filter((input) => input !== name) }));
  const cycle = findCycle(others);
  if (cycle === undefined) return problems();
  const index = nodes.findIndex(({ name }) => name === cycle[0]);
  return problems({
    path: `spec.nodes[${index}].inputs`,
    problem: `the flow has a cycle: ${cycle.join(" -> ")}`,
    fix: "Remove one of these inputs",
  });
}

/** What fits into a flow, and what it needs at least. */
export function sizeFindings(nodes: readonly NodeSpec[]): Findings {
  const path = "spec.nodes";
  const found: Problem[] = [];
  if (!nodes.some(({ role }) => role === "Producer"))
    found.push({ path, problem: "the flow has no producer", fix: "Add a node with role: Producer, such as VideoFileReader" });
  if (!nodes.some(({ role }) => role === "Consumer"))
    found.push({ path, problem: "the flow has no consumer", fix: "Add a node with role: Consumer, such as VoidConsumer" });
  const channels = nodes.reduce((sum, { inputs }) => sum + inputs.length, 0);
  if (channels > MAX_CHANNELS)
    found.push({
      path,
      problem: `the flow has more than ${MAX_CHANNELS} channels`,
      got: String(channels),
      fix: "Split it into several flows",
    });
  return problems(...found, ...childrenProblems(nodes));
}

function childrenProblems(nodes: readonly NodeSpec[]): Problem[] {
  const counts = new Map<string, number>();
  for (const input of nodes.flatMap(({ inputs }) => inputs)) counts.set(input, (counts.get(input) ?? 0) + 1);
  return nodes.flatMap(({ name }, index): Problem[] => {
    const count = counts.get(name) ?? 0;
    if (count <= MAX_CHILDREN) return [];
    const problem = `node ${name} is read by more than ${MAX_CHILDREN} nodes`;
    return [{ path: `spec.nodes[${index}].name`, problem, got: String(count), fix: "Put an Identity node between, or split the flow" }];
  });
}
