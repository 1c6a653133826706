import { describe, expect, test } from "@jest/globals";
import type { HostDevice } from "../../src/api/kinds.js";
import { allocateDevices, type DeviceRequest, deviceUses, type HeldDevices } from "../../src/devices/allocate.js";
import { aDevice, devices } from "../support/builders.js";

function wish(node: string, index = 0, given: Partial<DeviceRequest> = {}): DeviceRequest {
  return { claim: `f.${node}.${index}`, node, index, order: 1, required: false, count: 1, sharing: "Exclusive", ...given };
}
const wishes = (node: string, count: number, given: Partial<DeviceRequest> = {}) =>
  Array.from({ length: count }, (_, index) => wish(node, index, given));
const shared = (node: string, memoryMiB: number, index = 0) => wish(node, index, { sharing: "Shared", memoryMiB });

interface Case {
  readonly name: string;
  readonly devices: HostDevice[];
  readonly held?: HeldDevices[];
  readonly requests: DeviceRequest[];
  readonly got: string[];
}

const cases: Case[] = [
  {
    name: "requirement 5: three wishes on two GPUs give two distinct GPUs and one CPU",
    devices: devices(2),
    requests: wishes("det", 3),
    got: ["f.det.0 GPU-0", "f.det.1 GPU-1", "f.det.2 CpuFallback"],
  },
  {
    name: "requirement 5: a required claim downstream goes before four wishes upstream",
    devices: devices(4),
    requests: [...wishes("det", 4, { order: 1 }), wish("face", 0, { order: 2, required: true })],
    got: ["f.face.0 GPU-0", "f.det.0 GPU-1", "f.det.1 GPU-2", "f.det.2 GPU-3", "f.det.3 CpuFallback"],
  },
  {
    name: "requirement 5: wishes are served in topological order, then by index",
    devices: devices(2),
    requests: [wish("b", 1, { order: 2 }), wish("b", 0, { order: 2 }), wish("a", 0, { order: 1 })],
    got: ["f.a.0 GPU-0", "f.b.0 GPU-1", "f.b.1 CpuFallback"],
  },
  {
    name: "requirement 6: a GPU that another flow holds is not available",
    devices: devices(2),
    held: [{ claim: "other.det.0", devices: ["GPU-0"] }],
    requests: wishes("det", 2),
    got: ["f.det.0 GPU-1", "f.det.1 CpuFallback"],
  },
  {
    name: "requirement 7: a required claim that finds none refuses the whole flow",
    devices: devices(1),
    held: [{ claim: "other.det.0", devices: ["GPU-0"] }],
    requests: [wish("det"), wish("face", 0, { required: true })],
    got: ["f.face.0 WaitingForDevices", "f.det.0 WaitingForDevices"],
  },
  {
    name: "requirement 7: what no device could ever give is unsatisfiable",
    devices: [],
    requests: [wish("face", 0, { required: true })],
    got: ["f.face.0 Unsatisfiable"],
  },
  {
    name: "requirement 9: the order of the host's list is the order of allocation",
    devices: [aDevice("GPU-b"), aDevice("GPU-a")],
    requests: wishes("det", 2),
    got: ["f.det.0 GPU-b", "f.det.1 GPU-a"],
  },
  {
    name: "an unhealthy or busy device is never granted",
    devices: [aDevice("GPU-0", { healthy: false, message: "busy: pid 7, python, 300 MiB" }), aDevice("GPU-1")],
    requests: wishes("det", 2),
    got: ["f.det.0 GPU-1", "f.det.1 CpuFallback"],
  },
  {
    name: "an unhealthy device may come back, so one waits for it",
    devices: [aDevice("GPU-0", { healthy: false })],
    requests: [wish("det", 0, { required: true })],
    got: ["f.det.0 WaitingForDevices"],
  },
  {
    name: "several devices of a task come from one host, all or none",
    devices: devices(3),
    requests: wishes("det", 2, { count: 2 }),
    got: ["f.det.0 GPU-0,GPU-1", "f.det.1 CpuFallback"],
  },
  {
    name: "the product is found in any case",
    devices: [aDevice("GPU-0"), aDevice("GPU-1", { product: "NVIDIA H100 80GB" })],
    requests: [wish("det", 0, { product: "h100" })],
    got: ["f.det.0 GPU-1"],
  },
  {
    name: "an exclusive device must have the memory",
    devices: [aDevice("GPU-0"), aDevice("GPU-1", { memoryMiB: 16_384 })],
    requests: [wish("det", 0, { memoryMiB: 10_000 })],
    got: ["f.det.0 GPU-1"],
  },
  {
    name: "shared claims never exceed the device",
    devices: devices(1),
    requests: [shared("a", 5_000), shared("a", 3_000, 1), shared("a", 193, 2)],
    got: ["f.a.0 GPU-0", "f.a.1 GPU-0", "f.a.2 CpuFallback"],
  },
  {
    name: "an exclusive claim does not take a shared device",
    devices: devices(1),
    held: [{ claim: "o.a.0", devices: ["GPU-0"], memoryMiB: 100 }],
    requests: [wish("det")],
    got: ["f.det.0 CpuFallback"],
  },
  {
    name: "a shared claim does not take an exclusive device",
    devices: devices(1),
    held: [{ claim: "o.a.0", devices: ["GPU-0"] }],
    requests: [shared("a", 100)],
    got: ["f.a.0 CpuFallback"],
  },
  {
    name: "a claim of a MIG instance blocks its parent",
    devices: [aDevice("GPU-0"), aDevice("MIG-0", { parent: "GPU-0" })],
    held: [{ claim: "o.a.0", devices: ["MIG-0"] }],
    requests: [wish("det")],
    got: ["f.det.0 CpuFallback"],
  },
  {
    name: "a claim of the parent blocks its MIG instances",
    devices: [aDevice("GPU-0"), aDevice("MIG-0", { parent: "GPU-0" })],
    requests: wishes("det", 2),
    got: ["f.det.0 GPU-0", "f.det.1 CpuFallback"],
  },
  {
    name: "what is held already is kept",
    devices: devices(2),
    held: [{ claim: "f.det.1", devices: ["GPU-0"] }],
    requests: wishes("det", 2),
    got: ["f.det.0 GPU-1", "f.det.1 GPU-0"],
  },
  {
    name: "devices reserved for an older flow are not available",
    devices: devices(1),
    held: [{ claim: "old.det.0", devices: ["GPU-0"], reserved: true }],
    requests: [wish("det")],
    got: ["f.det.0 CpuFallback"],
  },
  {
    name: "an unselective required claim makes room for a selective one",
    devices: [aDevice("GPU-0", { product: "H100" }), aDevice("GPU-1")],
    requests: [wish("a", 0, { order: 1, required: true }), wish("b", 0, { order: 2, required: true, product: "H100" })],
    got: ["f.a.0 GPU-1", "f.b.0 GPU-0"],
  },
];

test.each(cases)("$name", ({ devices: list, held = [], requests, got }) => {
  const { decisions } = allocateDevices({ name: "edge-1", devices: list }, held, requests);
  expect(decisions.map(({ claim, reason, devices: uuids }) => `${claim} ${uuids.join(",") || reason}`)).toEqual(got);
});

describe("messages carry numbers", () => {
  test("of what was asked, what is free, and where the tasks went", () => {
    const held = [{ claim: "o.a.0", devices: ["GPU-1"] }];
    const { decisions } = allocateDevices({ name: "edge-1", devices: devices(2) }, held, wishes("detector", 4));
    expect(decisions[3]?.message).toBe(
      "node detector needs 4 GPUs, host edge-1 has 1 free: 1 task on GPU-0, 3 on CPU (GPU-1 held by o.a.0)",
    );
  });

  test("of a refusal, with who holds what", () => {
    const list = [aDevice("GPU-0", { healthy: false, message: "busy: pid 7, python, 300 MiB" }), aDevice("GPU-1")];
    const { admitted, message } = allocateDevices(
      { name: "h", devices: list },
      [{ claim: "o.a.0", devices: ["GPU-1"] }],
      [wish("face", 0, { required: true })],
    );
    expect([admitted, message]).toEqual([
      false,
      "node face needs 1 GPU, host h has 0 free (GPU-0 busy: pid 7, python, 300 MiB; GPU-1 held by o.a.0)",
    ]);
  });

  test("of a refusal for ever, with what there is at all, and which devices are of another kind, whoever holds them", () => {
    const list = [aDevice("GPU-0", { product: "T4", memoryMiB: 4_096 }), aDevice("GPU-1", { product: "H100" })];
    const request = { required: true, product: "H100" };
    const { message } = allocateDevices({ name: "h", devices: list }, [{ claim: "o.a.0", devices: ["GPU-0"] }], wishes("face", 2, request));
    expect(message).toBe("node face needs 2 GPUs of product H100, host h has 1 free of 1 (GPU-0 is T4 with 4096 MiB)");
  });

  test("of each device's use", () => {
    const uses = deviceUses({ name: "h", devices: devices(2) }, [{ claim: "o.a.0", devices: ["GPU-1"], memoryMiB: 1_192 }]);
    expect(uses.map(({ text }) => text)).toEqual(["free", "held by o.a.0, 7000 of 8192 MiB left"]);
  });

  test("of who holds a device apart from who waits for it", () => {
    const held = [
      { claim: "old.b.1", devices: ["GPU-0"], reserved: true },
      { claim: "old.b.0", devices: ["GPU-0"], reserved: true },
      { claim: "o.a.0", devices: ["GPU-0"] },
    ];
    const [use] = deviceUses({ name: "h", devices: devices(1) }, held);
    expect(use?.text).toBe("held by o.a.0, reserved for old.b.0, old.b.1");
  });
});
