/** One thing that is wrong with a document, as its writer needs to read it. */
export interface Problem {
  /** File or "<stdin>"; absent for objects that were not parsed from text. */
  readonly source?: string;
  /** From 1. */
  readonly line?: number;
  /** From 1. */
  readonly column?: number;
  /** `spec.nodes[2].nbTasks`; empty for the document. */
  readonly path: string;
  /** What is wrong, without a full stop. */
  readonly problem: string;
  /** What was found there, as JSON, shortened. */
  readonly got?: string;
  /** What to do. */
  readonly fix: string;
}

/** One line: `flow.yaml:12:7: spec.nodes[2].nbTasks: must be an integer (got "two"). Fix: …`. */
export function formatProblem(problem: Problem): string {
  const { source, line, column, path, got } = problem;
  const place = [source, line, column].filter((part) => part !== undefined).join(":");
  const where = [place, path].filter((part) => part !== "").join(": ");
  const found = got === undefined ? "" : ` (got ${got})`;
  const text = `${where === "" ? "" : `${where}: `}${problem.problem}${found}. Fix: ${problem.fix}`;
  return text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ");
}

const MAX_GOT = 60;

/** What was found, shortened for one line. */
export function gotText(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = jsonText(value);
  return text.length > MAX_GOT ? `${text.slice(0, MAX_GOT - 1)}…` : text;
}

function jsonText(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, MAX_GOT + 1));
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === "object" && value !== null) return "an object";
  return String(value);
}
