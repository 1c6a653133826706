// Makes src/api/generated from crds/: TypeScript types, JSON schemas with defaults, standalone validators.
// `--check` fails if the committed files differ.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import Ajv from "ajv";
import standaloneCode from "ajv/dist/standalone/index.js";
import addFormats from "ajv-formats";
import { compile } from "json-schema-to-typescript";
import { parse } from "yaml";

const root = fileURLToPath(new URL("..", import.meta.url));
const outDir = `${root}src/api/generated/`;
const HEADER = "// Generated from crds/ by `npm run generate`. Do not edit.\n";

const kinds = readdirSync(`${root}crds`)
  .filter((file) => file.endsWith(".yaml"))
  .map((file) => parse(readFileSync(`${root}crds/${file}`, "utf8")))
  .map((crd) => ({ kind: crd.spec.names.kind, schema: crd.spec.versions[0].schema.openAPIV3Schema }));

/** A structural schema as JSON Schema: unknown fields are refused, extensions dropped. */
function jsonSchema(schema) {
  if (Array.isArray(schema)) return schema.map(jsonSchema);
  if (schema === null || typeof schema !== "object") return schema;
  const entries = Object.entries(schema).filter(([key]) => !key.startsWith("x-kubernetes-"));
  const out = Object.fromEntries(
    entries.map(([key, value]) => {
      if (key === "properties") return [key, Object.fromEntries(Object.entries(value).map(([name, s]) => [name, jsonSchema(s)]))];
      return [key, ["items"].includes(key) ? jsonSchema(value) : value];
    }),
  );
  if (out.type === "object" && out.properties !== undefined) out.additionalProperties = false;
  else if (out.type === "object") out.additionalProperties = true;
  return out;
}

/** Fields with a default are always there after defaulting. */
function afterDefaults(schema) {
  if (schema === null || typeof schema !== "object" || Array.isArray(schema)) return schema;
  const out = { ...schema };
  if (out.items) out.items = afterDefaults(out.items);
  if (out.properties) {
    out.properties = Object.fromEntries(Object.entries(out.properties).map(([name, s]) => [name, afterDefaults(s)]));
    const defaulted = Object.entries(out.properties).filter(([, s]) => s.default !== undefined).map(([name]) => name);
    out.required = [...new Set([...(out.required ?? []), ...defaulted])];
  }
  return out;
}

const files = new Map();
let types = HEADER;
const specs = {};
for (const { kind, schema } of kinds) {
  for (const part of ["spec", "status"]) {
    const name = `${kind}${part === "spec" ? "Spec" : "Status"}`;
    const json = jsonSchema(schema.properties[part]);
    if (json.properties.conditions && !json.properties.conditions.type) delete json.properties.conditions;
    if (part === "spec") specs[kind] = json;
    types += await compile({ ...afterDefaults(json), title: name }, name, { bannerComment: "", additionalProperties: false, format: false, maxItems: -1, ignoreMinAndMaxItems: true });
  }
}
files.set("types.ts", types);
files.set("schemas.ts", `${HEADER}/** JSON Schema of each kind's spec. */\nexport const SPEC_SCHEMAS = ${JSON.stringify(specs, null, 2)} as const;\n`);

const ajv = new Ajv({ allErrors: true, verbose: true, strict: false, code: { source: true, esm: true, lines: true } });
addFormats(ajv);
for (const [kind, schema] of Object.entries(specs)) ajv.addSchema({ ...schema, $id: kind });
files.set("validators.js", HEADER + standaloneCode(ajv, Object.fromEntries(Object.keys(specs).map((kind) => [`validate${kind}Spec`, kind]))));
files.set(
  "validators.d.ts",
  `${HEADER}import type { ValidateFunction } from "ajv";\n${Object.keys(specs).map((kind) => `export declare const validate${kind}Spec: ValidateFunction;`).join("\n")}\n`,
);

mkdirSync(outDir, { recursive: true });
const stale = [...files].filter(([name, text]) => {
  try {
    return readFileSync(outDir + name, "utf8") !== text;
  } catch {
    return true;
  }
});
if (process.argv.includes("--check")) {
  for (const [name] of stale) console.error(`src/api/generated/${name} is older than crds/: run npm run generate`);
  process.exitCode = stale.length > 0 ? 1 : 0;
} else {
  for (const [name, text] of stale) writeFileSync(outDir + name, text);
}
