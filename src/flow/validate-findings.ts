/** What rules find. */
import type { Problem } from "../api/problem.js";

export interface Findings {
  /** Why the flow is refused, all at once. */
  readonly problems: readonly Problem[];
  /** What the user should know although the flow runs. */
  readonly warnings: readonly Problem[];
}

export const NO_FINDINGS: Findings = { problems: [], warnings: [] };

export function merge(...findings: readonly Findings[]): Findings {
  return { problems: findings.flatMap((found) => found.problems), warnings: findings.flatMap((found) => found.warnings) };
}

export function problems(...found: readonly Problem[]): Findings {
  return { problems: found, warnings: [] };
}

export function warnings(...found: readonly Problem[]): Findings {
  return { problems: [], warnings: found };
}
