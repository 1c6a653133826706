import { readFileSync } from "node:fs";
import { expect, test } from "@jest/globals";
import { DESCRIPTORS } from "../../src/components/descriptors.js";
import { COMPONENTS } from "../../src/components/registry.js";
import { describe as describeComponent } from "../../src/flow/node.js";

interface ObjectSchema {
  readonly type: string;
  readonly additionalProperties: boolean;
  readonly properties: Readonly<Record<string, { readonly description?: string }>>;
}

test("the table of classes and the table of descriptors name the same components", () => {
  expect([...COMPONENTS.keys()].sort()).toEqual([...DESCRIPTORS.keys()].sort());
});

test.each([...COMPONENTS.keys()])("%s loads, carries its name and states what the table says", async (name) => {
  const component = await COMPONENTS.get(name)?.load();
  expect(component?.name).toBe(name);
  expect(component && describeComponent(component)).toEqual(DESCRIPTORS.get(name));
});

test.each([...DESCRIPTORS.entries()])(
  "%s describes each of its params and refuses others",
  (_name, { params, inputFiles = [], outputFiles = [] }) => {
    const { type, additionalProperties, properties } = params as unknown as ObjectSchema;
    expect({ type, additionalProperties }).toEqual({ type: "object", additionalProperties: false });
    expect(Object.entries(properties).filter(([, schema]) => (schema.description ?? "").length < 10)).toEqual([]);
    expect(Object.keys(properties)).toEqual(expect.arrayContaining([...inputFiles, ...outputFiles]));
  },
);

test("docs/components.md lists every param with its description, and no other", () => {
  const rows = readFileSync("docs/components.md", "utf8")
    .split("\n")
    .filter((line) => /^\| `\w+` \| `\w+` \|/.test(line));
  const documented = rows.map((row) => row.split(" | ")).map((cells) => `${cells[0]} ${cells[1]}: ${cells[4]}`);
  const stated = [...DESCRIPTORS].flatMap(([name, { params }]) =>
    Object.entries((params as unknown as ObjectSchema).properties).map(
      ([param, { description }]) => `| \`${name}\` \`${param}\`: ${description} |`,
    ),
  );
  expect(documented.sort()).toEqual(stated.sort());
});
