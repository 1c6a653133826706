import { describe, expect, test } from "@jest/globals";
import { DESCRIPTORS } from "../../src/components/descriptors.js";
import { DEFAULT_DESCRIPTOR } from "../../src/flow/descriptor.js";
import { graphOf } from "../../src/flow/graph.js";
import { graphHash } from "../../src/flow/graph-hash.js";
import { findCycle, topologicalOrder } from "../../src/flow/graph-order.js";
import { type NodeDraft, specOf } from "./flow-samples.js";

const BATCHER = { ...DEFAULT_DESCRIPTOR, role: "Processor", holds: 3 } as const;
const describeComponent = (component: string) => (component === "Batcher" ? BATCHER : DESCRIPTORS.get(component));
const graph = (nodes: readonly NodeDraft[]) => graphOf(specOf(nodes), describeComponent);

const reader: NodeDraft = { name: "reader", role: "Producer" };
const sink = (...inputs: string[]): NodeDraft => ({ name: "sink", role: "Consumer", inputs });
const step = (name: string, inputs: string[], rest: Partial<NodeDraft> = {}): NodeDraft => ({ name, role: "Processor", inputs, ...rest });

describe("topologicalOrder", () => {
  test("puts parents first and otherwise keeps the order given", () => {
    const { order, rest } = topologicalOrder([
      { name: "d", inputs: ["b", "a"] },
      { name: "b", inputs: [] },
      { name: "c", inputs: ["b"] },
      { name: "a", inputs: [] },
    ]);
    expect(order.map(({ name }) => name)).toEqual(["b", "c", "a", "d"]);
    expect(rest).toEqual([]);
  });
});

describe("findCycle", () => {
  test.each([
    [
      "none",
      [
        { name: "a", inputs: [] },
        { name: "b", inputs: ["a"] },
      ],
      undefined,
    ],
    [
      "two nodes",
      [
        { name: "a", inputs: ["b"] },
        { name: "b", inputs: ["a"] },
      ],
      ["a", "b", "a"],
    ],
    ["one node", [{ name: "a", inputs: ["a"] }], ["a", "a"]],
    [
      "a tail behind",
      [
        { name: "t", inputs: ["b"] },
        { name: "a", inputs: ["c"] },
        { name: "b", inputs: ["a"] },
        { name: "c", inputs: ["b"] },
      ],
      ["a", "b", "c", "a"],
    ],
  ])("finds %s in the direction of the data", (_, vertices, cycle) => {
    expect(findCycle(vertices)).toEqual(cycle);
  });
});

describe("graphOf", () => {
  test("knows inputs, children and the tasks that really run", () => {
    const { nodes } = graph([
      sink("sum", "a"),
      step("sum", ["a"], { component: "SumAggregator", nbTasks: 3 }),
      step("a", ["reader"], { nbTasks: 2 }),
      reader,
    ]);
    expect(nodes.map(({ name, tasks, inputs, children }) => [name, tasks, inputs, children])).toEqual([
      ["reader", 1, [], ["a"]],
      ["a", 2, ["reader"], ["sum", "sink"]],
      ["sum", 1, ["a"], ["sink"]],
      ["sink", 1, ["sum", "a"], []],
    ]);
  });

  test("fuses a task group: members in order, inputs renamed, what they hold added up, one wish for all", () => {
    const { nodes, byName } = graph([
      reader,
      step("b", ["a", "reader"], { taskGroup: "g", component: "Batcher", buffer: { messages: 9 } }),
      step("a", ["reader"], { taskGroup: "g", component: "./a.ts#A", deviceType: "GPU" }),
      step("c", ["b"], {}),
      sink("c"),
    ]);
    expect(nodes.map(({ name }) => name)).toEqual(["reader", "g", "c", "sink"]);
    expect(byName.get("g")).toMatchObject({ inputs: ["reader"], children: ["c"], holds: 3, gpuWish: true, buffer: { messages: 9 } });
    expect(byName.get("g")?.members.map(({ name, inputs }) => [name, inputs])).toEqual([
      ["a", ["reader"]],
      ["b", ["a", "reader"]],
    ]);
    expect(byName.get("c")).toMatchObject({ inputs: ["g"], members: [{ inputs: ["g"] }] });
  });

  test.each([
    ["a detector", "OnnxObjectDetector", {}, { gpuWish: true, gpuRequired: false, gpuUnsupported: false }],
    [
      "a detector that needs one",
      "OnnxObjectDetector",
      { device: { required: true, count: 1, sharing: "Exclusive" } },
      { gpuWish: true, gpuRequired: true, gpuUnsupported: false },
    ],
    ["a user's class", "./a.ts#A", {}, { gpuWish: true, gpuUnsupported: false }],
    ["a component without GPU support", "Identity", {}, { gpuWish: false, gpuRequired: false, gpuUnsupported: true }],
  ] as const)("knows the GPU wish of %s", (_, component, rest, expected) => {
    expect(graph([reader, step("a", ["reader"], { component, deviceType: "GPU", ...rest }), sink("a")]).byName.get("a")).toMatchObject(
      expected,
    );
  });
});

describe("graphHash", () => {
  const nodes = [reader, step("a", ["reader"]), sink("a")];

  test("does not change with the order, params, tasks or devices", () => {
    const other = [sink("a"), step("a", ["reader"], { nbTasks: 4, deviceType: "GPU", params: { x: 1 } }), reader];
    expect(graphHash(specOf(other))).toBe(graphHash(specOf(nodes)));
  });

  test.each<readonly [string, NodeDraft]>([
    ["name", step("b", ["reader"])],
    ["component", step("a", ["reader"], { component: "Joiner" })],
    ["inputs", step("a", [])],
  ])("changes with a %s", (_, node) => {
    expect(graphHash(specOf([reader, node, sink("a")]))).not.toBe(graphHash(specOf(nodes)));
  });
});
