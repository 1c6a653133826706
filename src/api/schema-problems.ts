/** Schema errors in the words of the user: the path, what was found, the fix. */
import { DNS_LABEL } from "./dns-label.js";
import type { SchemaError } from "./generated/validators.js";
import { nearest } from "./nearest.js";
import { type PathSegment, pathText, pointerSegments, valueAt } from "./path.js";
import { gotText, type Problem } from "./problem.js";
import { isRecord, type Schema } from "./schema.js";

/** What the errors speak of. */
export interface Checked {
  readonly schema: Schema;
  readonly value: unknown;
  /** Where the value stands in its document: ["spec"]. */
  readonly base: readonly PathSegment[];
}

/** @param errors of ajv or of checkSchema. */
export function schemaProblems(errors: readonly SchemaError[], checked: Checked): Problem[] {
  return errors.map((error) => schemaProblem(error, checked));
}

function schemaProblem(error: SchemaError, { schema, value, base }: Checked): Problem {
  const inside = pointerSegments(error.instancePath, value);
  const path = [...base, ...inside];
  const found = valueAt(value, inside);
  const owner = valueAt(schema, pointerSegments(error.schemaPath, undefined).slice(0, -1));
  const field = fieldProblem(error, path, found, isRecord(owner) ? owner : {});
  return field ?? { path: pathText(path), got: gotText(found), ...valueProblem(error, found) };
}

/** Fields that are missing or unknown: the path is theirs, not that of their object. */
function fieldProblem(error: SchemaError, path: readonly PathSegment[], found: unknown, owner: Schema): Problem | undefined {
  const { missingProperty, additionalProperty } = error.params;
  const known = isRecord(owner["properties"]) ? owner["properties"] : {};
  if (typeof missingProperty === "string") {
    return {
      path: pathText([...path, missingProperty]),
      problem: "is missing",
      fix: `Add ${missingProperty}${wantedText(known[missingProperty])}`,
    };
  }
  if (typeof additionalProperty !== "string") return undefined;
  return unknownField([...path, additionalProperty], valueAt(found, [additionalProperty]), Object.keys(known));
}

/** A field that the schema does not know. @param known the names that it does. */
export function unknownField(path: readonly PathSegment[], value: unknown, known: readonly string[]): Problem {
  const name = String(path.at(-1));
  const guess = nearest(name, known);
  const names = known.length === 0 ? "Remove it; no field is known here" : `Remove it; the fields are ${known.join(", ")}`;
  return {
    path: pathText(path),
    problem: `unknown field ${shortName(name)}`,
    got: gotText(value),
    fix: guess === undefined ? names : `Did you mean ${guess}?`,
  };
}

function shortName(name: string): string {
  return name.length > 40 ? `${name.slice(0, 39)}…` : name;
}

function wantedText(schema: unknown): string {
  if (!isRecord(schema)) return "";
  const allowed = schema["enum"];
  if (Array.isArray(allowed)) return `: one of ${allowed.join(", ")}`;
  return typeof schema["type"] === "string" ? `: ${typeText(schema["type"])}` : "";
}

function typeText(type: string): string {
  const names: Readonly<Record<string, string>> = { array: "a list", object: "an object", integer: "an integer", boolean: "true or false" };
  return names[type] ?? `a ${type}`;
}

type Words = Pick<Problem, "problem" | "fix">;

function valueProblem({ keyword, params }: SchemaError, found: unknown): Words {
  const limit = String(params["limit"]);
  if (keyword === "type") return typeProblem(String(params["type"]), found);
  if (keyword === "enum") return enumProblem(params["allowedValues"], found);
  if (keyword === "anyOf") return choiceProblem(params["missing"]);
  if (keyword === "pattern") return patternProblem(String(params["pattern"]));
  const words: Readonly<Record<string, Words>> = {
    minimum: { problem: `must be at least ${limit}`, fix: `Give ${limit} or more` },
    maximum: { problem: `must be at most ${limit}`, fix: `Give ${limit} or less` },
    exclusiveMinimum: { problem: `must be more than ${limit}`, fix: `Give more than ${limit}` },
    exclusiveMaximum: { problem: `must be less than ${limit}`, fix: `Give less than ${limit}` },
    minLength: { problem: "is too short", fix: `Give at least ${limit} character${limit === "1" ? "" : "s"}` },
    maxLength: { problem: "is too long", fix: `Give at most ${limit} characters` },
    minItems: { problem: "has too few items", fix: `Give at least ${limit}` },
    maxItems: { problem: "has too many items", fix: `Give at most ${limit}` },
  };
  return words[keyword] ?? { problem: `breaks the rule ${keyword}`, fix: "Correct it" };
}

function choiceProblem(missing: unknown): Words {
  const names = Array.isArray(missing) ? missing.join(" or ") : "";
  return { problem: names === "" ? "fits none of the alternatives" : `needs ${names}`, fix: names === "" ? "Correct it" : `Add ${names}` };
}

function typeProblem(type: string, found: unknown): Words {
  const wanted = type.split(" or ").map(typeText).join(" or ");
  return { problem: `must be ${wanted}`, fix: typeFix(type, found, wanted) };
}

function typeFix(type: string, found: unknown, wanted: string): string {
  if (found === null) return "Give a value, or remove the field";
  const isNumeric = type === "integer" || type === "number";
  if (isNumeric && typeof found === "string" && found.trim() !== "" && Number.isFinite(Number(found)))
    return `Write ${found.trim()} without quotes`;
  if (type === "string" && (typeof found === "number" || typeof found === "boolean")) return `Write "${found}" with quotes`;
  if (type === "array" && typeof found === "string") return `Write [${found}]`;
  return `Give ${wanted}`;
}

function enumProblem(allowedValues: unknown, found: unknown): Words {
  const allowed = Array.isArray(allowedValues) ? allowedValues.map(String) : [];
  const guess = typeof found === "string" ? nearest(found, allowed) : undefined;
  const fix = guess === undefined ? `Give one of ${allowed.join(", ")}` : `Did you mean ${guess}?`;
  return { problem: `must be one of ${allowed.join(", ")}`, fix };
}

function patternProblem(pattern: string): Words {
  if (pattern === DNS_LABEL)
    return { problem: "must be a DNS label", fix: "Use lower-case letters, digits and - inside, such as face-detector" };
  if (pattern.includes("Ki|Mi")) return { problem: "must be a quantity", fix: "Give a number with a unit, such as 8Gi or 512Mi" };
  return { problem: `must match ${pattern}`, fix: "Correct the spelling" };
}
