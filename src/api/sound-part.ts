/** What can still be judged of a spec when parts of it are wrong, so that its writer hears of the rest in the same round. Pure. */
import { defaultSpec } from "./default.js";
import { validateVideoFlowSpec } from "./generated/validators.js";
import type { NewResource } from "./kinds.js";
import { parsePath } from "./path.js";
import type { Problem } from "./problem.js";
import { isRecord } from "./schema.js";

export interface SoundPart {
  /** With its defaults in place of what is wrong. */
  readonly spec: NewResource<"VideoFlow">["spec"];
  /** Whether what a rule says about this path of the document is no mere consequence of what is wrong. */
  isClear(path: string): boolean;
}

/** Fields of a node on which the rules for others depend. */
const GRAPH_FIELDS: ReadonlySet<unknown> = new Set(["name", "role", "component", "inputs", "join", "partitionBy", "taskGroup"]);

/** Fields of a node whose rules depend on none of its others but those of the graph. */
const OWN_FIELDS: ReadonlySet<unknown> = new Set(["name", "component", "inputs", "params"]);

/**
 * @param spec that schema problems were found in, with nothing but plain values.
 * @returns undefined if the graph cannot be known.
 */
export function soundPart(spec: unknown, problems: readonly Problem[]): SoundPart | undefined {
  if (!isRecord(spec)) return undefined;
  const rest: Record<string, unknown> = structuredClone(spec);
  const wrongFields = new Map<unknown, Set<unknown>>();
  for (const { path } of problems) {
    const [top, field, index, nodeField] = parsePath(path);
    if (top !== "spec" || field === "flowType") return undefined;
    if (field !== "nodes") {
      delete rest[String(field)];
      continue;
    }
    if (nodeField === undefined || GRAPH_FIELDS.has(nodeField)) return undefined;
    delete (rest["nodes"] as Record<string, unknown>[])[Number(index)]?.[nodeField];
    wrongFields.set(index, (wrongFields.get(index) ?? new Set()).add(nodeField));
  }
  if (!validateVideoFlowSpec(rest)) return undefined;
  const isClear = (path: string) => {
    const [, , index, nodeField] = parsePath(path);
    const wrong = wrongFields.get(index);
    return wrong === undefined || (OWN_FIELDS.has(nodeField) && !wrong.has(nodeField));
  };
  return { spec: defaultSpec("VideoFlow", rest), isClear };
}
