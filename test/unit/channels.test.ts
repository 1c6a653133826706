import { describe, expect, test } from "@jest/globals";
import type { NodeSpec, VideoFlowSpec } from "../../src/api/kinds.js";
import { DESCRIPTORS } from "../../src/components/descriptors.js";
import { channelsOf, memoryBytes } from "../../src/flow/channels.js";
import { DEFAULT_DESCRIPTOR } from "../../src/flow/descriptor.js";
import { graphOf } from "../../src/flow/graph.js";
import { type NodeDraft, specOf } from "./flow-samples.js";

const BATCHER = { ...DEFAULT_DESCRIPTOR, role: "Processor", holds: 9 } as const;
const graph = (nodes: readonly NodeDraft[], flowType: VideoFlowSpec["flowType"] = "Batch") =>
  graphOf(specOf(nodes, { flowType }), (component) => (component === "Batcher" ? BATCHER : DESCRIPTORS.get(component)));
const sizes = (nodes: readonly NodeDraft[], flowType?: VideoFlowSpec["flowType"]) =>
  Object.fromEntries(channelsOf(graph(nodes, flowType)).map(({ node, channels }) => [node, channels]));

const reader: NodeDraft = { name: "reader", role: "Producer" };
const sink = (...inputs: string[]): NodeDraft => ({ name: "sink", role: "Consumer", inputs });
const step = (name: string, inputs: string[], rest: Partial<NodeSpec> = {}): NodeDraft => ({ name, role: "Processor", inputs, ...rest });
const faces = [
  reader,
  step("detector", ["reader"], { nbTasks: 2 }),
  step("tracker", ["detector"]),
  step("annotator", ["reader", "tracker"]),
  sink("annotator"),
];

describe("batch", () => {
  test("a chain has the default buffer, and a consumer none", () => {
    const { reader: first, sink: last } = sizes([reader, sink("reader")]);
    expect(first).toMatchObject({ slots: 4, slotBytes: 1024 * 1024, inputs: [] });
    expect(last).toEqual({ tasks: 1, capacity: 1, slots: 0, slotBytes: 0, inputs: [{ from: "reader", cells: 4, keep: 1, releases: [] }] });
  });

  test("scalable flows have room for more tasks where a node may have several, in the same channels", () => {
    const nodes = [reader, step("a", ["reader"], { nbTasks: 3 }), step("b", ["a"], { oneTask: true }), sink("b")];
    const sized = channelsOf(graph(nodes), { isScalable: true });
    expect(sized.map(({ channels }) => [channels.tasks, channels.capacity])).toEqual([
      [1, 1],
      [3, 6],
      [1, 1],
      [1, 1],
    ]);
    const more = graph([reader, step("a", ["reader"], { nbTasks: 5 }), step("b", ["a"], { oneTask: true }), sink("b")]);
    expect(channelsOf(more, { rooms: new Map(sized.map(({ node, channels }) => [node, channels])) })).toEqual(sized);
  });

  test("each task of a replicated reader has a message in hand", () => {
    expect(sizes([reader, step("a", ["reader"], { nbTasks: 8 }), sink("a")])["reader"]?.slots).toBe(4 + 7);
  });

  test("a replicated node may be a window ahead, and each pool has a slot for every cell", () => {
    const { a, sink: last } = sizes([reader, step("a", ["reader"], { nbTasks: 4 }), sink("a")]);
    expect([a?.slots, last?.inputs[0]?.cells]).toEqual([16, 16]);
  });

  test("a skip edge has the cells for everything that the longest parallel way can have in flight", () => {
    const { reader: first, annotator } = sizes(faces);
    const detector = 4 + 2 + 8;
    const tracker = 4 + 1 + 4;
    expect(annotator).toMatchObject({ join: "Trace", inputs: [{ from: "reader" }, { from: "tracker" }] });
    expect(annotator?.inputs[0]?.cells).toBeGreaterThanOrEqual(detector + tracker);
    expect(first?.slots).toBe(4 + 2 * 2 + 2 * 1);
  });

  test("buffer.messages is taken as it is where it cannot deadlock", () => {
    expect(sizes([{ ...reader, buffer: { messages: 1 } }, ...faces.slice(1)])["reader"]?.slots).toBe(1);
  });

  test("buffer.messages is raised with a warning to what parallel nodes hold", () => {
    const nodes = [
      { ...reader, buffer: { messages: 2 } },
      step("batch", ["reader"], { component: "Batcher" }),
      step("join", ["reader", "batch"]),
      sink("join"),
    ];
    const [first] = channelsOf(graph(nodes));
    expect(first).toMatchObject({ channels: { slots: 10 }, warning: expect.stringContaining("2 was raised to 10") });
  });

  test("partitionBy is passed on only where there are several tasks", () => {
    const { one, two } = sizes([
      reader,
      step("one", ["reader"], { partitionBy: "id" }),
      step("two", ["one"], { partitionBy: "id", nbTasks: 2 }),
      sink("two"),
    ]);
    expect([one?.partitionBy, two?.partitionBy]).toEqual([undefined, "id"]);
  });

  test("the budget counts what can be live at once, at the size that the user gave", () => {
    const nodes = [{ ...reader, buffer: { messages: 2, bytes: 2000 } }, sink("reader")];
    expect(memoryBytes(graph(nodes), channelsOf(graph(nodes)))).toBe(2 * 1000 + 4 * 32);
  });
});

describe("realtime", () => {
  test("ordinary channels keep the freshest; a skip edge keeps what the slow branch can have in flight", () => {
    const { detector, tracker, annotator } = sizes(faces, "Realtime");
    expect(detector?.inputs[0]?.keep).toBe(1);
    expect(tracker?.inputs[0]?.keep).toBe(1);
    expect(annotator?.inputs.map(({ keep }) => keep)).toEqual([1 + (1 + 2) + (1 + 1), 1]);
  });

  test("two slow branches keep each other's messages", () => {
    const { join } = sizes(
      [reader, step("a", ["reader"]), step("b", ["reader"], { component: "Batcher" }), step("join", ["a", "b"]), sink("join")],
      "Realtime",
    );
    expect(join?.inputs.map(({ keep }) => keep)).toEqual([1 + 1 + 10, 1 + 1 + 1]);
  });

  test("a message dropped at the slow branch is released at the join behind it", () => {
    const { detector, tracker, annotator, sink: last } = sizes(faces, "Realtime");
    const skip = [{ from: "reader", to: "annotator" }];
    expect(detector?.inputs[0]?.releases).toEqual(skip);
    expect(tracker?.inputs[0]?.releases).toEqual(skip);
    expect(annotator?.inputs.map(({ releases }) => releases)).toEqual([[{ from: "tracker", to: "annotator" }], skip]);
    expect(last?.inputs[0]?.releases).toEqual([]);
  });

  test("rings are long, for a slow reader keeps its cell while the writer goes round", () => {
    expect(sizes([reader, sink("reader")], "Realtime")["sink"]?.inputs[0]?.cells).toBe(256);
  });
});
