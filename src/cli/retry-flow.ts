/** The flow that runs one node on dead letters: a reader for each of its inputs, the node itself, and what keeps its outputs. Pure. */
import type { VideoFlowSpec } from "../api/kinds.js";
import { formatProblem } from "../api/problem.js";
import { validateVideoFlow } from "../api/validate.js";
import type { DeadLetter } from "../base/dead-letters.js";
import { OperatorError } from "../base/errors.js";
import { type Describe, graphOf } from "../flow/graph.js";
import type { FlowDocument } from "./world.js";

export interface RetryPlaces {
  /** Of the letters. */
  readonly folder: string;
  /** Of the outputs, and of the letters of what fails again. */
  readonly results: string;
  readonly describe: Describe;
}

/**
 * @param letters of one node, at least one; the n-th is the n-th message of the retry.
 * @throws OperatorError DEAD_LETTER_UNFIT if the flow has no such node, or one with other inputs.
 */
export function retryFlow(flow: FlowDocument, letters: readonly DeadLetter[], places: RetryPlaces): FlowDocument {
  const { node: name, inputs } = letters[0] as DeadLetter;
  const spec = flow.spec as VideoFlowSpec;
  const node = graphOf(spec, places.describe).byName.get(name);
  const unfit = (problem: string) => new OperatorError("DEAD_LETTER_UNFIT", { node: name, flow: flow.metadata.name, problem });
  if (node === undefined) throw unfit("there is no such node");
  if (node.inputs.length !== inputs.length) throw unfit(`it has ${node.inputs.length} inputs, the letter has ${inputs.length}`);
  const ids = letters.map(({ id }) => id);
  const counter = { name: "retry-letters", role: "Producer", component: "IntProducer", params: { end: ids.length } };
  const readers = node.inputs.map((_input, i) => ({
    name: readerName(i),
    role: "Processor",
    component: "DeadLetterReader",
    inputs: [counter.name],
    params: { folder: places.folder, letters: ids, input: i },
  }));
  const inside = new Set(node.members.map((member) => member.name));
  const renamed = (input: string) => (inside.has(input) ? input : readerName(node.inputs.indexOf(input)));
  const members = node.members.map((member) => ({ ...member, nbTasks: 1, inputs: member.inputs.map(renamed) }));
  const exit = members.at(-1);
  const keeper = { name: "retry-results", role: "Consumer", component: "DeadLetterResults", inputs: [exit?.name] };
  const keepers = exit?.role === "Consumer" ? [] : [{ ...keeper, params: { folder: places.results, letters: ids } }];
  const nodes = [counter, ...readers, ...members, ...keepers];
  return complete({ ...flow, spec: { ...spec, flowType: "Batch", nodes } });
}

/** Fills in what the added nodes leave to the defaults. @throws TypeError where our own nodes are wrong. */
function complete(document: unknown): FlowDocument {
  const { flow, problems } = validateVideoFlow(document);
  if (flow === undefined || problems.length > 0) throw new TypeError(problems.map(formatProblem).join("; "));
  return flow;
}

function readerName(input: number): string {
  return `retry-input-${input}`;
}
