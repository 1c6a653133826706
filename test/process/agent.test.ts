import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { Agent } from "../../src/agent/agent.js";
import { type FlowMemories, loadFlowMemories } from "../../src/agent/flow-memories.js";
import { KeeperClient } from "../../src/agent/keeper-client.js";
import type { FlowTask, FlowTaskSpec } from "../../src/api/kinds.js";
import { REAL_CLOCK } from "../../src/base/clock.js";
import type { ExitRecord } from "../../src/base/keeper-protocol.js";
import { identityOf, readEnvironment } from "../../src/base/process-identity.js";
import { EmbeddedStore } from "../../src/store/embedded/embedded-store.js";
import type { Store } from "../../src/store/store.js";
import { openWorkshop, runs, until, type Workshop } from "../support/processes.js";
import { aClaim, fakeMemories, HOST, newTask } from "../support/processes-agent.js";

let workshop: Workshop;
let program: string;
let dir: string;
let keeper: KeeperClient;
let store: EmbeddedStore;
let agent: Agent;
let memories: ReturnType<typeof fakeMemories>;
let notes: string[];

beforeAll(() => {
  workshop = openWorkshop();
  program = workshop.bundle("src/main/keeper.ts");
});
afterAll(() => workshop.remove());
afterEach(async () => {
  await agent.stop();
  await keeper.close();
  await store.close();
});
beforeEach(async () => {
  dir = mkdtempSync(join(workshop.dir, "agent-"));
  keeper = KeeperClient.spawn({ command: [process.execPath, program] });
  store = await EmbeddedStore.open();
  memories = fakeMemories();
  notes = [];
});

/** $LAUNCH is the launch file, $REPORT the report file, $N the incarnation. */
const PRELUDE = `LAUNCH=$1; REPORT=$(sed 's/.*"reportFile":"\\([^"]*\\)".*/\\1/' $LAUNCH); N=$(sed 's/.*"incarnation":\\([0-9]*\\).*/\\1/' $LAUNCH);
ready() { printf '{"phase":"ready","provider":"cpu"}' > $REPORT.tmp; mv $REPORT.tmp $REPORT; }
`;

async function start(
  script: string,
  env: NodeJS.ProcessEnv = { PATH: process.env["PATH"] },
  more: { memories?: FlowMemories; store?: Store } = {},
): Promise<void> {
  agent = await Agent.start({
    store: more.store ?? store,
    hostName: HOST,
    keeper,
    clock: REAL_CLOCK,
    stateDir: dir,
    shmBase: dir,
    workerCommand: ["/bin/sh", "-c", PRELUDE + script, "worker"],
    env,
    memories: more.memories ?? memories,
    chance: () => 0.5,
    onNote: (note) => notes.push(`${note.subject} ${note.what}: ${note.message}`),
  });
}

const create = (spec: Partial<FlowTaskSpec> = {}) => store.create<"FlowTask">(newTask({ workingDir: dir, ...spec }));
const read = async (name: string) => (await store.get({ kind: "FlowTask", namespace: "default", name })) as FlowTask;
async function phaseOf(name: string, phase: string, restarts = 0): Promise<FlowTask> {
  for (let looks = 0; looks < 6_000; looks += 1) {
    const task = await read(name);
    if (task.status?.phase === phase && (task.status.restarts ?? 0) >= restarts) return task;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`${name} is not ${phase}: ${JSON.stringify((await read(name)).status)}\n${notes.join("\n")}`);
}
const lines = (file: string) => (existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : []);

test("a task runs, reports and ends: Starting, Running, Succeeded, and its memory is gone", async () => {
  await start("ready; while [ ! -e end ]; do sleep 0.05; done");
  await create();
  const running = await phaseOf("f.a.0", "Running");
  expect(running.status).toMatchObject({ observedGeneration: 1, provider: "cpu", restarts: 0, reason: "Ready" });
  const { pid, startTime, bootId } = running.status ?? {};
  expect(identityOf(pid as number)).toEqual({ pid, startTime, bootId });
  writeFileSync(join(dir, "end"), "");
  const over = await phaseOf("f.a.0", "Succeeded");
  expect(over.status?.pid).toBeUndefined();
  await until(() => memories.asked.includes("remove"));
  expect(memories.asked).toEqual(["create", "remove"]);
  expect(readdirSync(join(dir, "run"))).toEqual([]);
});

test("what a task reports right before its end is heard", async () => {
  await start(`ready; while [ ! -e end ]; do sleep 0.05; done; printf '{"phase":"ready","stateLost":"a began empty"}' > $REPORT`);
  await create();
  await phaseOf("f.a.0", "Running");
  writeFileSync(join(dir, "end"), "");
  expect((await phaseOf("f.a.0", "Succeeded")).status).toMatchObject({ stateLost: "a began empty" });
});

test("nothing of a flow starts before all of its tasks are there", async () => {
  await start("ready; sleep 60");
  await create({ flowTasks: 2 });
  const waiting = await phaseOf("f.a.0", "Pending");
  expect(waiting.status).toMatchObject({ reason: "WaitingForTasks", message: "1 of 2 tasks of the flow are here" });
  expect(memories.asked).toEqual([]);
  await create({ flowTasks: 2, node: "b" });
  await Promise.all([phaseOf("f.a.0", "Running"), phaseOf("f.b.0", "Running")]);
  expect(memories.asked).toEqual(["create"]);
});

test("a run that begins again under its name gets memory of its own, once nobody works in what the one before left", async () => {
  await start("ready; exec sleep 60");
  await create();
  const before = (await phaseOf("f.a.0", "Running")).status?.pid as number;
  await store.delete({ kind: "FlowTask", namespace: "default", name: "f.a.0" });
  await create({ layoutHash: "other" });
  const after = (await phaseOf("f.a.0", "Running")).status?.pid;
  expect([identityOf(before), after === before]).toEqual([undefined, false]);
  expect(memories.asked).toEqual(["create", "remove", "create"]);
});

test("the pid of a live process stands in the store before the program starts", async () => {
  await start("ready; sleep 60");
  const seen: string[] = [];
  const originalGo = keeper.go.bind(keeper);
  keeper.go = (id) => {
    void read("f.a.0").then((task) => seen.push(String(task.status?.pid)));
    originalGo(id);
  };
  await create();
  const task = await phaseOf("f.a.0", "Running");
  expect(seen).toEqual([String(task.status?.pid)]);
});

test("D4: a GPU task sees exactly its claim, a CPU task sees none, whatever the user has set", async () => {
  await start("ready; exec sleep 60", {
    PATH: process.env["PATH"],
    CUDA_VISIBLE_DEVICES: "0,1,2",
    VF_NODE_NAME: "liar",
    NODE_EXTRA_CA_CERTS: "/x",
    HOME: "/home/u",
  });
  const claim = await store.create<"DeviceClaim">({ ...aClaim("f.a.0"), metadata: { name: "f.a.0", namespace: "default" } });
  await create({ flowTasks: 2, claim: "f.a.0", deviceType: "GPU" });
  await create({
    flowTasks: 2,
    node: "b",
    env: [
      { name: "CUDA_VISIBLE_DEVICES", value: "7" },
      { name: "MINE", value: "1" },
    ],
  });
  await until(() => notes.some((note) => note.startsWith("f.b.0 Pending")));
  expect((await phaseOf("f.b.0", "Pending")).status?.message).toBe("not allocated yet: f.a.0");
  await store.updateStatus({ ...claim, status: { allocation: { host: HOST, devices: ["GPU-2", "GPU-1"] } } });
  const gpu = readEnvironment((await phaseOf("f.a.0", "Running")).status?.pid as number);
  const cpu = readEnvironment((await phaseOf("f.b.0", "Running")).status?.pid as number);
  expect([gpu?.get("CUDA_VISIBLE_DEVICES"), gpu?.get("CUDA_DEVICE_ORDER"), gpu?.get("VF_NODE_NAME")]).toEqual([
    "GPU-2,GPU-1",
    "PCI_BUS_ID",
    "a",
  ]);
  expect(["CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES"].map((name) => cpu?.get(name))).toEqual(["-1", "-1", "-1"]);
  expect([cpu?.get("MINE"), cpu?.get("HOME"), cpu?.get("NODE_EXTRA_CA_CERTS"), cpu?.get("VF_REPLICA_ID")]).toEqual([
    "1",
    "/home/u",
    undefined,
    "0",
  ]);
  expect((await store.get<"DeviceClaim">({ kind: "DeviceClaim", namespace: "default", name: "f.a.0" }))?.status?.prepared).toBe(true);
});

test("D4: a process whose environment is not its claim's is killed and the task fails", async () => {
  await start("(sleep 0.2; ready) & CUDA_VISIBLE_DEVICES=5 exec sleep 60");
  await create();
  expect((await phaseOf("f.a.0", "Failed")).status).toMatchObject({ reason: "DeviceEnvironment", restarts: 0 });
});

test("a crash restarts at once, the next one after a backoff, and the count is told", async () => {
  await start('echo "$N" >> starts; [ $N -ge 2 ] && ready && sleep 60; echo "line of $N" >&2; exit 9');
  await create({ restart: { policy: "OnFailure", initialBackoffSeconds: 0.2, maxBackoffSeconds: 1, maxRestarts: 5, windowSeconds: 600 } });
  const task = await phaseOf("f.a.0", "Running");
  expect(task.status).toMatchObject({ restarts: 2, lastExit: { code: 9, reason: "Crashed", message: "line of 0\nline of 1" } });
  expect(lines(join(dir, "starts"))).toEqual(["0", "1", "2"]);
});

test("a spent budget fails the task with its last lines; siblings run on", async () => {
  await start("case $VF_NODE_NAME in a) echo last words; exit 9;; *) ready; sleep 60;; esac");
  await create({
    flowTasks: 2,
    restart: { policy: "OnFailure", initialBackoffSeconds: 0.02, maxBackoffSeconds: 0.05, maxRestarts: 2, windowSeconds: 600 },
  });
  await create({ flowTasks: 2, node: "b" });
  const failed = await phaseOf("f.a.0", "Failed");
  expect(failed.status).toMatchObject({
    reason: "RestartBudgetSpent",
    restarts: 2,
    lastExit: { message: "last words\nlast words\nlast words" },
  });
  expect((await phaseOf("f.b.0", "Running")).status?.restarts).toBe(0);
});

test.each([
  { code: 78, reason: "ConfigurationError" },
  { code: 65, reason: "BadInput" },
])("exit code $code is never restarted", async ({ code, reason }) => {
  await start(`exit ${code}`);
  await create();
  expect((await phaseOf("f.a.0", "Failed")).status).toMatchObject({ reason, restarts: 0 });
});

test("the error that a worker reports is told instead of its log", async () => {
  await start(`printf '{"phase":"failed","error":{"code":"MODEL_NOT_FOUND","message":"no model x.onnx"}}' > $REPORT; echo noise; exit 78`);
  await create();
  expect((await phaseOf("f.a.0", "Failed")).status).toMatchObject({
    reason: "MODEL_NOT_FOUND",
    message: "no model x.onnx",
    lastExit: { code: 78 },
  });
});

test("P5: a stop drains, then ends what does not end by itself, and nothing starts again", async () => {
  await start('echo start >> starts; trap "" TERM; ready; while :; do sleep 0.05; done');
  await create({ terminationGracePeriodSeconds: 0 });
  const { status, ...task } = await phaseOf("f.a.0", "Running");
  const current = await read("f.a.0");
  await store.update({ ...current, spec: { ...task.spec, desiredState: "Stopped" } });
  expect((await phaseOf("f.a.0", "Stopped")).status).toMatchObject({ lastExit: { signal: "SIGKILL", reason: "Stopped" } });
  expect([runs(status?.pid as number), lines(join(dir, "starts"))]).toEqual([false, ["start"]]);
  await until(() => memories.asked.includes("remove"));
  expect(memories.asked).toEqual(["create", "drain", "remove"]);
});

test("a deleted task is stopped, and its memory removed", async () => {
  await start("ready; sleep 60");
  await create();
  const { status } = await phaseOf("f.a.0", "Running");
  await store.delete({ kind: "FlowTask", namespace: "default", name: "f.a.0" });
  await until(() => memories.asked.includes("remove"));
  expect(runs(status?.pid as number)).toBe(false);
});

test("a task that is not ready in time is replaced", async () => {
  await start("[ $N -ge 1 ] && ready; sleep 60");
  await create({ startupDeadlineSeconds: 4 });
  expect((await phaseOf("f.a.0", "Running")).status).toMatchObject({
    restarts: 1,
    lastExit: { signal: "SIGKILL", reason: "StartupDeadline" },
  });
});

test("when the keeper dies, its tasks die and are told so", async () => {
  await start("ready; sleep 60");
  await create();
  const { status } = await phaseOf("f.a.0", "Running");
  process.kill(keeper.pid as number, "SIGKILL");
  expect((await phaseOf("f.a.0", "Failed")).status).toMatchObject({ reason: "KeeperLost" });
  expect(runs(status?.pid as number)).toBe(false);
});

test("C1: a settled host causes no writes", async () => {
  await start("ready; sleep 60");
  await create();
  const { metadata } = await phaseOf("f.a.0", "Running");
  await new Promise((resolve) => setTimeout(resolve, 1500));
  expect((await read("f.a.0")).metadata.resourceVersion).toBe(metadata.resourceVersion);
});

test("on real shared memory: a death is recovered, the statistics are read, and nothing is left", async () => {
  const exits: ExitRecord[] = [];
  keeper.onExit((record) => exits.push(record));
  await start("[ $N -ge 1 ] || exit 9; ready; while [ ! -e end ]; do sleep 0.05; done", undefined, { memories: await loadFlowMemories() });
  await create();
  const running = await phaseOf("f.a.0", "Running");
  expect(running.status?.restarts).toBe(1);
  expect(exits.map((record) => [record.code, record.recoveryProblem])).toEqual([[9, undefined]]);
  expect(agent.observe({ namespace: "default", name: "f" })?.nodes).toMatchObject([{ node: "a", tasks: 1, readyTasks: 1, committed: 0 }]);
  const memory = join(dir, `videoflow-${userInfo().uid}`);
  expect(readdirSync(memory)).toEqual(["uid-1"]);
  writeFileSync(join(dir, "end"), "");
  await phaseOf("f.a.0", "Succeeded");
  await until(() => readdirSync(memory).length === 0);
  expect(agent.observe({ namespace: "default", name: "f" })?.tasks).toHaveLength(1);
});

test("what goes wrong with one run holds no other one back, and is tried again", async () => {
  let fails = 3;
  const faulty: FlowMemories = {
    ...memories,
    requestPause(dir, plan, paused) {
      fails -= 1;
      if (fails >= 0) throw new Error("the memory cannot be written");
      memories.requestPause(dir, plan, paused);
    },
  };
  const script = "ready; [ $VF_NODE_NAME = b ] && [ $N -lt 2 ] && { while [ ! -e crash ]; do sleep 0.05; done; exit 9; }; exec sleep 60";
  await start(script, undefined, { memories: faulty });
  await create();
  await create({
    node: "b",
    run: "uid-2",
    restart: { policy: "OnFailure", initialBackoffSeconds: 0.2, maxBackoffSeconds: 1, maxRestarts: 5, windowSeconds: 600 },
  });
  await phaseOf("f.b.0", "Running");
  const { metadata, spec, ...rest } = await phaseOf("f.a.0", "Running");
  await store.update<"FlowTask">({ ...rest, metadata, spec: { ...spec, desiredState: "Paused" } });
  writeFileSync(join(dir, "crash"), "");
  await phaseOf("f.b.0", "Running", 2);
  await until(() => memories.asked.includes("pause"));
  expect(notes.filter((note) => note.includes("the memory cannot be written"))).toHaveLength(1);
});

test("files of a task that cannot be used hold nothing back: a log that cannot be set aside, dead letters that cannot be counted", async () => {
  const logs = join(dir, "logs/default/f");
  mkdirSync(join(logs, "f.a.0.log.1"), { recursive: true });
  mkdirSync(join(dir, "dead-letters/default"), { recursive: true });
  writeFileSync(join(dir, "dead-letters/default/f"), "no folder");
  await start("[ $N = 0 ] && { yes a line | head -c 11000000; }; ready; while [ ! -e end$N ]; do sleep 0.05; done; exit 9");
  await create();
  await phaseOf("f.a.0", "Running");
  await until(() => notes.some((note) => note.includes("the log of f.a.0 cannot be looked after")));
  writeFileSync(join(dir, "end0"), "");
  await phaseOf("f.a.0", "Running", 1);
  expect(notes.some((note) => note.includes("the dead letters of f.a.0 cannot be counted"))).toBe(true);
});

test("an answer to a write that is older than what was heard meanwhile changes nothing", async () => {
  const { metadata } = await create();
  let isChanged = false;
  const slow = answeringLate(store, async (task) => {
    if (isChanged || task.status?.phase !== "Running") return;
    isChanged = true;
    await store.update<"FlowTask">({ ...task, spec: { ...task.spec, desiredState: "Stopped" } });
  });
  await start("ready; sleep 60", undefined, { store: slow });
  expect((await phaseOf("f.a.0", "Stopped")).metadata.uid).toBe(metadata.uid);
});

/** A store that answers a write of a task's status only after `before`. */
function answeringLate(inner: Store, before: (task: FlowTask) => Promise<void>): Store {
  return {
    get: (key) => inner.get(key),
    list: (kind, options) => inner.list(kind, options),
    create: (object) => inner.create(object),
    update: (object) => inner.update(object),
    updateStatus: async (object) => {
      const written = await inner.updateStatus(object);
      if (written.kind === "FlowTask") await before(written as FlowTask);
      await new Promise((resolve) => setTimeout(resolve, 20));
      return written;
    },
    delete: (key, options) => inner.delete(key, options),
    watch: (kind, onEvent, options) => inner.watch(kind, onEvent, options),
    close: () => inner.close(),
  };
}

test("an agent that has stopped looks at no shared memory any more, whoever still asks", async () => {
  await start("ready; sleep 60", undefined, { memories: await loadFlowMemories() });
  await create();
  await phaseOf("f.a.0", "Running");
  expect(agent.observe({ namespace: "default", name: "f" })?.tasks).toHaveLength(1);
  await agent.stop();
  expect(agent.observe({ namespace: "default", name: "f" })).toBeUndefined();
});

test("what was seen of a run is forgotten with its last task", async () => {
  await start("ready");
  await create();
  await phaseOf("f.a.0", "Succeeded");
  await until(() => memories.asked.includes("remove"));
  expect(agent.observe({ namespace: "default", name: "f" })?.tasks).toHaveLength(1);
  await store.delete({ kind: "FlowTask", namespace: "default", name: "f.a.0" });
  await create({ flowTasks: 2 });
  await phaseOf("f.a.0", "Pending");
  expect(agent.observe({ namespace: "default", name: "f" })).toBeUndefined();
});

test("the Host object says what the machine has", async () => {
  await start("exit 0");
  const host = await store.get<"Host">({ kind: "Host", namespace: "default", name: HOST });
  expect(host?.status).toMatchObject({ containment: "Keeper", provider: "none", devices: [] });
  expect(host?.status?.cores).toBeGreaterThanOrEqual(1);
  expect(host?.status?.shmBytes).toBeGreaterThan(0);
});
