/**
 * The rules that span several fields of a VideoFlow: names, roles, inputs, tasks, groups, joins, params.
 * Knows specs and descriptors; must not know YAML, files or hosts. Pure.
 */
import type { VideoFlowSpec } from "../api/kinds.js";
import type { Problem } from "../api/problem.js";
import type { Describe } from "./graph.js";

export interface Findings {
  /** Why the flow is refused, all at once. */
  readonly problems: readonly Problem[];
  /** What the user should know although the flow runs. */
  readonly warnings: readonly Problem[];
}

export interface ValidateOptions {
  /** Looks a component's descriptor up; undefined: not known here. */
  readonly describe: Describe;
  /** Names of the built-in components, for "did you mean". */
  readonly builtIns?: Iterable<string>;
}

/**
 * Checks a spec with its defaults.
 *
 * @param spec what validateVideoFlow gave.
 */
export function validateSpec(_spec: VideoFlowSpec, _options: ValidateOptions): Findings {
  return { problems: [], warnings: [] };
}
