// Makes src/api/generated from crds/: TypeScript types, JSON schemas with defaults, standalone validators.
// `--check` fails if the committed files differ.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import Ajv from "ajv";
import standaloneCode from "ajv/dist/standalone/index.js";
import { transformSync } from "esbuild";
import { compile } from "json-schema-to-typescript";
import { parse } from "yaml";

const root = fileURLToPath(new URL("..", import.meta.url));
const outDir = `${root}src/api/generated/`;
const HEADER = "// Generated from crds/ by `npm run generate`. Do not edit.\n";

const crds = readdirSync(`${root}crds`)
  .filter((file) => file.endsWith(".yaml") && file !== "kustomization.yaml")
  .map((file) => parse(readFileSync(`${root}crds/${file}`, "utf8")));
const kinds = crds.map((crd) => ({ kind: crd.spec.names.kind, schema: crd.spec.versions[0].schema.openAPIV3Schema }));

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
  else if (out.type === "object") out.additionalProperties ??= true;
  return out;
}

/** Fields with a default are always there after defaulting. */
function afterDefaults(schema) {
  if (schema === null || typeof schema !== "object" || Array.isArray(schema)) return schema;
  const out = { ...schema };
  if (out.items) out.items = afterDefaults(out.items);
  if (out.properties) {
    out.properties = Object.fromEntries(Object.entries(out.properties).map(([name, s]) => [name, afterDefaults(s)]));
    const defaulted = Object.entries(out.properties)
      .filter(([, s]) => s.default !== undefined)
      .map(([name]) => name);
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
    if (part === "spec") specs[kind] = json;
    types += await compile({ ...afterDefaults(json), title: name }, name, {
      bannerComment: "",
      additionalProperties: false,
      format: false,
      maxItems: -1,
      ignoreMinAndMaxItems: true,
    });
  }
}
files.set("types.ts", types);

/** Kinds that people write by hand: only these are validated, so only these are shipped. */
const WRITTEN = ["VideoFlow", "Host"];

/** Without descriptions: what defaulting and "did you mean" need at run time. */
function bare(schema) {
  if (Array.isArray(schema) || schema === null || typeof schema !== "object") return schema;
  const kept = Object.entries(schema).filter(([key]) => key !== "description" && key !== "format");
  return Object.fromEntries(
    kept.map(([key, value]) => {
      if (key === "default") return [key, value];
      if (key === "properties") return [key, Object.fromEntries(Object.entries(value).map(([name, s]) => [name, bare(s)]))];
      return [key, bare(value)];
    }),
  );
}

const written = Object.fromEntries(WRITTEN.map((kind) => [kind, bare(specs[kind])]));
files.set(
  "schemas.ts",
  `${HEADER}/** JSON Schema of the spec of each kind that people write. */\nexport const SPEC_SCHEMAS = ${JSON.stringify(written, null, 1)} as const;\n`,
);

/** Names and printer columns of each kind, so that we print what kubectl prints. */
const resources = crds.map(({ spec: { group, scope, names, versions } }) => ({
  kind: names.kind,
  group,
  plural: names.plural,
  singular: names.singular,
  shortNames: names.shortNames ?? [],
  categories: names.categories ?? [],
  namespaced: scope === "Namespaced",
  columns: versions[0].additionalPrinterColumns.map(({ name, type, jsonPath, priority = 0 }) => ({ name, type, jsonPath, priority })),
}));
files.set(
  "resources.ts",
  `${HEADER}/** Names and printer columns of each kind. */\nexport const CUSTOM_RESOURCES = ${JSON.stringify(resources, null, 1)} as const;\n`,
);

// `unicode: false` and no formats: the code imports nothing, so it can be bundled and starts fast. Values are looked up by path afterwards.
const ajv = new Ajv({
  allErrors: true,
  messages: false,
  logger: false,
  unicode: false,
  strict: false,
  code: { source: true, esm: true, lines: true, optimize: 2 },
});
for (const [kind, schema] of Object.entries(written)) ajv.addSchema({ ...withoutDefaults(schema), $id: kind });
const code = standaloneCode(ajv, Object.fromEntries(WRITTEN.map((kind) => [`validate${kind}Spec`, kind])));
if (/\brequire\(|^import /m.test(code)) throw new Error("the generated validators import something: find the schema keyword that needs it");
files.set("validators.js", HEADER + compact(code));
files.set(
  "validators.d.ts",
  `${HEADER}/** One thing that is wrong, as ajv says it. */
export interface SchemaError {
  readonly instancePath: string;
  readonly schemaPath: string;
  readonly keyword: string;
  readonly params: Readonly<Record<string, unknown>>;
}
export interface SpecValidator {
  (value: unknown): boolean;
  errors: readonly SchemaError[] | null;
}
${WRITTEN.map((kind) => `export declare const validate${kind}Spec: SpecValidator;`).join("\n")}
`,
);

function withoutDefaults(schema) {
  if (Array.isArray(schema)) return schema.map(withoutDefaults);
  if (schema === null || typeof schema !== "object") return schema;
  const out = {};
  for (const [key, value] of Object.entries(schema)) {
    if (key === "properties") out[key] = Object.fromEntries(Object.entries(value).map(([name, s]) => [name, withoutDefaults(s)]));
    else if (key !== "default") out[key] = withoutDefaults(value);
  }
  return out;
}

/** The schema copies and the indentation of the generated code are dead weight. */
function compact(text) {
  const lean = text.replace(/^const schema\d+ = \{.*\};$/gm, (line) => (usesSchema(text, line) ? line : ""));
  return transformSync(lean, { minifyWhitespace: true, minifySyntax: true, minifyIdentifiers: true, format: "esm", legalComments: "none" })
    .code;
}

function usesSchema(text, line) {
  const name = line.split(" ")[1];
  return text.split(new RegExp(`\\b${name}\\b`)).length > 2;
}

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
