/** Fills the gaps of a spec with the defaults of its schema. Pure: the input stays as it is. */
import { SPEC_SCHEMAS } from "./generated/schemas.js";
import type { Kinds } from "./kinds.js";
import { isRecord, type Schema } from "./schema.js";

/** @param spec a valid spec. @returns a copy with the defaults; `params` and other free-form values are shared with the input. */
export function defaultSpec<K extends keyof typeof SPEC_SCHEMAS>(kind: K, spec: unknown): Kinds[K]["spec"] {
  return withDefaults(SPEC_SCHEMAS[kind], spec) as Kinds[K]["spec"];
}

/** The value, or the schema's default, with the defaults inside. */
export function withDefaults(schema: Schema, value: unknown): unknown {
  const { properties, items } = schema;
  const given = value === undefined ? structuredClone(schema["default"]) : value;
  if (Array.isArray(given) && isRecord(items)) return given.map((item) => withDefaults(items, item));
  if (!isRecord(given) || !isRecord(properties)) return given;
  const filled = Object.entries(properties).map(([name, child]) => {
    const own = Object.hasOwn(given, name) ? given[name] : undefined;
    return [name, isRecord(child) ? withDefaults(child, own) : own] as const;
  });
  return { ...given, ...Object.fromEntries(filled.filter(([, child]) => child !== undefined)) };
}
