import { mkdirSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { type Workplace, workplace, writeManifest } from "../support/flow-process.js";

let place: Workplace;
beforeEach(() => {
  place = workplace();
});
afterEach(() => place.remove());

const DOUBLE = `
import { ProcessorNode } from "videoflow";
export class Double extends ProcessorNode { process(value) { return 2 * value; } }`;

/** Runs numbers through Double of double.mjs. @returns the code, and what came out. */
async function double(): Promise<[code: number | null, payloads: readonly number[]]> {
  place.write("double.mjs", DOUBLE);
  const file = writeManifest(place, [
    { name: "numbers", role: "Producer", component: "IntProducer", params: { end: 3 } },
    { name: "double", role: "Processor", component: "./double.mjs#Double", inputs: ["numbers"] },
    { name: "lines", role: "Consumer", component: "FileAppender", inputs: ["double"], params: { path: "out.jsonl" } },
  ]);
  const { code } = await place.run(file).ended;
  return [code, place.lines("out.jsonl").map((line) => (JSON.parse(line) as { payload: number }).payload)];
}

test("a module that lies where no package is installed imports the package that runs it", async () => {
  expect(await double()).toEqual([0, [0, 2, 4]]);
});

test("a module beside another copy of the package imports the one that runs it", async () => {
  mkdirSync(place.path("node_modules/videoflow"), { recursive: true });
  place.write("node_modules/videoflow/package.json", JSON.stringify({ name: "videoflow", type: "module", exports: "./index.js" }));
  place.write("node_modules/videoflow/index.js", "export class ProcessorNode {}");
  expect(await double()).toEqual([0, [0, 2, 4]]);
});

test("so does a flow in TypeScript", async () => {
  const file = place.write(
    "flow.ts",
    `
import { FileAppender, Flow, IntProducer, ProcessorNode } from "videoflow";
export class Triple extends ProcessorNode<[number], number> { process(value: number): number { return 3 * value; } }
const triple = new Triple({}, { name: "triple" }).from(new IntProducer({ end: 3 }, { name: "numbers" }));
const flow = new Flow([new FileAppender({ path: "out.jsonl" }, { name: "lines" }).from(triple)], { name: "${place.flow}" });
await flow.run();
await flow.join();`,
  );
  const { code, err } = await place.run(file).ended;
  expect([code, err]).toEqual([0, expect.any(String)]);
  expect(place.lines("out.jsonl").map((line) => (JSON.parse(line) as { payload: number }).payload)).toEqual([0, 3, 6]);
});
