import { readFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { type Workplace, workplace, writeManifest } from "../support/flow-process.js";
import { describePython } from "../support/python.js";

const SECRET = "a value of S3cr3t";
let place: Workplace;
beforeEach(() => {
  place = workplace();
  place.write("token", `${SECRET}\n`);
});
afterEach(() => place.remove());

const written = () => place.lines("out").map((line) => (JSON.parse(line) as { payload: unknown }).payload);

test("a flow in TypeScript names the file of a value; the class gets the text in its task, and what it prints is hidden", async () => {
  place.install();
  const file = place.write(
    "flow.ts",
    `
import { FileAppender, Flow, IntProducer, ProcessorNode, valueFromFile } from "videoflow";
export class Measure extends ProcessorNode<[number], number, { token: string }> {
  process(): number {
    console.log("the token is", this.params.token);
    return this.params.token.length;
  }
}
const numbers = new IntProducer({ end: 2 }, { name: "numbers" });
const measure = new Measure({ token: valueFromFile("token") }, { name: "measure" }).from(numbers);
const flow = new Flow([new FileAppender({ path: "out" }, { name: "out" }).from(measure)], { name: ${JSON.stringify(place.flow)} });
await flow.run();
await flow.join();
`,
  );
  const { code, err } = await place.run(file, ["--state-dir", place.path("state")]).ended;
  expect([code, err]).toEqual([0, expect.any(String)]);
  expect(written()).toEqual([SECRET.length, SECRET.length]);
  const log = readFileSync(place.path(`state/logs/default/${place.flow}/${place.flow}.measure.0.log`), "utf8");
  expect(log).toContain("the token is ***");
  expect(log).not.toContain("S3cr3t");
});

test("what is wrong with a value is found before anything starts", async () => {
  const nodes = (params: object) => [
    { name: "numbers", role: "Producer", component: "IntProducer", params },
    { name: "sink", role: "Consumer", component: "VoidConsumer", inputs: ["numbers"] },
  ];
  const told = async (params: object) => {
    const { code, err } = await place.run(writeManifest(place, nodes(params))).ended;
    return { code, err };
  };
  const cases: [object, string][] = [
    [{ end: { valueFrom: { file: "token" } } }, "must be integer, and a value from a file or Secret is a text"],
    [{ end: { valueFrom: { file: "gone" } } }, `there is no file ${place.path("gone")}`],
    [{ end: { valueFrom: {} } }, "needs either file or secretKeyRef"],
    [{ end: { valueFrom: { fiel: "token" } } }, "knows no field fiel"],
  ];
  for (const [params, problem] of cases) expect(await told(params)).toEqual({ code: 2, err: expect.stringContaining(problem) });
  const env = [{ name: "T", valueFrom: { secretKeyRef: { name: "s", key: "k" } } }];
  const [numbers, sink] = nodes({ end: 1 });
  const { code, err } = await place.run(writeManifest(place, [{ ...numbers, env }, sink as object])).ended;
  expect([code, err]).toEqual([2, expect.stringContaining("secretKeyRef is for flows of a cluster")]);
});

describePython("a class in Python", () => {
  test("gets the text too, and what it prints is hidden", async () => {
    place.write(
      "nodes.py",
      `
from videoflow.core.node import ProcessorNode

class Measure(ProcessorNode):
    def __init__(self, token, **kwargs):
        super(Measure, self).__init__(**kwargs)
        self._token = token

    def process(self, number):
        print("the token is", self._token, flush=True)
        return len(self._token)
`,
    );
    const file = writeManifest(place, [
      { name: "numbers", role: "Producer", component: "IntProducer", params: { end: 2 } },
      {
        name: "measure",
        role: "Processor",
        inputs: ["numbers"],
        component: "python:nodes:Measure",
        params: { token: { valueFrom: { file: "token" } } },
      },
      { name: "sink", role: "Consumer", inputs: ["measure"], component: "FileAppender", params: { path: "out" } },
    ]);
    const { code, err } = await place.run(file, ["--state-dir", place.path("state")]).ended;
    expect([code, err]).toEqual([0, expect.any(String)]);
    expect(written()).toEqual([SECRET.length, SECRET.length]);
    const log = readFileSync(place.path(`state/logs/default/${place.flow}/${place.flow}.measure.0.log`), "utf8");
    expect(log).toContain("the token is ***");
    expect(log).not.toContain("S3cr3t");
  });
});
