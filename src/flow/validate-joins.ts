/** Where messages come from and where they go: joins of one producer, outputs that somebody reads. For sound graphs. */
import type { NodeSpec } from "../api/kinds.js";
import type { Problem } from "../api/problem.js";
import { topologicalOrder } from "./graph-order.js";
import { joinsByTime, sourcesOf } from "./time-joins.js";
import { type Findings, problems, warnings } from "./validate-findings.js";

/** The inputs of a Trace join come from one producer, or from one join by time; otherwise no trace is ever complete. */
export function joinFindings(nodes: readonly NodeSpec[]): Findings {
  const ordered = topologicalOrder(nodes).order;
  const origin = sourcesOf(ordered.map((node) => ({ name: node.name, inputs: node.inputs, joinsByTime: joinsByTime(node) })));
  const found = nodes.flatMap((node, index): Problem[] => {
    const producers = [...(origin.get(node.name) ?? [])];
    const isFirst = node.inputs.every((input) => (origin.get(input)?.size ?? 0) < 2);
    if (producers.length < 2 || !isFirst) return [];
    const byTime = producers.some((name) => nodes.some((other) => other.name === name && other.role !== "Producer"));
    const what = byTime ? "joins by time and what is before them have traces of their own" : "traces of two producers never meet";
    const problem = `node ${node.name} joins messages of ${producers.join(" and ")}: ${what}`;
    return [
      {
        path: `spec.nodes[${index}].inputs`,
        problem,
        got: node.inputs.join(", "),
        fix: "Join only branches that come from one producer, or join by event time: join: { mode: Time, toleranceMs: 20 }",
      },
    ];
  });
  return problems(...found);
}

/** Outputs that nobody reads are legal, since a processor may have effects of its own, but seldom meant. */
export function leafFindings(nodes: readonly NodeSpec[]): Findings {
  const read = new Set(nodes.flatMap(({ inputs }) => inputs));
  const found = nodes.flatMap(({ name, role }, index): Problem[] => {
    if (role === "Consumer" || read.has(name)) return [];
    const path = `spec.nodes[${index}].name`;
    return [
      {
        path,
        problem: `nobody reads the outputs of node ${name}: they are thrown away`,
        fix: `Add ${name} to the inputs of a node, or remove it`,
      },
    ];
  });
  return warnings(...found);
}
