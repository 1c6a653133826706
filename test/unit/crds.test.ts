import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "@jest/globals";
import { parse } from "yaml";

interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly maxProperties?: number;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
}

const FOLDER = new URL("../../crds/", import.meta.url);
const CRDS = readdirSync(FOLDER)
  .filter((file) => file !== "kustomization.yaml")
  .map((file) => parse(readFileSync(new URL(file, FOLDER), "utf8")));
const schemaOf = (crd: (typeof CRDS)[number]) => crd.spec.versions[0].schema.openAPIV3Schema as Schema;

const KINDS: readonly (readonly [kind: string, schema: Schema])[] = CRDS.map((crd) => [crd.spec.names.kind, schemaOf(crd)]);

/** Every schema below one, with its path. */
function* walk(schema: Schema, path: string): Generator<readonly [string, Schema, boolean]> {
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    yield [`${path}.${name}`, field, true];
    yield* walk(field, `${path}.${name}`);
  }
  for (const [mark, inner] of [
    ["[]", schema.items],
    ["{}", schema.additionalProperties],
  ] as const) {
    if (inner === undefined) continue;
    yield [path + mark, inner, false];
    yield* walk(inner, path + mark);
  }
}

/** The server forbids to describe metadata. */
const isMetadata = (path: string) => /^\w+\.metadata$/.test(path);

test.each(KINDS)("every field of %s says what it is", (kind, schema) => {
  const silent = [...walk(schema, kind)].filter(
    ([path, field, isField]) => isField && !isMetadata(path) && !/\w{3}.*[.)"]$/.test(field.description ?? ""),
  );
  expect(silent.map(([path]) => path)).toEqual([]);
});

test.each(KINDS)("everything in %s has a bound", (kind, schema) => {
  const boundless = [...walk(schema, kind)].filter(
    ([, { type, maxLength, maxItems, format, enum: values, additionalProperties, maxProperties }]) =>
      (type === "string" && maxLength === undefined && format === undefined && values === undefined) ||
      (type === "array" && maxItems === undefined) ||
      (additionalProperties !== undefined && maxProperties === undefined),
  );
  expect(boundless.map(([path]) => path)).toEqual([]);
});
