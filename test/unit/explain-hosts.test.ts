import { expect, test } from "@jest/globals";
import type { FlowTask, Host } from "../../src/api/kinds.js";
import { renderExplanation } from "../../src/cli/explain.js";
import { explainStored } from "../../src/main/explain.js";
import { aChain, aDevice, aFlow, aFlowSpec, aGpuNode, aHost, aNode, describeComponent } from "../support/builders.js";
import { settle } from "../support/flow-plans.js";

const GIB = 2 ** 30;
const spec = aFlowSpec(aChain(aGpuNode("detect", 2, { required: true }), aNode("track", { resources: { cpu: "2", memory: "1Gi" } })), {
  hostSelector: { zone: "yard" },
});
const flow = aFlow({ spec });
const room = { cores: 8, memoryMiB: 16_384, shmBytes: GIB };
const gpus = (host: string) => [aDevice(`GPU-0-${host}`), aDevice(`GPU-1-${host}`)];

function aYardHost(name: string, given: Parameters<typeof aHost>[2] = {}, parts: Partial<Host> = {}): Host {
  const host = aHost(name, gpus(name), { ...room, ...given });
  return { ...host, metadata: { ...host.metadata, labels: { zone: "yard" } }, ...parts };
}

const busy = [aDevice("GPU-0-c"), aDevice("GPU-1-c", { healthy: false, reason: "Busy", message: "busy: pid 7, python, 300 MiB" })];
const silent = { type: "Reachable", status: "Unknown", reason: "LeaseExpired", message: "", lastTransitionTime: "" } as const;
const hosts: Host[] = [
  aYardHost("a", { cores: 1 }),
  aYardHost("b"),
  aYardHost("c", { devices: busy }),
  aYardHost("d", {}, { spec: { schedulable: "Draining" as never } }),
  aHost("e", gpus("e"), room),
  aYardHost("f", { conditions: [silent] }),
  aYardHost("g", { shmBytes: 4 * 2 ** 20 }),
  aYardHost("h", {}, { spec: { schedulable: false } }),
];

function explain(tasks: readonly FlowTask[] = [], given: Partial<Parameters<typeof explainStored>[0]> = {}) {
  return explainStored({ nowMs: 0, wallMs: 0, flow, describe: describeComponent, flows: [flow], tasks, claims: [], hosts, ...given });
}

test("explain tells of each host why a flow that waits fits there or not", () => {
  const verdicts = explain().hosts?.map(({ host, fits, why }) => `${host} ${fits}: ${why}`);
  expect(verdicts).toEqual([
    "a false: the flow asks for 2 cores, host a has 1 of 1 free",
    "b true: the flow begins here",
    expect.stringMatching(/^c false: node detect needs 2 GPUs, host c has 1 free \(.*busy: pid 7, python, 300 MiB\)$/),
    "d false: is draining",
    "e false: has not the labels zone=yard",
    "f false: is not reachable",
    expect.stringMatching(/^g false: the flow needs \d+ MiB of shared memory, host g has 4 MiB free/),
    "h false: is not schedulable",
  ]);
  const table = renderExplanation(explain()).filter((line) => /^(HOST|[b-c]) /.test(line));
  expect(table.map((line) => line.split(/ {2,}/).slice(0, 5))).toEqual([
    ["HOST", "FITS", "GPU TASKS", "CORES", "MEMORY"],
    ["b", "yes", "2 of 2", "2 of 8", "1.0 GiB of 16.0 GiB"],
    ["c", "no", "0 of 2", "2 of 8", "1.0 GiB of 16.0 GiB"],
  ]);
});

test("where a flow runs nothing of its own stands in its way; what its host refuses is told there", () => {
  const { tasks, claims } = settle({ flow, hosts: [aYardHost("b", { cores: 2 })] });
  const tight = [aYardHost("a"), aYardHost("b", { cores: 2 })];
  const running = explain(tasks, { claims, hosts: tight }).hosts;
  expect(running?.map(({ host, fits, why, gpuTasks }) => [host, fits, why, gpuTasks.granted])).toEqual([
    ["a", true, "it could run here", 2],
    ["b", true, "the flow runs here", 2],
  ]);
  const status = { phase: "Pending", reason: "ComponentNotAllowed", message: "host b: node detect: component Gpu is not allowed" } as const;
  const refused = explain(
    tasks.map((task) => ({ ...task, status })),
    { claims, hosts: tight },
  ).hosts;
  expect(refused?.map(({ fits, why }) => [fits, why])).toEqual([
    [true, "it could run here"],
    [false, "host b: node detect: component Gpu is not allowed"],
  ]);
});

test("one host needs no table", () => {
  expect(renderExplanation(explain([], { hosts: [aYardHost("b")] })).join("\n")).not.toContain("FITS");
});
