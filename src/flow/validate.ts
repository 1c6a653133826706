/**
 * The rules that span several fields of a VideoFlow: names, roles, inputs, tasks, groups, joins, params.
 * Knows specs and descriptors; must not know YAML, files or hosts. Pure.
 */
import type { VideoFlowSpec } from "../api/kinds.js";
import type { Problem } from "../api/problem.js";
import { channelsOf } from "./channels.js";
import { type Describe, graphOf } from "./graph.js";
import { componentFindings } from "./validate-components.js";
import { type Findings, merge, NO_FINDINGS, warnings } from "./validate-findings.js";
import { groupFindings } from "./validate-groups.js";
import { cycleFindings, inputFindings, nameFindings, sizeFindings } from "./validate-inputs.js";
import { joinFindings, leafFindings } from "./validate-joins.js";
import { nodeFindings } from "./validate-nodes.js";
import { joinFieldFindings, timeJoinFindings } from "./validate-time-joins.js";
import { valueFindings } from "./validate-values.js";

export type { Findings } from "./validate-findings.js";

export interface ValidateOptions {
  /** Looks a component's descriptor up; undefined: not known here. */
  readonly describe: Describe;
  /** Names of the built-in components, for "did you mean". */
  readonly builtIns?: Iterable<string>;
}

/**
 * Checks a spec with its defaults; everything that is wrong at once.
 *
 * Rules that need a sound graph (joins, groups, buffers) speak only once names and inputs are sound.
 *
 * @param spec what validateVideoFlow gave.
 */
export function validateSpec(spec: VideoFlowSpec, { describe, builtIns = [] }: ValidateOptions): Findings {
  const known = [...builtIns];
  const single = spec.nodes.map((node, index) =>
    merge(
      componentFindings(node, index, describe, known),
      nodeFindings(node, index, describe),
      joinFieldFindings(node, index),
      valueFindings(node, index),
    ),
  );
  const wiring = merge(nameFindings(spec.nodes), inputFindings(spec.nodes), cycleFindings(spec.nodes), sizeFindings(spec.nodes));
  const isSound = wiring.problems.length === 0;
  const graphRules = isSound
    ? merge(groupFindings(spec.nodes), joinFindings(spec.nodes), timeJoinFindings(spec), leafFindings(spec.nodes))
    : NO_FINDINGS;
  const found = merge(...single, wiring, graphRules);
  return found.problems.length > 0 ? found : merge(found, bufferFindings(spec, describe));
}

function bufferFindings(spec: VideoFlowSpec, describe: Describe): Findings {
  const graph = graphOf(spec, describe);
  const raised = channelsOf(graph).flatMap(({ node, warning }): Problem[] => {
    const writer = graph.byName.get(node)?.members.at(-1)?.name;
    const index = spec.nodes.findIndex(({ name }) => name === writer);
    const path = `spec.nodes[${index}].buffer.messages`;
    return warning === undefined ? [] : [{ path, problem: warning, fix: "None needed; give at least that many to see no warning" }];
  });
  return warnings(...raised);
}
