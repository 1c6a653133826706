import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { eventually, type FlowProcess, liveTasks, type Workplace, workplace } from "../support/flow-process.js";

let place: Workplace;
beforeEach(() => {
  place = workplace();
  place.install();
});
afterEach(() => place.remove());

/** The head of every flow.ts here. */
const HEAD = `
import { ConsumerNode, FileAppender, Flow, FunctionProcessorNode, Identity, IntProducer, ProcessorNode, VoidConsumer } from "videoflow";
const numbers = new IntProducer({ end: 20 }, { name: "numbers" });
const endless = new IntProducer({ waitSeconds: 0.005 }, { name: "endless" });
`;

/** Writes flow.ts; its flow has a name that no other has. */
const flowFile = (body: string) => place.write("flow.ts", `${HEAD}${body.replaceAll("FLOW", JSON.stringify(place.flow))}`);

/** `node --import tsx flow.ts`, which needs a package of modules; the command does not. */
function importFlow(env: Record<string, string> = {}): FlowProcess {
  place.write("package.json", JSON.stringify({ type: "module" }));
  return place.start([], { program: ["--import", "tsx", place.path("flow.ts")], env });
}

describe("refused before any process starts", () => {
  const own = "class Own extends ProcessorNode<[number], number> { process(value: number) { return value; } }";
  test.each([
    ["a class that is not exported", `${own} const bad = new Own({}, { name: "bad" }).from(numbers);`, [/bad/, /Own/, /export/]],
    [
      "a parameter that cannot travel",
      `export ${own} const bad = new Own({ when: { at: new Date() } }, { name: "bad" }).from(numbers);`,
      [/bad/, /params\.when\.at/, /Date/, /plain data/],
    ],
    [
      "a function that captures",
      'const factor = 3; const bad = new FunctionProcessorNode((n: number) => n * factor, { name: "bad" }).from(numbers);',
      [/bad/, /factor/, /import it inside/],
    ],
  ])("%s, with node, cause and fix, by the command and by import", async (_what, body, told) => {
    const file = flowFile(`${body}
const flow = new Flow([new VoidConsumer({}, { name: "sink" }).from(bad)], { name: FLOW });
await flow.run();
await flow.join();`);

    const command = await place.run(file).ended;
    const imported = await importFlow().ended;

    expect([command.code, imported.code]).toEqual([2, 1]);
    for (const text of told) expect([command.err, imported.err]).toEqual([expect.stringMatching(text), expect.stringMatching(text)]);
    expect(place.leftovers()).toEqual([]);
  });
});

test("a graph that is another one in its tasks is refused there, and the flow says so", async () => {
  const file = flowFile(`
export class Own extends ProcessorNode<[number], number> { process(value: number) { return value; } }
const extra = process.env["VF_NODE_NAME"] === undefined ? [] : [new VoidConsumer({}, { name: "extra" }).from(numbers)];
const own = new Own({}, { name: "own" }).from(numbers);
await new Flow([new VoidConsumer({}, { name: "sink" }).from(own), ...extra], { name: FLOW }).run();`);

  const { code, err } = await place.run(file).ended;

  expect([code, err]).toEqual([1, expect.stringMatching(/error: task .* failed: FLOW_MISMATCH: .*flow\.ts.*node "own"/)]);
  expect(place.leftovers()).toEqual([]);
});

test("flow.run() rejects with DeviceUnavailableError where no GPU is, before any process starts", async () => {
  flowFile(`
export class Own extends ProcessorNode<[number], number> {
  override process(value: number) { return value; }
  override changeDevice(device: "cpu" | "gpu") { if (device === "cpu") throw new Error("only on a GPU"); }
}
const own = new Own({}, { name: "own", deviceType: "gpu" }).from(numbers);
const flow = new Flow([new VoidConsumer({}, { name: "sink" }).from(own)], { name: FLOW });
await flow.run().catch((error) => console.log(error.name, error.code, error.message));`);

  const { code, out } = await importFlow({ CUDA_VISIBLE_DEVICES: "-1" }).ended;

  expect([code, out]).toEqual([0, expect.stringMatching(/^DeviceUnavailableError DEVICE_UNAVAILABLE .*own/)]);
  expect(place.leftovers()).toEqual([]);
});

test("join() returns after the last consumer closed, with a class that the file re-exports from another module", async () => {
  place.write(
    "own.ts",
    `import { writeFileSync } from "node:fs";
import { ConsumerNode, ProcessorNode } from "videoflow";
export class Doubler extends ProcessorNode<[number], number> { process(value: number) { return 2 * value; } }
export class Closer extends ConsumerNode<[number], { path: string }> {
  #seen: number[] = [];
  consume(value: number) { this.#seen.push(value); }
  async close() {
    await new Promise((resume) => setTimeout(resume, 300));
    writeFileSync(this.params.path, JSON.stringify(this.#seen));
  }
}`,
  );
  flowFile(`
import { existsSync } from "node:fs";
import { Closer, Doubler } from "./own.ts";
export { Closer, Doubler };
const doubler = new Doubler({}, { name: "doubler", nbTasks: 2 }).from(numbers);
const flow = new Flow([new Closer({ path: "seen.json" }, { name: "sink" }).from(doubler)], { name: FLOW });
await flow.run();
await flow.join();
console.log("closed:", existsSync("seen.json"));`);

  const { code, out, err } = await importFlow().ended;

  expect([code, out, err]).toEqual([0, "closed: true\n", expect.any(String)]);
  expect(place.json("seen.json")).toEqual(Array.from({ length: 20 }, (_, i) => 2 * i));
  expect(place.leftovers()).toEqual([]);
});

test("stop() drains: what the producer gave out arrives", async () => {
  flowFile(`
import { existsSync, readFileSync } from "node:fs";
const same = new Identity({}, { name: "same", nbTasks: 2 }).from(endless);
const flow = new Flow([new FileAppender({ path: "seen.jsonl" }, { name: "lines" }).from(same)], { name: FLOW });
await flow.run();
while (!existsSync("seen.jsonl") || readFileSync("seen.jsonl").length < 500) await new Promise((resume) => setTimeout(resume, 20));
await flow.stop();
console.log("stopped");`);

  const { code, out, err } = await importFlow().ended;
  const seen = place.lines("seen.jsonl").map((line) => (JSON.parse(line) as { payload: number }).payload);

  expect([code, out, err]).toEqual([0, "stopped\n", expect.any(String)]);
  expect(seen).toEqual(seen.map((_, i) => i));
  expect(place.leftovers()).toEqual([]);
});

test("the tasks of a flow that runs by import are gone after it, and its warnings are told", async () => {
  flowFile(`
const wish = new FunctionProcessorNode((n: number) => n, { name: "wish", deviceType: "gpu" }).from(endless);
const flow = new Flow([new VoidConsumer({}, { name: "sink" }).from(wish)], { name: FLOW });
await flow.run();
await flow.join();`);

  const flow = importFlow();
  const tasks = await eventually(
    () => `three tasks: ${flow.output}`,
    () => liveTasks(place.flow).length === 3,
  );
  flow.signal("SIGINT");
  const { err } = await flow.ended;

  expect(tasks).toBe(true);
  expect(err).toMatch(/wish/);
  expect(place.leftovers()).toEqual([]);
});
