import { expect, test } from "@jest/globals";
import type { NewResource } from "../../src/api/kinds.js";
import { validateVideoFlow } from "../../src/api/validate.js";
import { checkFlow } from "../../src/cli/flow-file.js";
import { DESCRIPTORS } from "../../src/components/descriptors.js";

const source = { name: "source", role: "Producer", component: "IntProducer", params: { start: 0, end: 5 } };
const sink = { name: "sink", role: "Consumer", component: "CommandlineConsumer", inputs: ["source"] };
const flowOf = (spec: object) => ({ apiVersion: "videoflow.io/v1alpha1", kind: "VideoFlow", metadata: { name: "f" }, spec });
const pathsOf = (...nodes: object[]) => checkFlow(flowOf({ nodes }), DESCRIPTORS).rules.problems.map(({ path }) => path);

test("shape and rules are told in one round", () => {
  expect(pathsOf({ ...source, nbTaskz: 2 }, { ...sink, component: "CommandlineConsumr" }, { ...sink, inputs: ["nobody"] })).toEqual([
    "spec.nodes[0].nbTaskz",
    "spec.nodes[1].component",
    "spec.nodes[2].name",
    "spec.nodes[2].inputs[0]",
  ]);
});

test("of a node with a wrong field the rules tell what that field cannot have caused", () => {
  const wrong = { ...sink, deviceType: "GPUU", device: { required: true }, inputs: ["source", "nobody"], params: { colour: 1 } };
  expect(pathsOf(source, wrong)).toEqual(["spec.nodes[1].deviceType", "spec.nodes[1].params.colour", "spec.nodes[1].inputs[1]"]);
});

test.each([
  ["name", { ...source, name: 5 }],
  ["role", { ...source, role: "Source" }],
  ["inputs", { ...source, inputs: "none" }],
])("where %s is wrong the graph is not known: nothing is told that may only follow from it", (field, wrong) => {
  expect(pathsOf(wrong, { ...sink, component: "Nothing" })).toEqual([`spec.nodes[0].${field}`]);
});

test("no part of a spec is sound whose values are not plain, or whose nodes are no list", () => {
  const specs: unknown[] = [{ nodes: [{ ...source, nbTasks: () => 1 }] }, { nodes: 5 }, { nodes: [source], flowType: "Both" }, 7, null];
  expect(specs.map((spec) => validateVideoFlow(flowOf(spec as NewResource<"VideoFlow">["spec"])).sound)).toEqual(
    specs.map(() => undefined),
  );
});
