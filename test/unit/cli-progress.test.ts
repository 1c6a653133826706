import { describe, expect, test } from "@jest/globals";
import type { FlowSnapshot, NodeSnapshot } from "../../src/api/snapshot.js";
import { bottleneck, devicesText, nodeFigures, redraw, renderFinal, renderLive, renderPlain } from "../../src/cli/progress.js";

const aNode = (name: string, fields: Partial<NodeSnapshot> = {}): NodeSnapshot => ({
  name,
  tasks: 1,
  readyTasks: 1,
  devices: [],
  messages: 0,
  bytes: 0,
  dropped: 0,
  processUs: 0,
  waitingInput: 0,
  waitingSpace: 0,
  ...fields,
});

const aSnapshot = (nodes: readonly NodeSnapshot[], fields: Partial<FlowSnapshot> = {}): FlowSnapshot => ({
  flow: "f",
  state: "Running",
  elapsedMs: 2000,
  nodes,
  warnings: [],
  outputs: [],
  ...fields,
});

describe("figures of a node", () => {
  test("actual is messages a second, possible is tasks divided by the mean time of a message", () => {
    const node = aNode("detector", { tasks: 2, messages: 40, processUs: 2_000_000 });
    expect(nodeFigures(node, 2000)).toEqual({ name: "detector", actualPerSecond: 20, possiblePerSecond: 40, busy: 0.5 });
  });

  test("before the first message nothing is known of the possible rate", () => {
    expect(nodeFigures(aNode("reader"), 0)).toEqual({ name: "reader", actualPerSecond: 0, possiblePerSecond: undefined, busy: 0 });
  });

  test("the bottleneck is the node whose tasks are busiest, however many tasks it has", () => {
    const reader = aNode("reader", { messages: 40, processUs: 1_500_000 });
    const detector = aNode("detector", { tasks: 4, messages: 40, processUs: 4_000_000 });
    expect(bottleneck(aSnapshot([reader, detector]))).toBe("reader");
    expect(bottleneck(aSnapshot([aNode("reader")]))).toBeUndefined();
  });
});

describe("live display", () => {
  test("it shows the rate since the earlier snapshot, not since the start", () => {
    const before = aSnapshot([aNode("reader", { messages: 10 })], { elapsedMs: 1000 });
    const now = aSnapshot([aNode("reader", { messages: 40 })], { elapsedMs: 2000 });
    expect(renderLive(now, before, 100)[2]).toMatch(/^reader +1 +40 +30\.0 +0% +cpu$/);
  });

  test("tasks that are not ready and what tasks wait for are shown", () => {
    const node = aNode("detector", { tasks: 3, readyTasks: 1, waitingInput: 1, waitingSpace: 2 });
    expect(renderLive(aSnapshot([node]), undefined, 100)[2]).toMatch(/ 1\/3 .* 1 for input, 2 for space$/);
  });

  test.each([10, 20, 40])("no line is wider than %d columns", (width) => {
    const snapshot = aSnapshot([aNode("a-node-with-a-rather-long-name")], { warnings: ["something that takes more room than there is"] });
    expect(Math.max(...renderLive(snapshot, undefined, width).map((line) => line.length))).toBe(width);
  });

  test("redrawing goes up by the lines that were drawn and clears them", () => {
    expect(redraw(0, ["a"])).toBe("a\n");
    expect(redraw(3, ["a", "b"])).toBe("\x1b[3A\x1b[Ja\nb\n");
  });
});

test("a plain line names state, frames, rate, tasks and device of each node", () => {
  const snapshot = aSnapshot([aNode("reader", { messages: 7, dropped: 2 }), aNode("writer", { readyTasks: 0 })], { elapsedMs: 1500 });
  expect(renderPlain(snapshot, undefined)).toBe(
    "1.5 s Running: reader 7 (4.7/s, 1/1 tasks on cpu, 2 dropped); writer 0 (0.0/s, 0/1 tasks on cpu)",
  );
});

test("the devices of a node say how many of its tasks compute where", () => {
  expect(devicesText({ tasks: 3, devices: ["GPU-1f2e3d4c-0000-0000-0000-000000000000", "GPU-2"] })).toBe(
    "2 GPU (GPU-1f2e3d4c…, GPU-2) + 1 cpu",
  );
  expect(devicesText({ tasks: 1, devices: ["GPU-1"] })).toBe("1 GPU (GPU-1)");
});

test("the final report is a table with the bottleneck, then warnings, then the outputs", () => {
  const nodes = [
    aNode("reader", { messages: 38, processUs: 200_000, bytes: 38 * 2 ** 20 }),
    aNode("detector", { tasks: 2, messages: 38, processUs: 3_800_000 }),
  ];
  const snapshot = aSnapshot(nodes, { state: "Succeeded", warnings: ["more tasks than cores"], outputs: ["/tmp/out.mp4"] });
  expect(renderFinal(snapshot)).toEqual([
    "f: Succeeded after 2.0 s",
    "NODE      TASKS  FRAMES  ACTUAL/S  POSSIBLE/S  BUSY      DATA  DEVICE",
    "reader        1      38      19.0         190   10%  38.0 MiB  cpu",
    "detector      2      38      19.0        20.0   95%       0 B  cpu",
    "bottleneck: detector, whose code is busy 95% of the time",
    "warning: more tasks than cores",
    "wrote /tmp/out.mp4",
  ]);
});
