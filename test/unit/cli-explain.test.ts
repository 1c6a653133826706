import { expect, test } from "@jest/globals";
import { renderExplanation } from "../../src/cli/explain.js";
import type { Explanation } from "../../src/cli/world.js";

const explanation: Explanation = {
  flow: "f",
  flowType: "Batch",
  nodes: [
    { name: "reader", role: "Producer", component: "VideoFileReader", inputs: [], tasks: 1 },
    { name: "crop", role: "Processor", component: "/flows/own.ts#Crop", inputs: ["reader"], tasks: 2, taskGroup: "both" },
    { name: "classify", role: "Processor", component: "/flows/own.ts#Classify", inputs: ["crop"], tasks: 2, taskGroup: "both" },
  ],
  edges: [{ from: "reader", to: "both", capacity: 32 }],
  decisions: [
    { task: "f.both.0", deviceType: "GPU", devices: ["GPU-1"], message: "node both needs 2 GPUs, host h has 1 free" },
    { task: "f.both.1", deviceType: "CPU", devices: [], message: "node both needs 2 GPUs, host h has 1 free" },
  ],
  warnings: ["3 CPU-bound tasks share 2 cores"],
  sharedMemoryBytes: 36 * 2 ** 20,
};

test("explain shows the graph, fused tasks once, each task's device with its reason, and the memory", () => {
  expect(renderExplanation(explanation)).toEqual([
    "f (Batch): 3 nodes, 3 tasks",
    "",
    "NODE                ROLE       TASKS  INPUTS  COMPONENT",
    "reader              Producer       1  -       VideoFileReader",
    "crop (in both)      Processor      2  reader  /flows/own.ts#Crop",
    "classify (in both)  Processor      2  crop    /flows/own.ts#Classify",
    "",
    "TASK      DEVICE  WHY",
    "f.both.0  GPU-1   node both needs 2 GPUs, host h has 1 free",
    "f.both.1  cpu     node both needs 2 GPUs, host h has 1 free",
    "",
    "EDGE                  HOLDS",
    "reader -> both  32 messages",
    "shared memory: 36.0 MiB at the nominal size of a message",
    "warning: 3 CPU-bound tasks share 2 cores",
  ]);
});

test("a flow that would be refused says why, and places no task", () => {
  const lines = renderExplanation({ ...explanation, decisions: [], refused: "node both needs 2 GPUs, host h has 0 free" });
  expect(lines.at(-1)).toBe("refused: node both needs 2 GPUs, host h has 0 free");
  expect(lines.join("\n")).not.toContain("WHY");
});
