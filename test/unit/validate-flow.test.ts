import { describe, expect, test } from "@jest/globals";
import { DEVICE_VARIABLES } from "../../src/agent/environment.js";
import type { VideoFlowSpec } from "../../src/api/kinds.js";
import { parseManifests } from "../../src/api/parse.js";
import { validateVideoFlow } from "../../src/api/validate.js";
import { DESCRIPTORS } from "../../src/components/descriptors.js";
import { DEFAULT_DESCRIPTOR } from "../../src/flow/descriptor.js";
import { validateSpec } from "../../src/flow/validate.js";
import { type NodeDraft, SAMPLES, specOf } from "./flow-samples.js";

const BATCHER = { ...DEFAULT_DESCRIPTOR, role: "Processor", holds: 3 } as const;
const options = {
  describe: (component: string) => (component === "./batcher.ts#Batcher" ? BATCHER : DESCRIPTORS.get(component)),
  builtIns: [...DESCRIPTORS.keys()],
};
const check = (spec: VideoFlowSpec) => validateSpec(spec, options);

const reader: NodeDraft = { name: "reader", role: "Producer" };
const other: NodeDraft = { name: "other", role: "Producer" };
const sink = (...inputs: string[]): NodeDraft => ({ name: "sink", role: "Consumer", inputs });
const step = (name: string, inputs: string[], rest: Partial<NodeDraft> = {}): NodeDraft => ({ name, role: "Processor", inputs, ...rest });

describe("a sound flow", () => {
  test.each(SAMPLES)("%s has no problem and no warning", (_, text) => {
    const [document] = parseManifests(text, "sample").documents;
    const { flow, problems } = validateVideoFlow(document?.value);
    expect(problems).toEqual([]);
    expect(check(flow?.spec as VideoFlowSpec)).toEqual({ problems: [], warnings: [] });
  });
});

type Case = readonly [rule: string, nodes: readonly NodeDraft[], path: string, problem: RegExp, fix: RegExp];

const PROBLEMS: readonly Case[] = [
  [
    "two nodes of one name",
    [reader, step("a", ["reader"]), step("a", ["reader"]), sink("a")],
    "spec.nodes[2].name",
    /taken by spec.nodes\[1\]/,
    /name of its own/,
  ],
  ["an unknown input", [reader, sink("raeder")], "spec.nodes[1].inputs[0]", /there is no node raeder/, /Did you mean reader\?/],
  ["a node that reads itself", [reader, step("a", ["reader", "a"]), sink("a")], "spec.nodes[1].inputs[1]", /reads itself/, /no cycles/],
  ["an input named twice", [reader, sink("reader", "reader")], "spec.nodes[1].inputs[1]", /input twice/, /Remove one/],
  [
    "a consumer as an input",
    [reader, sink("reader"), step("a", ["sink"])],
    "spec.nodes[2].inputs[0]",
    /consumer has no outputs/,
    /node before/,
  ],
  [
    "a cycle",
    [reader, step("a", ["reader", "c"]), step("b", ["a"]), step("c", ["b"]), sink("c")],
    "spec.nodes[1].inputs",
    /cycle: a -> b -> c -> a/,
    /Remove/,
  ],
  [
    "a producer with inputs",
    [reader, { ...other, inputs: ["reader"] }, sink("other")],
    "spec.nodes[1].inputs",
    /producer has no inputs/,
    /Processor/,
  ],
  ["a processor without inputs", [reader, step("a", []), sink("a")], "spec.nodes[1].inputs", /needs at least one input/, /Add inputs/],
  ["a consumer without inputs", [reader, sink()], "spec.nodes[1].inputs", /needs at least one input/, /Add inputs/],
  ["a flow without producer", [step("a", ["b"]), step("b", ["a"]), sink("a")], "spec.nodes", /no producer/, /VideoFileReader/],
  ["a flow without consumer", [reader, step("a", ["reader"])], "spec.nodes", /no consumer/, /VoidConsumer/],
  [
    "a replicated producer",
    [{ ...reader, nbTasks: 2 }, sink("reader")],
    "spec.nodes[0].nbTasks",
    /producer has exactly one task/,
    /Remove nbTasks/,
  ],
  [
    "a replicated consumer",
    [reader, { ...sink("reader"), nbTasks: 2 }],
    "spec.nodes[1].nbTasks",
    /consumer has exactly one task/,
    /Remove nbTasks/,
  ],
  [
    "a producer on a GPU",
    [{ ...reader, deviceType: "GPU" }, sink("reader")],
    "spec.nodes[0].deviceType",
    /runs on the CPU/,
    /only processors/,
  ],
  [
    "a consumer on a GPU",
    [reader, { ...sink("reader"), deviceType: "GPU" }],
    "spec.nodes[1].deviceType",
    /runs on the CPU/,
    /only processors/,
  ],
  [
    "a replicated join without partitionBy",
    [reader, step("a", ["reader"]), step("j", ["reader", "a"], { nbTasks: 2 }), sink("j")],
    "spec.nodes[2].partitionBy",
    /needs partitionBy/,
    /trace_id/,
  ],
  [
    "a replicated node that holds inputs",
    [reader, step("b", ["reader"], { component: "./batcher.ts#Batcher", nbTasks: 2 }), sink("b")],
    "spec.nodes[1].nbTasks",
    /one task/,
    /Remove nbTasks/,
  ],
  [
    "a role that the component does not have",
    [reader, { ...sink("reader"), component: "Identity" }],
    "spec.nodes[1].role",
    /Identity is a Processor/,
    /role: Processor/,
  ],
  [
    "an unknown built-in",
    [reader, step("a", ["reader"], { component: "identty" }), sink("a")],
    "spec.nodes[1].component",
    /no built-in/,
    /Did you mean Identity\?/,
  ],
  [
    "a module without a class",
    [reader, step("a", ["reader"], { component: "./a.ts" }), sink("a")],
    "spec.nodes[1].component",
    /names no class/,
    /\.\/a\.ts#ClassName/,
  ],
  [
    "an unknown param",
    [{ ...reader, params: { stop: 3, strat: 1 } }, sink("reader")],
    "spec.nodes[0].params.strat",
    /unknown field strat/,
    /Did you mean start\?/,
  ],
  [
    "a param of the wrong type",
    [{ ...reader, params: { end: "ten" } }, sink("reader")],
    "spec.nodes[0].params.end",
    /must be an integer/,
    /Give an integer/,
  ],
  ["a missing param", [reader, { ...sink("reader"), component: "FileAppender" }], "spec.nodes[1].params.path", /is missing/, /Add path/],
  [
    "alternatives of which none is given",
    [{ ...reader, component: "ImageProducer" }, sink("reader")],
    "spec.nodes[0].params",
    /needs path or paths/,
    /Add path or paths/,
  ],
  [
    "a join of two producers",
    [reader, other, step("j", ["reader", "other"]), sink("j")],
    "spec.nodes[2].inputs",
    /reader and other: traces of two producers never meet/,
    /one producer/,
  ],
  ...[...DEVICE_VARIABLES, "VF_X", "LD_PRELOAD", "LD_AUDIT", "NODE_OPTIONS"].map(
    (name): Case => [
      `${name}, which the agent sets or leaves out`,
      [reader, { ...sink("reader"), env: [{ name, value: "0" }] }],
      "spec.nodes[1].env[0].name",
      /reserved/,
      /Remove it/,
    ],
  ),
  [
    "a variable given twice",
    [
      reader,
      {
        ...sink("reader"),
        env: [
          { name: "A", value: "0" },
          { name: "A", value: "1" },
        ],
      },
    ],
    "spec.nodes[1].env[1].name",
    /twice/,
    /Remove one/,
  ],
  [
    "a required GPU that the component cannot use",
    [reader, step("a", ["reader"], { device: { required: true, count: 1, sharing: "Exclusive" } }), sink("a")],
    "spec.nodes[1].device.required",
    /cannot use a GPU/,
    /Remove device.required/,
  ],
  [
    "a consumer in a task group",
    [reader, { ...sink("reader"), taskGroup: "g" }],
    "spec.nodes[1].taskGroup",
    /cannot be in a task group/,
    /only processors/,
  ],
  [
    "a task group named like a node",
    [reader, step("a", ["reader"], { taskGroup: "sink" }), sink("a")],
    "spec.nodes[1].taskGroup",
    /named like spec.nodes\[2\]/,
    /name of its own/,
  ],
  [
    "members with different nbTasks",
    [reader, step("a", ["reader"], { taskGroup: "g", nbTasks: 2 }), step("b", ["a"], { taskGroup: "g" }), sink("b")],
    "spec.nodes[2].nbTasks",
    /same nbTasks: a has 2/,
    /nbTasks: 2/,
  ],
  [
    "a task group with two exits",
    [reader, step("a", ["reader"], { taskGroup: "g" }), step("b", ["a"], { taskGroup: "g" }), sink("b"), { ...sink("a"), name: "sink-2" }],
    "spec.nodes[1].taskGroup",
    /one output/,
    /last member/,
  ],
  [
    "a task group in two parts",
    [
      reader,
      step("a", ["reader"], { taskGroup: "g" }),
      step("b", ["reader"], { taskGroup: "g" }),
      sink("a"),
      { ...sink("b"), name: "sink-2" },
    ],
    "spec.nodes[1].taskGroup",
    /not connected: b/,
    /groups of their own/,
  ],
  [
    "a way out of a task group and back",
    [reader, step("a", ["reader"], { taskGroup: "g" }), step("x", ["a"]), step("b", ["a", "x"], { taskGroup: "g" }), sink("b")],
    "spec.nodes[1].taskGroup",
    /comes back: .*g -> x -> g|comes back: x -> g -> x/,
    /into the group/,
  ],
];

describe("a flow is refused", () => {
  test.each(PROBLEMS)("for %s", (_, nodes, path, problem, fix) => {
    const { problems } = check(specOf(nodes));
    expect(problems).toContainEqual(
      expect.objectContaining({ path, problem: expect.stringMatching(problem), fix: expect.stringMatching(fix) }),
    );
  });

  test("with everything that is wrong at once", () => {
    const { problems } = check(specOf([{ ...reader, nbTasks: 2 }, step("a", ["x"], { component: "Identty" }), sink()]));
    expect(problems.map(({ path }) => path).toSorted()).toEqual([
      "spec.nodes[0].nbTasks",
      "spec.nodes[1].component",
      "spec.nodes[1].inputs[0]",
      "spec.nodes[2].inputs",
    ]);
  });
});

const WARNINGS: readonly Case[] = [
  [
    "nbTasks on a node that keeps state",
    [reader, step("a", ["reader"], { component: "SumAggregator", nbTasks: 4 }), sink("a")],
    "spec.nodes[1].nbTasks",
    /one task, nbTasks 4 is ignored/,
    /Remove nbTasks/,
  ],
  [
    "nbTasks on a node that says oneTask",
    [reader, step("a", ["reader"], { oneTask: true, nbTasks: 4 }), sink("a")],
    "spec.nodes[1].nbTasks",
    /nbTasks 4 is ignored/,
    /Remove nbTasks/,
  ],
  [
    "partitionBy with one task",
    [reader, step("a", ["reader"], { partitionBy: "id" }), sink("a")],
    "spec.nodes[1].partitionBy",
    /no effect/,
    /several tasks/,
  ],
  [
    "a GPU wish without GPU support",
    [reader, step("a", ["reader"], { deviceType: "GPU" }), sink("a")],
    "spec.nodes[1].deviceType",
    /Identity has no GPU support: node a gets a CPU and no device claim/,
    /Remove/,
  ],
  [
    "outputs that nobody reads",
    [reader, step("a", ["reader"]), sink("reader")],
    "spec.nodes[1].name",
    /nobody reads the outputs of node a/,
    /inputs of a node/,
  ],
  [
    "a buffer that would deadlock",
    [{ ...reader, buffer: { messages: 2 } }, step("b", ["reader"], { component: "./batcher.ts#Batcher" }), sink("b")],
    "spec.nodes[0].buffer.messages",
    /2 was raised to 4/,
    /at least/,
  ],
  ["a buffer on a consumer", [reader, { ...sink("reader"), buffer: { messages: 2 } }], "spec.nodes[1].buffer", /no outputs/, /node before/],
];

describe("a flow is accepted with a warning", () => {
  test.each(WARNINGS)("for %s", (_, nodes, path, problem, fix) => {
    const found = check(specOf(nodes));
    expect(found.problems).toEqual([]);
    expect(found.warnings).toEqual([
      expect.objectContaining({ path, problem: expect.stringMatching(problem), fix: expect.stringMatching(fix) }),
    ]);
  });
});
