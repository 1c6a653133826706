/** Values of a node that stand elsewhere (`valueFrom`), and values that were printed rather than meant. */
import type { NodeSpec } from "../api/kinds.js";
import { type PathSegment, pathText, pointerSegments } from "../api/path.js";
import type { Problem } from "../api/problem.js";
import { checkSchema, isRecord } from "../api/schema.js";
import { schemaProblems } from "../api/schema-problems.js";
import { findSources, isValueFrom, mapSources, sourceProblem } from "../api/value-source.js";
import type { ParamsSchema } from "./descriptor.js";
import { type Findings, problems } from "./validate-findings.js";

const HOW = "Write valueFrom: { file: PATH }, or valueFrom: { secretKeyRef: { name: SECRET, key: KEY } }";
const MASKED_ADDRESS = /^[a-z][a-z0-9+.-]*:\/\/\*\*\*@|[?&][a-z_]+=\*\*\*(&|$)/i;

/** @param index number of the node in the spec. */
export function valueFindings(node: NodeSpec, index: number): Findings {
  const base = ["spec", "nodes", index] as const;
  return problems(
    ...node.env.flatMap((entry, i) => envProblems(entry, [...base, "env", i])),
    ...malformed(node.params, [...base, "params"]),
    ...masked(node.params, [...base, "params"]),
  );
}

function envProblems({ value, valueFrom }: NodeSpec["env"][number], path: readonly PathSegment[]): Problem[] {
  if ((value === undefined) === (valueFrom === undefined))
    return [{ path: pathText(path), problem: "needs either value or valueFrom", fix: "Write value, or where it is read: valueFrom" }];
  const problem = valueFrom === undefined ? undefined : sourceProblem(valueFrom);
  return problem === undefined ? [] : [{ path: pathText([...path, "valueFrom"]), problem, fix: HOW }];
}

function malformed(params: NodeSpec["params"], base: readonly PathSegment[]): Problem[] {
  const found: Problem[] = [];
  const walk = (value: unknown, path: readonly PathSegment[]): void => {
    if (isValueFrom(value)) {
      const extra = Object.keys(value).length > 1 ? "stands alone: the other fields beside it have no meaning" : undefined;
      const problem = extra ?? sourceProblem(value.valueFrom);
      if (problem !== undefined) found.push({ path: pathText([...path, "valueFrom"]), problem, fix: HOW });
    } else if (Array.isArray(value)) for (const [i, item] of value.entries()) walk(item, [...path, i]);
    else if (isRecord(value)) for (const [key, item] of Object.entries(value)) walk(item, [...path, key]);
  };
  walk(params, base);
  return found;
}

/** What commands print in place of credentials is nobody's password. */
function masked(params: NodeSpec["params"], base: readonly PathSegment[]): Problem[] {
  const found: Problem[] = [];
  const walk = (value: unknown, path: readonly PathSegment[]): void => {
    if (typeof value === "string" && MASKED_ADDRESS.test(value)) {
      const fix = "Write the credentials, or better: valueFrom, and the address in a file or a Secret";
      found.push({ path: pathText(path), problem: "holds *** in place of credentials: it was printed, not written", fix });
    } else if (Array.isArray(value)) for (const [i, item] of value.entries()) walk(item, [...path, i]);
    else if (isRecord(value)) for (const [key, item] of Object.entries(value)) walk(item, [...path, key]);
  };
  walk(params, base);
  return found;
}

/**
 * Params against their schema, before the values that stand elsewhere are known: of those only that they are texts.
 *
 * @param base where the params stand.
 */
export function paramsProblems(schema: ParamsSchema, params: NodeSpec["params"], base: readonly PathSegment[]): Problem[] {
  const places = findSources(params);
  if (places.length === 0) return schemaProblems(checkSchema(schema, params), { schema, value: params, base });
  const value = mapSources(params, () => "");
  return checkSchema(schema, value).flatMap((error) => {
    const at = pointerSegments(error.instancePath, value);
    if (!places.some(({ path }) => pathText(path) === pathText(at))) return schemaProblems([error], { schema, value, base });
    if (error.keyword !== "type") return [];
    const path = pathText([...base, ...at]);
    return [
      {
        path,
        problem: `must be ${String(error.params["type"])}, and a value from a file or Secret is a text`,
        fix: "Write the value itself",
      },
    ];
  });
}

/** What is wrong with values that stood elsewhere, now that they are known. Their text is never told. */
export function knownValueProblems(
  schema: ParamsSchema,
  params: NodeSpec["params"],
  places: readonly (readonly PathSegment[])[],
): Problem[] {
  return checkSchema(schema, params).flatMap((error) => {
    const at = pathText(pointerSegments(error.instancePath, params));
    if (!places.some((path) => pathText(path) === at)) return [];
    return schemaProblems([error], { schema, value: params, base: [] }).map(({ path, problem }) => ({
      path,
      problem,
      fix: "Correct the value",
    }));
  });
}
