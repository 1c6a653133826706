/** Task groups: processors that are fused into one task. For sound graphs. */
import type { NodeSpec } from "../api/kinds.js";
import type { Problem } from "../api/problem.js";
import { graphName } from "./graph.js";
import { findCycle, topologicalOrder } from "./graph-order.js";
import { type Findings, merge, problems } from "./validate-findings.js";

interface Group {
  readonly name: string;
  readonly members: readonly NodeSpec[];
  /** Names of the members. */
  readonly inside: ReadonlySet<string>;
  /** Where its problems are shown: the first member's taskGroup. */
  readonly path: string;
}

export function groupFindings(nodes: readonly NodeSpec[]): Findings {
  const groups = groupsOf(nodes);
  const found = groups.flatMap((group) => [...exitProblems(group, nodes), ...partProblems(group), ...agreementProblems(group, nodes)]);
  return merge(problems(...found), reentryFindings(nodes, groups));
}

function groupsOf(nodes: readonly NodeSpec[]): Group[] {
  const names = new Set(nodes.flatMap(({ taskGroup }) => taskGroup ?? []));
  return [...names].map((name) => {
    const members = nodes.filter(({ taskGroup }) => taskGroup === name);
    const path = `spec.nodes[${nodes.findIndex(({ taskGroup }) => taskGroup === name)}].taskGroup`;
    return { name, members, inside: new Set(members.map((member) => member.name)), path };
  });
}

/** A task has one output: that of exactly one member. */
function exitProblems({ name, members, inside, path }: Group, nodes: readonly NodeSpec[]): Problem[] {
  const outer = new Set(nodes.filter((node) => !inside.has(node.name)).flatMap(({ inputs }) => inputs));
  const inner = new Set(members.flatMap(({ inputs }) => inputs));
  const exits = members.filter((member) => outer.has(member.name) || !inner.has(member.name));
  if (exits.length === 1) return [];
  const list = exits.map((member) => member.name).join(", ");
  const problem = `the outputs of several members leave the task group ${name}, but a task has one output`;
  return [{ path, problem, got: list, fix: "Keep one of them as the last member, and take the others out of the group" }];
}

function partProblems({ name, members, inside, path }: Group): Problem[] {
  const reached = new Set(members.slice(0, 1).map((member) => member.name));
  for (let before = -1; before !== reached.size; ) {
    before = reached.size;
    for (const member of members) {
      const linked = member.inputs.filter((input) => inside.has(input));
      if (reached.has(member.name) || linked.some((input) => reached.has(input)))
        for (const each of [member.name, ...linked]) reached.add(each);
    }
  }
  const apart = members.filter((member) => !reached.has(member.name)).map((member) => member.name);
  if (apart.length === 0) return [];
  const problem = `the task group ${name} is not connected: ${apart.join(", ")} exchanges no message with the others`;
  return [{ path, problem, fix: "Give the parts groups of their own" }];
}

/** Members share one process, so they must want the same of it. */
function agreementProblems({ name, members }: Group, nodes: readonly NodeSpec[]): Problem[] {
  const [first] = members;
  if (first === undefined) return [];
  return members.slice(1).flatMap((member): Problem[] => {
    const at = `spec.nodes[${nodes.indexOf(member)}]`;
    const found: Problem[] = [];
    if (member.nbTasks !== first.nbTasks) {
      const problem = `the members of the task group ${name} need the same nbTasks: ${first.name} has ${first.nbTasks}`;
      found.push({ path: `${at}.nbTasks`, problem, got: String(member.nbTasks), fix: `Write nbTasks: ${first.nbTasks} on all members` });
    }
    if (member.partitionBy !== undefined && first.partitionBy !== undefined && member.partitionBy !== first.partitionBy) {
      const problem = `the members of the task group ${name} need the same partitionBy: ${first.name} has ${first.partitionBy}`;
      found.push({
        path: `${at}.partitionBy`,
        problem,
        got: JSON.stringify(member.partitionBy),
        fix: `Write partitionBy: ${first.partitionBy}`,
      });
    }
    return found;
  });
}

/** A way that leaves a group and comes back would make its task wait for itself. */
function reentryFindings(nodes: readonly NodeSpec[], groups: readonly Group[]): Findings {
  if (groups.length === 0) return problems();
  const home = new Map(nodes.map((node) => [node.name, graphName(node)]));
  const fused = topologicalOrder(nodes).order.map((node) => ({
    name: graphName(node),
    inputs: node.inputs.map((input) => home.get(input) ?? input).filter((input) => input !== graphName(node)),
  }));
  const merged = [...new Set(fused.map(({ name }) => name))].map((name) => ({
    name,
    inputs: fused.filter((node) => node.name === name).flatMap(({ inputs }) => inputs),
  }));
  const cycle = findCycle(merged);
  const group = groups.find(({ name }) => cycle?.includes(name));
  if (cycle === undefined || group === undefined) return problems();
  const problem = `a way leaves the task group ${group.name} and comes back: ${cycle.join(" -> ")}`;
  return problems({ path: group.path, problem, fix: "Take the nodes on that way into the group, or split it" });
}
