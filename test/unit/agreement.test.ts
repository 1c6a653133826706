import { describe, expect, test } from "@jest/globals";
import type { TaskMember } from "../../src/api/kinds.js";
import { type ComponentClass, describe as descriptorOf, OneTaskProcessorNode, ProcessorNode } from "../../src/flow/node.js";
import type { TaskPort } from "../../src/transport/port.js";
import { refuseDisagreement } from "../../src/worker/agreement.js";
import type { TaskLaunch } from "../../src/worker/launch.js";
import type { LoadedNode } from "../../src/worker/load.js";
import type { Member } from "../../src/worker/members.js";
import { TaskStates } from "../../src/worker/states.js";

class Plain extends ProcessorNode<[number], number> {
  device: string | undefined;
  override process(value: number): number {
    return value;
  }
  override changeDevice(device: "cpu" | "gpu"): void {
    this.device = device;
  }
}
class GpuOnly extends Plain {
  override changeDevice(device: "cpu" | "gpu"): void {
    if (device === "cpu") throw new Error("no code for the CPU");
  }
}
class CpuOnly extends Plain {
  override changeDevice(device: "cpu" | "gpu"): void {
    if (device === "gpu") throw new Error("no code for a GPU");
  }
}
class Tracker extends OneTaskProcessorNode<[number], number> {
  override process(value: number): number {
    return value;
  }
}
class Batcher extends Plain {
  static override readonly descriptor = { holds: 3 };
}

const loaded = (component: new () => Plain | Tracker, member: Partial<TaskMember> = {}): LoadedNode => ({
  node: new component(),
  descriptor: descriptorOf(component as unknown as ComponentClass),
  member: { name: "n", role: "Processor", component: `/nodes.ts#${component.name}`, params: {}, inputs: ["p"], ...member },
});
/** A task with one parent that has so many places. */
const launch = (fields: Partial<TaskLaunch> = {}, places = 8): TaskLaunch =>
  ({
    node: "n",
    nbTasks: 1,
    devices: [],
    plan: { edges: [{ from: "p", to: "n", cells: places }], nodes: [{ name: "p", slots: places }] },
    ...fields,
  }) as unknown as TaskLaunch;

describe("a class that disagrees with the spec does not start", () => {
  test.each<[string, LoadedNode, TaskLaunch, RegExp]>([
    ["its role", loaded(Plain, { role: "Consumer" }), launch(), /role Consumer, but .*#Plain says Processor/],
    ["its state", loaded(Tracker), launch({ nbTasks: 2 }), /nbTasks 2, but .*#Tracker says OneTaskProcessorNode: add oneTask: true/],
    ["the GPU it needs", loaded(GpuOnly), launch(), /device\.required false, but .*#GpuOnly says true \(.*no code for the CPU\)/],
    ["the GPU it cannot use", loaded(CpuOnly), launch({ devices: ["GPU-1"] }), /deviceType GPU, but .*#CpuOnly says CPU \(.*for a GPU\)/],
    ["what it holds", loaded(Batcher), launch({}, 3), /holds at most 2 \(write holds: 3\), but .*#Batcher says 3/],
  ])("about %s", (_what, node, told, message) => {
    const refusal = () => refuseDisagreement(told, [node]);
    expect(refusal).toThrow(expect.objectContaining({ code: "COMPONENT_DISAGREES", retryable: false }));
    expect(refusal).toThrow(message);
  });

  test.each<[string, LoadedNode, TaskLaunch]>([
    ["keeps state and has one task", loaded(Tracker), launch()],
    ["needs a GPU and has one", loaded(GpuOnly), launch({ devices: ["GPU-1"] })],
    ["cannot use a GPU and has none", loaded(CpuOnly), launch()],
    ["holds what its parent has places for", loaded(Batcher), launch({}, 4)],
  ])("but one that %s does", (_what, node, told) => {
    expect(() => refuseDisagreement(told, [node])).not.toThrow();
  });
});

test.each<[string, readonly string[]]>([
  ["cpu", []],
  ["gpu", ["GPU-1"]],
])("a processor is told that it runs on the %s, whatever the flow has asked it before", (device, devices) => {
  const node = loaded(Plain);
  (node.node as Plain).changeDevice("cpu");
  refuseDisagreement(launch({ devices }), [node]);
  expect((node.node as Plain).device).toBe(device);
});

test.each<[string, LoadedNode, readonly string[]]>([
  ["is a OneTaskProcessorNode", loaded(Tracker), ["n"]],
  ["has oneTask in the flow", loaded(Plain, { oneTask: true }), ["n"]],
  ["is an ordinary processor", loaded(Plain), []],
])("a node that %s and began again without a snapshot has lost %j", (_what, node, lost) => {
  const states = (committed: number) => new TaskStates([node as Member], { committed } as TaskPort);
  expect([states(0).lost, states(3).lost]).toEqual([[], lost]);
});
