import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { API_VERSION, type VideoFlow } from "../../src/api/kinds.js";
import { readLetters, readOutputs } from "../../src/base/dead-letters.js";
import type { AgentServices, LogChunk, LogQuery, TaskUsage } from "../../src/store/agent-services.js";
import { type AgentWorld, anAgentWorld } from "../support/agent-world.js";

const aUsage = (task: string, messages: number): TaskUsage => ({
  ...{ task, flow: { namespace: "default", name: "f" }, node: "work", index: 0, phase: "Running", pid: 7, cpuCores: 0.25 },
  ...{ memoryBytes: 3 * 1024 * 1024, restarts: 1, devices: ["GPU-1"], messages, dropped: 2, processUs: messages * 2_000, state: "working" },
  ...{ received: messages, published: messages, deviceUse: [{ uuid: "GPU-1", memoryUsedMiB: 60, utilizationPercent: 40 }] },
});

let asked: LogQuery | undefined;
let isLogged = true;
let looks = 0;
let letters = "";
const services: Partial<AgentServices> = {
  logs: (query) => {
    asked = query;
    return someLogs();
  },
  usage: async () => {
    looks += 1;
    const holders = ["default/f.work.0"];
    return {
      nowMs: looks * 2_000,
      tasks: [aUsage("f.work.0", looks * 100)],
      devices: [{ uuid: "GPU-1", product: "Test", memoryMiB: 8_192, healthy: true, holders, utilizationPercent: 40, memoryUsedMiB: 100 }],
      edges: [],
    };
  },
  explain: async ({ name }) => ({
    ...{ flow: name, flowType: "Batch", nodes: [], edges: [], warnings: [], sharedMemoryBytes: 0 },
    decisions: [{ task: "f.work.0", deviceType: "CPU", devices: [], message: "node work needs 1 GPU (GPU-1 held by other.x.0)" }],
  }),
  deadLetters: async () => readLetters(letters),
  letterOutputs: async () => readOutputs(letters),
  deadLettersDir: async () => letters,
};

async function* someLogs(): AsyncGenerator<LogChunk> {
  if (!isLogged) return;
  yield { task: "f.work.0", text: "plain\n\x1b[2J\x1b]0;title\x07evil\r\n" };
  yield { task: "f.work.1", text: "other \u202e\u009b31m\n" };
}

const spec = {
  nodes: [
    { name: "numbers", role: "Producer", component: "IntProducer", params: { end: 3 } },
    { name: "work", role: "Processor", component: "Identity", inputs: ["numbers"] },
    { name: "sink", role: "Consumer", component: "VoidConsumer", inputs: ["work"] },
  ],
};

let world: AgentWorld;
beforeEach(async () => {
  looks = 0;
  isLogged = true;
  world = await anAgentWorld(services);
  letters = join(world.folder, "dead-letters", "f");
  writeFileSync(
    join(world.folder, "f.yaml"),
    JSON.stringify({ apiVersion: API_VERSION, kind: "VideoFlow", metadata: { name: "f" }, spec }),
  );
  await world.run("apply -f f.yaml");
});
afterEach(() => world.close());

async function flow(): Promise<VideoFlow> {
  return (await world.store.get({ kind: "VideoFlow", namespace: "default", name: "f" })) as VideoFlow;
}

interface EventParts {
  readonly type?: "Normal" | "Warning";
  readonly time?: string;
  /** Default: that of the object which is there. */
  readonly uid?: string;
}

async function addEvent(
  name: string,
  kind: "VideoFlow" | "FlowTask",
  regarding: string,
  message: string,
  { type = "Warning", time = "2026-01-01T00:00:00Z", uid }: EventParts = {},
) {
  const object = await world.store.get({ kind, namespace: "default", name: regarding });
  await world.store.create<"Event">({
    ...{ apiVersion: "v1", kind: "Event", metadata: { name }, type, reason: "Restarted", message, count: 3 },
    involvedObject: { apiVersion: API_VERSION, kind, namespace: "default", name: regarding, uid: uid ?? object?.metadata.uid ?? "gone" },
    ...{ firstTimestamp: time, lastTimestamp: time, source: { component: "agent" }, reportingComponent: "videoflow-agent" },
  });
}

describe("describe", () => {
  test("tells conditions, tasks, claims and the events of a flow and its tasks, harmlessly", async () => {
    const old = await flow();
    const condition = {
      type: "Admitted",
      status: "True" as const,
      reason: "Admitted",
      message: "3 tasks",
      lastTransitionTime: "2026-01-01T00:00:00Z",
    };
    await world.store.updateStatus<"VideoFlow">({
      ...old,
      status: { state: "Running", conditions: [condition], warnings: ["few\ncores"] },
    });
    await world.store.create<"FlowTask">({
      ...{ apiVersion: API_VERSION, kind: "FlowTask", metadata: { name: "f.work.0" } },
      spec: { flow: "f", host: "edge" } as never,
    });
    const [task] = await world.store.list("FlowTask");
    const lastExit = { code: 70, reason: "Crashed", message: "boom \x1b[31m\nat line 3" };
    await world.store.updateStatus<"FlowTask">({ ...task, status: { phase: "Failed", restarts: 5, lastExit } } as never);
    await addEvent("e1", "FlowTask", "f.work.0", "exit code 70: \x1b[31mboom");
    await addEvent("e2", "FlowTask", "g.work.0", "another flow");
    const { code, out } = await world.run("describe vf f");

    expect(code).toBe(0);
    for (const found of [
      "Name:         f",
      "Running",
      "Admitted",
      "f.work.0",
      "edge",
      "Warning: few cores",
      "(x3)",
      "exit code 70: \\x1b[31mboom",
      "at line 3",
    ]) {
      expect(out).toContain(found);
    }
    expect(out).not.toContain("another flow");
    expect(out).not.toMatch(/(?![\t\n])\p{Cc}/u);
  });

  test("leaves out what an earlier flow of the name told, and keeps what tasks told that are gone", async () => {
    const { creationTimestamp } = (await flow()).metadata;
    const second = `${creationTimestamp.slice(0, 19)}Z`;
    await addEvent("e1", "VideoFlow", "f", "of the earlier flow", { uid: "earlier", time: "2999-01-01T00:00:00Z" });
    await addEvent("e2", "FlowTask", "f.work.9", "of an earlier task", { time: "2020-01-01T00:00:00Z" });
    await addEvent("e3", "FlowTask", "f.work.9", "of a task that is gone", { time: second });
    await addEvent("e4", "VideoFlow", "f", "of this flow", { time: "2020-01-01T00:00:00Z" });
    const { out } = await world.run("describe vf f");
    const told = ["of the earlier flow", "of an earlier task", "of a task that is gone", "of this flow"].map((text) => out.includes(text));
    expect(told).toEqual([false, false, true, true]);
  });

  test("prints other kinds as they are, and fails for what is not there", async () => {
    await addEvent("e1", "VideoFlow", "f", "m");
    const event = await world.run("describe event e1");
    const missing = await world.run("describe vf nobody");
    expect([event.code, event.out.includes("reportingComponent: videoflow-agent")]).toEqual([0, true]);
    expect([missing.code, missing.err.includes("nobody")]).toEqual([1, true]);
  });
});

describe("events", () => {
  test("are those of an object and what belongs to it, or of a type", async () => {
    await addEvent("e1", "FlowTask", "f.work.0", "first");
    await addEvent("e2", "VideoFlow", "f", "second", { type: "Normal" });
    await addEvent("e3", "VideoFlow", "g", "third");
    const all = await world.run("events");
    const own = await world.run("events --for vf/f");
    const warnings = await world.run("events --types Warning");
    expect(all.out.trimEnd().split("\n")).toHaveLength(4);
    expect([own.out.includes("first"), own.out.includes("second"), own.out.includes("third")]).toEqual([true, true, false]);
    expect([warnings.out.includes("first"), warnings.out.includes("second")]).toEqual([true, false]);
  });

  test("of no type that there is are refused", async () => {
    const { code, err } = await world.run("events --types Warnings");
    expect([code, err]).toEqual([2, expect.stringContaining("--types warnings is neither Normal nor Warning")]);
  });
});

test("events of one second are told in the order in which they were written", async () => {
  for (const [name, reason] of [
    ["e9", "first"],
    ["e1", "second"],
    ["e5", "third"],
  ] as const)
    await addEvent(name, "VideoFlow", "f", reason);
  const told = [await world.run("events"), await world.run("events --for vf/f"), await world.run("describe vf f")];
  const words = told.map(({ out }) => out.match(/first|second|third/g));
  expect(words).toEqual(told.map(() => ["first", "second", "third"]));
});

describe("logs", () => {
  test("are harmless, with the name of the task where there may be several", async () => {
    const { out } = await world.run("logs f");
    expect(out).toBe("[f.work.0] plain\n[f.work.0] \\x1b[2J\\x1b]0;title\\x07evil\n[f.work.1] other \\u202e\\x9b31m\n");
  });

  test("are asked for as they were wanted", async () => {
    const { out } = await world.run("logs f/work.1 --tail 5 --previous");
    expect(asked).toEqual({ flow: { namespace: "default", name: "f" }, node: "work", index: 1, tail: 5, previous: true });
    expect(out.startsWith("plain\n")).toBe(true);
    await world.run("logs vf/f -n other -f");
    expect(asked).toEqual({ flow: { namespace: "other", name: "f" }, follow: true });
    expect((await world.run("logs f/work/x")).code).toBe(2);
  });

  test("are those of its group for a node that has no task of its own", async () => {
    const nodes = spec.nodes.map((node) => (node.name === "work" ? { ...node, taskGroup: "all" } : node));
    writeFileSync(
      join(world.folder, "fused.yaml"),
      JSON.stringify({ apiVersion: API_VERSION, kind: "VideoFlow", metadata: { name: "g" }, spec: { nodes } }),
    );
    await world.run("apply -f fused.yaml");
    await world.run("logs g/work.0");
    expect(asked).toMatchObject({ node: "all", index: 0 });
  });

  test("of what was never there are an error, of what has written nothing yet are none", async () => {
    isLogged = false;
    const [flow, node, empty] = [await world.run("logs nobody"), await world.run("logs f/nobody"), await world.run("logs f/work")];
    expect([flow.code, node.code, empty.code]).toEqual([1, 2, 0]);
    expect(flow.err).toContain('there is no videoflow "nobody" in namespace default');
    expect(node.err).toContain("flow f has no node nobody, but numbers, work, sink");
    expect(empty.err).toBe("f has no log of work yet\n");
  });
});

describe("changes", () => {
  test("pause, resume, stop and rerun write the wanted state", async () => {
    const states: string[] = [];
    for (const verb of ["pause", "pause", "resume", "stop", "rerun"]) {
      const { out } = await world.run(`${verb} f`);
      const { spec } = await flow();
      states.push(`${out.trim().replace("videoflow.videoflow.io/f ", "")}: ${spec.desiredState} ${spec.run}`);
    }
    expect(states).toEqual([
      "paused: Paused 1",
      "unchanged: Paused 1",
      "resumed: Running 1",
      "stopped: Stopped 1",
      "runs again (run 2): Running 2",
    ]);
  });

  test("scale changes tasks of processors, and refuses what cannot be", async () => {
    const { code } = await world.run("scale f work=4");
    const producer = await world.run("scale f numbers=2");
    const unknown = await world.run("scale f nobody=2");
    const word = await world.run("scale f work=many");
    expect([code, (await flow()).spec.nodes.map(({ nbTasks }) => nbTasks)]).toEqual([0, [1, 4, 1]]);
    expect([producer.code, unknown.code, word.code]).toEqual([2, 2, 2]);
    expect(unknown.err).toContain("has no node nobody, but numbers, work, sink");
  });

  test("scale tells that a node which keeps state has one task whatever it is given", async () => {
    const nodes = spec.nodes.map((node) => (node.name === "work" ? { ...node, component: "CountAggregator" } : node));
    const text = JSON.stringify({ apiVersion: API_VERSION, kind: "VideoFlow", metadata: { name: "g" }, spec: { nodes } });
    writeFileSync(join(world.folder, "g.yaml"), text);
    await world.run("apply -f g.yaml");

    const { code, err } = await world.run("scale g work=3");

    expect([code, err]).toEqual([0, expect.stringMatching(/^warning: spec\.nodes\[1\]\.nbTasks: .*nbTasks 3 is ignored/)]);
  });

  test("fail for a flow that is not there", async () => {
    expect((await world.run("pause nobody")).code).toBe(1);
  });
});

test("top makes rates of two looks", async () => {
  const { out } = await world.run("top f");
  const [, task, , , device] = out.split("\n");
  expect(task?.split(/ {2,}/)).toEqual([
    "f.work.0",
    "Running",
    "250m",
    "3.0 MiB",
    "50.0",
    "2.00",
    "2",
    "1",
    "GPU-1",
    "60 MiB",
    "40%",
    "working",
  ]);
  expect(device?.split(/ {2,}/)).toEqual(["GPU-1", "Test", "8192 MiB", "100 MiB", "40%", "default/f.work.0"]);
});

test("explain asks the agent for a flow that is no file", async () => {
  const stored = await world.run("explain f");
  expect([stored.code, stored.out.includes("GPU-1 held by other.x.0")]).toEqual([0, true]);
  expect((await world.run("explain nobody")).code).toBe(1);
});

test("deadletters finds the agent's folder by the name of the flow", async () => {
  mkdirSync(letters, { recursive: true });
  const { code, out } = await world.run("deadletters list f --json");
  expect([code, out]).toEqual([0, "[]\n"]);
});

test("deadletters says so where there are none", async () => {
  mkdirSync(letters, { recursive: true });
  const { code, out, err } = await world.run("deadletters list f");
  expect([code, out, err]).toEqual([0, "", "No dead letters found.\n"]);
});
