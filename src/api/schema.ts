/**
 * A small JSON Schema checker for the params of components: nothing to load, nothing to compile.
 * Knows type, enum, const, required, properties, additionalProperties, items, bounds, pattern and anyOf; other keywords are not checked.
 */
import type { SchemaError } from "./generated/validators.js";

export type Schema = Readonly<Record<string, unknown>>;

type Fault = { readonly keyword: string; readonly params: Readonly<Record<string, unknown>> };

const MAX_DEPTH = 32;

/** @returns everything that is wrong with the value, in the words of ajv. */
export function checkSchema(schema: Schema, value: unknown): SchemaError[] {
  return checkAt(schema, value, "", "#", 0);
}

function checkAt(schema: Schema, value: unknown, instancePath: string, schemaPath: string, depth: number): SchemaError[] {
  if (depth > MAX_DEPTH) return [];
  const type = typeFault(schema, value);
  const faults =
    type === undefined
      ? [...scalarFaults(schema, value), ...sizeFaults(schema, value), ...fieldFaults(schema, value), ...choiceFaults(schema, value, depth)]
      : [type];
  const own = faults.map(({ keyword, params }) => ({ instancePath, schemaPath: `${schemaPath}/${keyword}`, keyword, params }));
  return type === undefined ? [...own, ...childErrors(schema, value, instancePath, schemaPath, depth)] : own;
}

function typeFault(schema: Schema, value: unknown): Fault | undefined {
  const wanted = [schema["type"]].flat().filter((type) => typeof type === "string");
  if (wanted.length === 0 || wanted.some((type) => hasType(type, value))) return undefined;
  return { keyword: "type", params: { type: wanted.join(" or ") } };
}

function hasType(type: string, value: unknown): boolean {
  if (type === "integer") return Number.isInteger(value);
  if (type === "number") return Number.isFinite(value);
  if (type === "array") return Array.isArray(value);
  if (type === "null") return value === null;
  if (type === "object") return isRecord(value);
  return typeof value === type;
}

function scalarFaults(schema: Schema, value: unknown): Fault[] {
  const faults: Fault[] = [];
  const allowed = "const" in schema ? [schema["const"]] : schema["enum"];
  if (Array.isArray(allowed) && !allowed.includes(value)) faults.push({ keyword: "enum", params: { allowedValues: allowed } });
  if (typeof value === "number") {
    for (const [keyword, holds] of Object.entries(BOUNDS)) {
      const limit = schema[keyword];
      if (typeof limit === "number" && !holds(value, limit)) faults.push({ keyword, params: { limit } });
    }
  }
  const pattern = schema["pattern"];
  if (typeof value === "string" && typeof pattern === "string" && !new RegExp(pattern, "u").test(value)) {
    faults.push({ keyword: "pattern", params: { pattern } });
  }
  return faults;
}

const BOUNDS: Readonly<Record<string, (value: number, limit: number) => boolean>> = {
  minimum: (value, limit) => value >= limit,
  maximum: (value, limit) => value <= limit,
  exclusiveMinimum: (value, limit) => value > limit,
  exclusiveMaximum: (value, limit) => value < limit,
};

function sizeFaults(schema: Schema, value: unknown): Fault[] {
  if (typeof value !== "string" && !Array.isArray(value)) return [];
  const [min, max] = typeof value === "string" ? ["minLength", "maxLength"] : ["minItems", "maxItems"];
  const faults: Fault[] = [];
  const least = schema[min ?? ""];
  const most = schema[max ?? ""];
  if (typeof least === "number" && value.length < least) faults.push({ keyword: min ?? "", params: { limit: least } });
  if (typeof most === "number" && value.length > most) faults.push({ keyword: max ?? "", params: { limit: most } });
  return faults;
}

function fieldFaults(schema: Schema, value: unknown): Fault[] {
  if (!isRecord(value)) return [];
  const known = isRecord(schema["properties"]) ? schema["properties"] : {};
  const required = Array.isArray(schema["required"]) ? (schema["required"] as string[]) : [];
  const missing = required.filter((name) => !Object.hasOwn(value, name));
  const unknown = schema["additionalProperties"] === false ? Object.keys(value).filter((name) => !Object.hasOwn(known, name)) : [];
  return [
    ...missing.map((missingProperty) => ({ keyword: "required", params: { missingProperty } })),
    ...unknown.map((additionalProperty) => ({ keyword: "additionalProperties", params: { additionalProperty } })),
  ];
}

/** None of the alternatives fits; names the fields that would make one fit. */
function choiceFaults(schema: Schema, value: unknown, depth: number): Fault[] {
  const choices = Array.isArray(schema["anyOf"]) ? schema["anyOf"].filter(isRecord) : [];
  const errors = choices.map((choice) => checkAt(choice, value, "", "", depth + 1));
  if (choices.length === 0 || errors.some((found) => found.length === 0)) return [];
  return [
    { keyword: "anyOf", params: { missing: errors.flatMap((found) => found.flatMap((error) => error.params["missingProperty"] ?? [])) } },
  ];
}

function childErrors(schema: Schema, value: unknown, instancePath: string, schemaPath: string, depth: number): SchemaError[] {
  const { items } = schema;
  const properties = isRecord(schema["properties"]) ? schema["properties"] : {};
  if (Array.isArray(value) && isRecord(items)) {
    return value.flatMap((item, index) => checkAt(items, item, `${instancePath}/${index}`, `${schemaPath}/items`, depth + 1));
  }
  if (!isRecord(value)) return [];
  const others = schema["additionalProperties"];
  return Object.keys(value).flatMap((name) => {
    const isKnown = Object.hasOwn(properties, name);
    const child = isKnown ? properties[name] : others;
    const place = isKnown ? `${schemaPath}/properties/${pointerKey(name)}` : `${schemaPath}/additionalProperties`;
    return isRecord(child) ? checkAt(child, value[name], `${instancePath}/${pointerKey(name)}`, place, depth + 1) : [];
  });
}

function pointerKey(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
