/** Joins by event time: what belongs together, what can never be met, what could wait for ever. For sound graphs. */
import type { NodeSpec, VideoFlowSpec } from "../api/kinds.js";
import { nearest } from "../api/nearest.js";
import type { Problem } from "../api/problem.js";
import { topologicalOrder } from "./graph-order.js";
import { joinsByTime, sourcesOf } from "./time-joins.js";
import { type Findings, merge, NO_FINDINGS, problems, warnings } from "./validate-findings.js";

/** Fields of a join that only mode Time reads. */
const TIME_FIELDS = ["toleranceMs", "timeoutMs", "quorum", "collect", "missing"] as const;

/** @param index number of the node in the spec. */
export function joinFieldFindings(node: NodeSpec, index: number): Findings {
  const { join } = node;
  if (join === undefined) return NO_FINDINGS;
  const at = `spec.nodes[${index}]`;
  if (join.mode !== "Time") return problems(...straightProblems(join, at));
  if (node.inputs.length < 2) return warnings(...loneWarning(node, at));
  return problems(...timeProblems(node, at), ...collectProblems(node, at), ...placeProblems(node, at));
}

function straightProblems(join: NonNullable<NodeSpec["join"]>, at: string): Problem[] {
  return TIME_FIELDS.filter((field) => join[field] !== undefined).map((field) => ({
    path: `${at}.join.${field}`,
    problem: `is read by joins of mode Time only, and the mode is ${join.mode}`,
    fix: "Write mode: Time, or remove it",
  }));
}

function loneWarning({ name, inputs }: NodeSpec, at: string): Problem[] {
  const problem = `node ${name} has ${inputs.length} input: there is nothing to join`;
  return [{ path: `${at}.join`, problem, fix: "Remove join, or add inputs" }];
}

function timeProblems({ join, inputs }: NodeSpec, at: string): Problem[] {
  const found: Problem[] = [];
  if (join?.toleranceMs === undefined) {
    found.push({
      path: `${at}.join.toleranceMs`,
      problem: "is missing",
      fix: "Add the milliseconds that events of one group may be apart",
    });
  }
  const single = inputs.length - (join?.collect?.length ?? 0);
  if (join?.quorum !== undefined && join.quorum > single) {
    const problem = "is more than the inputs that count, and those in collect do not";
    found.push({ path: `${at}.join.quorum`, problem, got: String(join.quorum), fix: `Write a number from 1 to ${single}` });
  }
  return found;
}

function collectProblems({ join, inputs }: NodeSpec, at: string): Problem[] {
  const collect = join?.collect ?? [];
  const unknown = collect.flatMap((name, i): Problem[] => {
    if (inputs.includes(name)) return [];
    const guess = nearest(name, inputs);
    const fix = guess === undefined ? `Name some of ${inputs.join(", ")}` : `Did you mean ${guess}?`;
    return [{ path: `${at}.join.collect[${i}]`, problem: `${name} is no input of the node`, got: JSON.stringify(name), fix }];
  });
  if (unknown.length > 0 || collect.length < inputs.length) return unknown;
  const problem = "every input gives a list, so that no message starts a group";
  return [{ path: `${at}.join.collect`, problem, got: collect.join(", "), fix: "Leave at least one input out" }];
}

function placeProblems({ name, nbTasks, oneTask, taskGroup }: NodeSpec, at: string): Problem[] {
  const found: Problem[] = [];
  if (nbTasks > 1 && !oneTask) {
    const problem = `node ${name} joins by time, so that one task must see all messages`;
    found.push({ path: `${at}.nbTasks`, problem, got: String(nbTasks), fix: "Remove nbTasks; replicate the nodes before or behind it" });
  }
  if (taskGroup !== undefined) {
    const problem = "a join by time cannot be in a task group";
    found.push({ path: `${at}.taskGroup`, problem, got: JSON.stringify(taskGroup), fix: "Remove taskGroup" });
  }
  return found;
}

/** In batch a join waits for ever unless told otherwise: inputs that hang together by another join could wait for each other. */
export function timeJoinFindings({ flowType, nodes }: Pick<VideoFlowSpec, "flowType" | "nodes">): Findings {
  if (flowType === "Realtime" || !nodes.some(joinsByTime)) return NO_FINDINGS;
  const ordered = topologicalOrder(nodes).order;
  const sources = sourcesOf(ordered.map((node) => ({ name: node.name, inputs: node.inputs, joinsByTime: joinsByTime(node) })));
  const producers = sourcesOf(ordered.map((node) => ({ name: node.name, inputs: node.inputs, joinsByTime: false })));
  return merge(
    ...nodes.map((node, index) => {
      const pair = joinsByTime(node) && node.join?.timeoutMs === undefined ? entangled(node, sources, producers) : undefined;
      if (pair === undefined) return NO_FINDINGS;
      const problem = `is missing: ${pair.join(" and ")} come from one producer, but through other joins by time, and could wait for each other for ever`;
      return problems({
        path: `spec.nodes[${index}].join.timeoutMs`,
        problem,
        fix: "Add the milliseconds after which a group is given up",
      });
    }),
  );
}

type Origins = ReadonlyMap<string, ReadonlySet<string>>;

function entangled({ inputs }: NodeSpec, sources: Origins, producers: Origins): readonly [string, string] | undefined {
  for (const [i, a] of inputs.entries()) {
    for (const b of inputs.slice(i + 1)) if (meet(producers, a, b) && !meet(sources, a, b)) return [a, b];
  }
  return undefined;
}

function meet(origins: Origins, a: string, b: string): boolean {
  return [...(origins.get(a) ?? [])].some((origin) => origins.get(b)?.has(origin));
}
