import { describe, expect, test } from "@jest/globals";
import type { NodeSpec, VideoFlowSpec } from "../../src/api/kinds.js";
import { DESCRIPTORS } from "../../src/components/descriptors.js";
import { channelsOf } from "../../src/flow/channels.js";
import { graphOf } from "../../src/flow/graph.js";
import { validateSpec } from "../../src/flow/validate.js";
import { type NodeDraft, specOf } from "./flow-samples.js";

const describeBuiltIn = (component: string) => DESCRIPTORS.get(component);
const findings = (nodes: readonly NodeDraft[], rest: Partial<VideoFlowSpec> = {}) =>
  validateSpec(specOf(nodes, rest), { describe: describeBuiltIn });
const paths = (nodes: readonly NodeDraft[], rest: Partial<VideoFlowSpec> = {}) => findings(nodes, rest).problems.map(({ path }) => path);
const channels = (nodes: readonly NodeDraft[], rest: Partial<VideoFlowSpec> = {}) =>
  new Map(channelsOf(graphOf(specOf(nodes, rest), describeBuiltIn)).map(({ node, channels: own }) => [node, own]));

const producer = (name: string, rest: Partial<NodeSpec> = {}): NodeDraft => ({ name, role: "Producer", ...rest });
const step = (name: string, inputs: string[], rest: Partial<NodeSpec> = {}): NodeDraft => ({ name, role: "Processor", inputs, ...rest });
const sink = (...inputs: string[]): NodeDraft => ({ name: "sink", role: "Consumer", inputs });
const byTime = (join: Partial<NonNullable<NodeSpec["join"]>> = {}): Pick<NodeSpec, "join"> => ({
  join: { mode: "Time", toleranceMs: 10, ...join },
});
const pair = (rest: Partial<NodeSpec>): NodeDraft[] => [producer("a"), producer("b"), step("j", ["a", "b"], rest), sink("j")];

describe("a join by time", () => {
  test("may join two producers, and a Trace join behind it its branches", () => {
    const nodes = [...pair(byTime()).slice(0, 3), step("left", ["j"]), step("both", ["j", "left"]), sink("both")];
    expect(findings(nodes)).toEqual({ problems: [], warnings: [] });
  });

  const refused: [string, NodeDraft[], string][] = [
    ["has no tolerance", pair({ join: { mode: "Time" } }), "spec.nodes[2].join.toleranceMs"],
    ["has several tasks", pair({ ...byTime(), nbTasks: 2 }), "spec.nodes[2].nbTasks"],
    ["collects what is no input", pair(byTime({ collect: ["c"] })), "spec.nodes[2].join.collect[0]"],
    ["collects everything", pair(byTime({ collect: ["a", "b"] })), "spec.nodes[2].join.collect"],
    ["wants more inputs than count", pair(byTime({ collect: ["b"], quorum: 2 })), "spec.nodes[2].join.quorum"],
    ["is in a task group", pair({ ...byTime(), taskGroup: "g" }), "spec.nodes[2].taskGroup"],
    [
      "waits for ever for what comes through another join of the same producer",
      [...pair(byTime()).slice(0, 3), step("k", ["a", "j"], byTime()), sink("k")],
      "spec.nodes[3].join.timeoutMs",
    ],
  ];
  test.each(refused)("is refused if it %s", (_, nodes, path) => {
    expect(paths(nodes)).toEqual([path]);
  });

  test("and what is before it cannot meet in a Trace join", () => {
    const [problem] = findings([...pair(byTime()).slice(0, 3), step("k", ["a", "j"]), sink("k")]).problems;
    expect([problem?.path, problem?.problem]).toEqual(["spec.nodes[3].inputs", expect.stringContaining("traces of their own")]);
  });

  test("alone reads tolerance, timeout, quorum and the others", () => {
    const nodes = [producer("a"), step("x", ["a"]), step("j", ["a", "x"], { join: { mode: "Trace", quorum: 1 } }), sink("j")];
    expect(paths(nodes)).toEqual(["spec.nodes[2].join.quorum"]);
  });
});

describe("the channels of a join by time", () => {
  test("have room for what waits: 64 messages, or as many as the buffer of the input has", () => {
    const [, b, ...rest] = pair(byTime());
    const own = channels([producer("a", { buffer: { messages: 10 } }), b as NodeDraft, ...rest]);
    expect(own.get("j")?.inputs.map(({ cells }) => cells)).toEqual([16, 64]);
    expect([own.get("a")?.slots, own.get("b")?.slots]).toEqual([16, 64]);
  });

  test("carry its rules with the defaults of the kind of flow, and who numbers each input", () => {
    const nodes = [producer("a"), producer("b"), step("x", ["a"]), step("j", ["x", "b"], byTime({ collect: ["b"] })), sink("j")];
    const shared = { toleranceMs: 10, collect: ["b"], sources: ["a", "b"] };
    expect(channels(nodes).get("j")?.timeJoin).toEqual({ ...shared, missing: "wait" });
    expect(channels(nodes, { flowType: "Realtime" }).get("j")?.timeJoin).toEqual({ ...shared, missing: "drop", timeoutMs: 10_000 });
  });

  test("in realtime keep as many, and what is dropped before it releases nothing behind it", () => {
    const nodes = [...pair(byTime()).slice(0, 3), step("x", ["j"]), step("k", ["j", "x"]), sink("k")];
    const own = channels(nodes, { flowType: "Realtime" });
    expect(own.get("j")?.inputs.map(({ keep, releases }) => [keep, releases])).toEqual([
      [64, []],
      [64, []],
    ]);
    expect(own.get("x")?.inputs[0]?.releases).toEqual([{ from: "j", to: "k" }]);
  });
});
