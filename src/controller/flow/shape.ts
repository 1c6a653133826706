/** Stages 2 and 3 for the controller: the graph of a stored flow, or all that is wrong with it. */
import type { VideoFlowSpec } from "../../api/kinds.js";
import { formatProblem } from "../../api/problem.js";
import { channelsOf, memoryBytes, type NodeChannels } from "../../flow/channels.js";
import { type Describe, type FlowGraph, graphOf } from "../../flow/graph.js";
import { validateSpec } from "../../flow/validate.js";
import { layoutHash, templateHashes } from "./desired.js";

/** What the decision needs to know of the graph. */
export interface FlowShape {
  /** Why the flow is refused; then there is no graph. */
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
  readonly graph?: FlowGraph;
  /** One entry per graph node, in its order. */
  readonly channels: readonly NodeChannels[];
  /** Shared memory that the flow may need. */
  readonly memoryBytes: number;
  /** `<node>.<index>` to template hash. */
  readonly hashes: ReadonlyMap<string, string>;
  /** Hash of the data plane; empty where there is no graph. */
  readonly layout: string;
}

/** A stored spec is frozen and never changes, so its shape does not either. */
const known = new WeakMap<VideoFlowSpec, { readonly describe: Describe; readonly isScalable: boolean; readonly shape: FlowShape }>();

/**
 * Pure; computed once for each stored spec.
 *
 * @param isScalable nodes get room for more tasks than they begin with.
 */
export function shapeOf(spec: VideoFlowSpec, describe: Describe, isScalable = false): FlowShape {
  const before = known.get(spec);
  if (before?.describe === describe && before.isScalable === isScalable) return before.shape;
  const shape = computeShape(spec, describe, isScalable);
  if (Object.isFrozen(spec)) known.set(spec, { describe, isScalable, shape });
  return shape;
}

function computeShape(spec: VideoFlowSpec, describe: Describe, isScalable: boolean): FlowShape {
  const { problems, warnings } = validateSpec(spec, { describe });
  if (problems.length > 0) {
    return {
      problems: problems.map(formatProblem),
      warnings: warnings.map(formatProblem),
      channels: [],
      memoryBytes: 0,
      hashes: new Map(),
      layout: "",
    };
  }
  const graph = graphOf(spec, describe);
  const channels = channelsOf(graph, { isScalable });
  const raised = channels.flatMap(({ warning }) => (warning === undefined ? [] : [warning]));
  return {
    problems: [],
    warnings: [...warnings.map(formatProblem), ...raised],
    graph,
    channels,
    memoryBytes: memoryBytes(graph, channels),
    hashes: templateHashes(spec, graph),
    layout: layoutHash(channels),
  };
}
