import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { Tensor } from "../../src/base/tensor.js";
import { CountAggregator, MaxAggregator, MinAggregator, ProductAggregator, SumAggregator } from "../../src/components/basic/aggregators.js";
import { CommandlineConsumer } from "../../src/components/basic/commandline-consumer.js";
import { FileAppender } from "../../src/components/basic/file-appender.js";
import { Identity } from "../../src/components/basic/identity.js";
import { IntProducer } from "../../src/components/basic/int-producer.js";
import { Joiner } from "../../src/components/basic/joiner.js";
import { expandPayload, summarizePayload } from "../../src/components/basic/payload-text.js";
import { END } from "../../src/flow/node.js";
import { openNode, readAll } from "../support/component-context.js";

describe("IntProducer", () => {
  const cases = [
    { name: "counts from 0 to the end, exclusive", params: { end: 3 }, committed: 0, numbers: [0, 1, 2] },
    { name: "begins at start", params: { start: 5, end: 7 }, committed: 0, numbers: [5, 6] },
    { name: "goes on after what was committed", params: { start: 5, end: 9 }, committed: 2, numbers: [7, 8] },
    { name: "gives nothing if there is nothing", params: { start: 5, end: 5 }, committed: 0, numbers: [] },
    { name: "gives all numbers at a pace too", params: { end: 3, fps: 1000 }, committed: 0, numbers: [0, 1, 2] },
    { name: "gives all numbers with pauses too", params: { end: 3, waitSeconds: 0.001 }, committed: 0, numbers: [0, 1, 2] },
  ];

  test.each(cases)("$name", async ({ params, committed, numbers }) => {
    const producer = await openNode(new IntProducer(params), { committed });
    expect(await readAll(producer)).toEqual(numbers);
    expect(await producer.next()).toBe(END);
  });
});

describe("aggregators", () => {
  const cases = [
    { make: () => new SumAggregator(), outputs: [3, 2, 6] },
    { make: () => new ProductAggregator(), outputs: [3, -3, -12] },
    { make: () => new CountAggregator(), outputs: [1, 2, 3] },
    { make: () => new MaxAggregator(), outputs: [3, 3, 4] },
    { make: () => new MinAggregator(), outputs: [3, -1, -1] },
  ].map(({ make, outputs }) => ({ name: make().constructor.name, make, outputs }));

  test.each(cases)("$name gives its running value", ({ make, outputs }) => {
    const aggregator = make();
    expect([3, -1, 4].map((input) => aggregator.process(input))).toEqual(outputs);
  });

  test.each(cases)("$name continues from its snapshot", ({ make, outputs }) => {
    const [before, after] = [make(), make()];
    before.process(3);
    before.process(-1);
    after.restore(before.snapshot());
    expect(after.process(4)).toBe(outputs[2]);
  });

  test("refuse what is not a number", () => {
    expect(() => new SumAggregator().process("3" as never)).toThrow("INPUT_TYPE: SumAggregator expects a number, but got string");
  });
});

test("Identity gives its input and Joiner all its inputs in order", () => {
  const tensor = Tensor.zeros("uint8", [2]);
  expect(new Identity<Tensor>().process(tensor)).toBe(tensor);
  expect(new Joiner<[number, Tensor]>().process(1, tensor)).toEqual([1, tensor]);
});

describe("payloads as text", () => {
  const tensor = Tensor.from("float32", [2, 2], [1, 0.123456, -2.5, 1e-9]);

  test("tensors become nested arrays with rounded elements", () => {
    expect(expandPayload({ boxes: tensor, classNames: ["a"] }, 4)).toEqual({
      boxes: [
        [1, 0.1235],
        [-2.5, 0],
      ],
      classNames: ["a"],
    });
    expect(expandPayload(Tensor.from("int32", [], [7]), 4)).toBe(7);
    expect(expandPayload(new Tensor("int64", [2], BigInt64Array.of(1n, -2n)), 4)).toEqual([1, -2]);
    expect(expandPayload(Tensor.zeros("float32", [0, 5]), 4)).toEqual([]);
  });

  test("tensors become their type and shape for people", () => {
    expect(summarizePayload([{ boxes: tensor }, 1, null, "x"])).toEqual([{ boxes: "float32 [2, 2]" }, 1, null, "x"]);
  });
});

test("CommandlineConsumer prints one line per message", () => {
  const written: string[] = [];
  const write = process.stdout.write;
  process.stdout.write = ((text: string) => written.push(text) > 0) as typeof write;
  try {
    const consumer = new CommandlineConsumer();
    consumer.consume(Tensor.zeros("uint8", [2, 3, 3]));
    consumer.consume("two\nlines", { n: 1 });
  } finally {
    process.stdout.write = write;
  }
  expect(written).toEqual(["uint8 [2, 3, 3]\n", 'two lines {"n":1}\n']);
});

describe("FileAppender", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "videoflow-test-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const lines = (path: string) =>
    readFileSync(path, "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as unknown);

  test("writes one JSON line per message, tensors as nested arrays", async () => {
    const path = join(folder, "deep", "out.jsonl");
    const appender = await openNode(new FileAppender<[unknown]>({ path }), { traceId: "t", seq: 3, eventTs: 1.5 });
    appender.consume({ tracks: Tensor.from("float32", [1, 2], [0.5, 2]) });
    appender.consume(7);
    appender.close();
    expect(lines(path)).toEqual([
      { traceId: "t", seq: 3, eventTs: 1.5, payload: { tracks: [[0.5, 2]] } },
      { traceId: "t", seq: 3, eventTs: 1.5, payload: 7 },
    ]);
  });

  test("names the inputs of several parents payloads", async () => {
    const path = join(folder, "out.jsonl");
    const appender = await openNode(new FileAppender({ path, digits: 1 }));
    appender.consume(1, Tensor.from("float32", [1], [0.25]));
    appender.close();
    expect(lines(path)).toEqual([{ traceId: "trace-1", seq: 1, payloads: [1, [0.3]] }]);
  });

  test("begins a run with an empty file, also if no message comes", async () => {
    const path = join(folder, "out.jsonl");
    writeFileSync(path, "old\n");
    (await openNode(new FileAppender({ path }))).close();
    expect(readFileSync(path, "utf8")).toBe("");
  });

  const orders = [
    { name: "before open()", restoreFirst: true },
    { name: "after open()", restoreFirst: false },
  ];
  test.each(orders)("cuts off what its predecessor wrote after its last commit, restored $name", async ({ restoreFirst }) => {
    const path = join(folder, "out.jsonl");
    const before = await openNode(new FileAppender<[unknown]>({ path }));
    before.consume("committed");
    const snapshot = before.snapshot();
    before.consume("written, but not committed");

    const after = new FileAppender<[unknown]>({ path });
    const steps = [async () => after.restore(snapshot), async () => void (await openNode(after))];
    for (const step of restoreFirst ? steps : steps.reverse()) await step();
    after.consume("again");
    after.close();
    before.close();
    expect(lines(path).map((line) => (line as { payload: unknown }).payload)).toEqual(["committed", "again"]);
  });

  test("keeps the lines of its predecessor if it fails before its first message", async () => {
    const path = join(folder, "out.jsonl");
    const before = await openNode(new FileAppender<[unknown]>({ path }));
    before.consume("kept");
    const snapshot = before.snapshot();
    before.close();
    const after = await openNode(new FileAppender<[unknown]>({ path }));
    after.restore(snapshot);
    after.close();
    expect(lines(path)).toHaveLength(1);
  });
});
