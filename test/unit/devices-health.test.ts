import { spawn } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "@jest/globals";
import { desiredStatus, reconcileHost } from "../../src/agent/reconcile-host.js";
import { Undead } from "../../src/agent/undead.js";
import type { HostDevice } from "../../src/api/kinds.js";
import { INCARNATION_MARKER } from "../../src/base/keeper-protocol.js";
import { runCommand } from "../../src/devices/command.js";
import { environmentOf, namesOf } from "../../src/devices/environment.js";
import { deviceProvider } from "../../src/devices/inventory.js";
import { NvidiaProvider } from "../../src/devices/nvidia-provider.js";
import { isOutOfMemory, memoryHolders } from "../../src/devices/out-of-memory.js";
import type { DeviceReadings } from "../../src/devices/provider.js";
import { recentReadings } from "../../src/devices/recent-readings.js";
import { remembering, withLost } from "../../src/devices/remembered.js";
import { aDevice } from "../support/builders.js";
import { until } from "../support/processes.js";
import { aClaim, aTask } from "../support/processes-agent.js";

const folder = mkdtempSync(join(tmpdir(), "vf-devices-health-"));
afterAll(() => rmSync(folder, { recursive: true }));
const fixture = (name: string) => readFileSync(join("test/fixtures/nvidia", name), "utf8");
const words = (devices: readonly HostDevice[]) =>
  devices.map(({ uuid, index, reason, message }) => [uuid, index, reason, message].filter((part) => part !== undefined).join(" "));
const found = (...devices: HostDevice[]) => ({ provider: "nvidia", devices });

describe("a device that was seen once is not forgotten", () => {
  const both = [aDevice("GPU-a", { index: 0 }), aDevice("GPU-b", { index: 1 })];

  test("it is tainted when it vanishes and healthy when it is back; the others keep their index", () => {
    const without = withLost(both, found(aDevice("GPU-b", { index: 0 })));
    expect(words(without)).toEqual(["GPU-a 0 Lost vanished: it is not listed any more", "GPU-b 1"]);
    expect(words(withLost(without, found(...both)))).toEqual(["GPU-a 0", "GPU-b 1"]);
  });

  test("a driver that hangs taints all of them, with the reason", async () => {
    const answers = [found(...both), { provider: "none", devices: [], message: "nvidia-smi hangs" }];
    const provider = remembering({ list: async () => answers.shift() ?? found() });
    await provider.list();
    const { provider: name, devices } = await provider.list();
    expect([name, ...words(devices)]).toEqual([
      "nvidia",
      "GPU-a 0 Lost vanished: nvidia-smi hangs",
      "GPU-b 1 Lost vanished: nvidia-smi hangs",
    ]);
  });

  test("one that cannot be read keeps its memory, so that what it could give is not called impossible", () => {
    const sick = aDevice("GPU-a", { memoryMiB: 0, product: "[GPU is lost]", healthy: false, reason: "Unreadable", message: "lost" });
    expect(withLost(both, found(sick, both[1] as HostDevice))[0]).toMatchObject({ memoryMiB: 8_192, product: "Test GPU", healthy: false });
  });

  test("D6: CUDA_VISIBLE_DEVICES=1 names the same GPU when the one before it vanishes", async () => {
    const file = join(folder, "two.yaml");
    const entry = (uuid: string) => `- { uuid: ${uuid}, product: T, memory: 1Gi }\n`;
    writeFileSync(file, entry("GPU-a") + entry("GPU-b"));
    const provider = deviceProvider({ file, visible: "1" });
    const before = await provider.list();
    writeFileSync(file, entry("GPU-b"));
    const after = await provider.list();
    expect([before, after].map(({ devices }) => devices.map(({ uuid }) => uuid))).toEqual([["GPU-b"], ["GPU-b"]]);
  });

  test("the tasks that have it are told, and no others", () => {
    const claim = aClaim("f.a.0", { allocation: { host: "here", devices: ["GPU-a"] } });
    const [task, other] = [aTask({ claim: "f.a.0", flowTasks: 2 }), aTask({ node: "b", flowTasks: 2 })];
    const devices = new Map(withLost(both, found(both[1] as HostDevice)).map((device) => [device.uuid, device]));
    const plan = reconcileHost({
      nowMs: 1_000, // Long enough after 0 that nothing is held back as brief.
      tasks: [task, other],
      records: new Map(),
      claims: new Map([["default/f.a.0", claim]]),
      memories: new Map(),
      keeperLost: false,
      devices,
    });
    const told = plan.actions.flatMap((action) => (action.op === "status" ? [[action.task.metadata.name, action.status.devicesLost]] : []));
    expect(told).toEqual([
      ["f.a.0", "GPU-a vanished: it is not listed any more"],
      ["f.b.0", undefined],
    ]);
    expect(desiredStatus(task, undefined, { phase: "Pending", reason: "", message: "" }).devicesLost).toBeUndefined();
  });
});

test("a program that hangs in the kernel is cut off in time, and not started again while it is not dead", async () => {
  const command = join(folder, "hanging");
  writeFileSync(command, `#!/bin/sh\necho x >> ${folder}/started\nexec sleep 600\n`);
  chmodSync(command, 0o700);
  const began = performance.now();
  const [first, again] = [await runCommand(command, [], 300), await runCommand(command, [], 60_000)];
  expect([first.outcome, again.outcome, performance.now() - began < 30_000]).toEqual(["TimedOut", "TimedOut", true]);
});

test("both questions to nvidia-smi share one limit: none waits for the answer to the other", async () => {
  let asked = 0;
  let allow = () => {};
  const both = new Promise<void>((resolve) => {
    allow = resolve;
  });
  const run = async () => {
    asked += 1;
    if (asked === 2) allow();
    await both;
    return { outcome: "TimedOut" as const, code: -1, stdout: "", stderr: "" };
  };
  expect((await new NvidiaProvider({ run }).list()).message).toContain("hangs");
});

test("utilisation and memory of each GPU are measured; what a GPU does not tell is absent", async () => {
  const answers = (query: string) =>
    query.startsWith("--query-gpu") ? "GPU-a, 37, 4096\nGPU-b, [N/A], [GPU is lost]\n" : "GPU-a, 7, python, [N/A]\n";
  const run = async ([query = ""]: readonly string[]) => ({ outcome: "Exited" as const, code: 0, stdout: answers(query), stderr: "" });
  expect(await new NvidiaProvider({ run }).readings()).toEqual({
    devices: [{ uuid: "GPU-a", utilizationPercent: 37, memoryUsedMiB: 4_096 }, { uuid: "GPU-b" }],
    processes: [{ uuid: "GPU-a", pid: 7, name: "python", usedMiB: undefined }],
  });
});

test("all who ask within a second share one measurement; a program that fails or hangs holds nobody up, and its last word soon counts no more", async () => {
  let [nowMs, measured] = [0, 0];
  let measure = async (): Promise<DeviceReadings> => ({ devices: [{ uuid: `GPU-${measured}` }], processes: [] });
  const readings = recentReadings(
    () => {
      measured += 1;
      return measure();
    },
    () => nowMs,
  );
  const seenAt = async (atMs: number) => {
    nowMs = atMs;
    return (await readings()).devices.map(({ uuid }) => uuid).join();
  };
  expect(await Promise.all([seenAt(0), seenAt(0)])).toEqual(["GPU-1", "GPU-1"]);
  expect([await seenAt(1_000), await seenAt(1_001)]).toEqual(["GPU-1", "GPU-2"]);
  measure = () => Promise.reject(new Error("no driver"));
  expect(await seenAt(3_000)).toBe("GPU-2");
  measure = () => new Promise(() => {});
  expect([await seenAt(16_001), await seenAt(16_002), measured]).toEqual(["GPU-2", "", 4]);
});

test("a stranger's process makes a GPU busy, with its reason as a word", async () => {
  const run = async ([first = ""]: readonly string[]) => ({
    outcome: "Exited" as const,
    code: 0,
    stdout: fixture(first.startsWith("--query-gpu") ? "foreign-process.gpus.csv" : "foreign-process.processes.csv"),
    stderr: "",
  });
  const { devices, processes } = await new NvidiaProvider({ run }).list();
  expect([devices[0]?.reason, processes?.[0]?.usedMiB]).toEqual(["Busy", 4_096]);
});

describe("a GPU that is full", () => {
  test.each([
    ["CUDA out of memory. Tried to allocate 20.00 MiB", true],
    ["CUDA failure 2: out of memory ; GPU=0", true],
    ["BFCArena::AllocateRawInternal Failed to allocate memory for requested buffer of size 1", true],
    ["CUBLAS_STATUS_ALLOC_FAILED", true],
    ["JavaScript heap out of memory", false],
    ["CUDA driver version is insufficient", false],
  ])("%s: %s", (text, expected) => expect(isOutOfMemory(text)).toBe(expected));

  test("is told with who holds it", () => {
    const processes = [
      { uuid: "GPU-a", pid: 7, name: "node", usedMiB: 3_000 },
      { uuid: "GPU-a", pid: 8, name: "python", usedMiB: undefined },
    ];
    expect(memoryHolders(["GPU-a", "GPU-b"], processes, (pid) => (pid === 7 ? "f.det.0" : undefined))).toBe(
      "out of memory of the GPU: GPU-a held by f.det.0 (pid 7) 3000 MiB, python (pid 8) unknown MiB; GPU-b held by nobody that was seen",
    );
  });
});

test("a node can have its GPUs named by index; what has none keeps its UUID", () => {
  const known = [aDevice("GPU-a", { index: 3 }), aDevice("MIG-b", { index: 0, parent: "GPU-x" })];
  expect(environmentOf(namesOf(["GPU-a", "MIG-b", "GPU-c"], "Index", known))).toEqual({
    CUDA_VISIBLE_DEVICES: "3,MIG-b,GPU-c",
    CUDA_DEVICE_ORDER: "PCI_BUS_ID",
  });
  expect(namesOf(["GPU-a"], undefined, known)).toEqual(["GPU-a"]);
});

test("D3: the devices of a task whose process cannot be killed are in quarantine until it is proved dead", async () => {
  const id = `uid-${process.pid}.3`;
  const child = spawn("sleep", ["60"], { env: { ...process.env, [INCARNATION_MARKER]: id } });
  const exited = new Promise((resolve) => child.once("exit", resolve));
  try {
    await until(() => readFileSync(`/proc/${child.pid}/environ`, "utf8").includes(id));
    const undead = new Undead();
    undead.add("uid", id, "f.det.0", ["GPU-a"]);
    expect([undead.proved(), [...undead.quarantined()]]).toEqual([
      [],
      [["GPU-a", `quarantined: process ${child.pid} of task f.det.0 cannot be killed`]],
    ]);
    child.kill("SIGKILL");
    await exited;
    expect([undead.proved(), undead.size]).toEqual([["uid"], 0]);
  } finally {
    child.kill("SIGKILL");
  }
});
