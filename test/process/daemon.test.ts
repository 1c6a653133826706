import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { constants, userInfo } from "node:os";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { identityOf } from "../../src/base/process-identity.js";
import { AgentClient } from "../../src/store/socket/client.js";
import { expectedArrivals, fileSink, readArrivals, writeChaosFlow } from "../support/chaos-flow.js";
import { type DaemonPlace, endAfter, readSmall, smallArrivals, writeSmallFlow } from "../support/daemon.js";
import { eachWithDaemon } from "../support/each-with-daemon.js";
import { eventually, liveTasks, memoryOf, type Workplace } from "../support/flow-process.js";
import { atPace } from "../support/pace.js";
import { runs } from "../support/processes.js";

let place: Workplace;
let daemon: DaemonPlace;

eachWithDaemon((fresh) => {
  ({ place, daemon } = fresh);
});

const identities = () => liveTasks(place.flow).map(({ pid }) => identityOf(pid));
const restarts = async () => (await daemon.tasks()).map(({ status }) => status?.restarts);
const pause = (ms: number) => new Promise((resume) => setTimeout(resume, ms));
const nothingLeft = () =>
  eventually(
    () => `no leftovers, but ${place.leftovers()}`,
    () => place.leftovers().filter((file) => !file.startsWith(daemon.stateDir)).length === 0,
  );

/** @returns undefined if it is gone by now. */
function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** Lets the small flow end soon and checks what it wrote. */
async function finishSmall(): Promise<void> {
  const messages = (readSmall(place).at(-1) ?? 0) + 200; // More than can be in flight.
  endAfter(place, messages);
  expect((await daemon.reached("Succeeded", "Failed")).status).toMatchObject({ state: "Succeeded" });
  expect(readSmall(place)).toEqual(smallArrivals(messages));
}

async function startSmall(spec: object = {}): Promise<void> {
  await daemon.start();
  await daemon.apply(writeSmallFlow(place, spec));
  await daemon.reached("Running");
  await eventually("three tasks that have worked", () => readSmall(place).length > 0 && liveTasks(place.flow).length === 3);
}

test("P3: Keep: the tasks of a killed agent run on under the next one with pid, start time and restarts; no message is lost or repeated", async () => {
  await daemon.start();
  await daemon.apply(writeChaosFlow(place, fileSink(place)));
  await daemon.reached("Running");
  const before = identities();
  await daemon.killAgent();
  await pause(300);
  await daemon.start();
  await daemon.reached("Running");
  expect(identities()).toEqual(before);
  const messages = Number(readArrivals(place).at(-1)?.text.split(" ")[0] ?? 0) + 400; // More than can be in flight.
  endAfter(place, messages);
  expect((await daemon.reached("Succeeded", "Failed")).status).toMatchObject({ state: "Succeeded" });
  expect(await restarts()).toEqual(before.map(() => 0));
  expect(readArrivals(place)).toEqual(expectedArrivals(messages));
  await daemon.end();
  expect(daemon.agent.output).toContain("ended; no task was running");
  await nothingLeft();
});

test("an end in order leaves the tasks to the next agent and says so; a death meanwhile is made good, its code is told", async () => {
  await startSmall();
  await daemon.end();
  expect(daemon.agent.output).toContain("3 tasks run on");
  const [pick, sink, source] = liveTasks(place.flow);
  process.kill(pick?.pid as number, "SIGSEGV");
  await eventually("its end is written down", () => readdirSync(join(daemon.stateDir, "exits")).length === 1);
  await daemon.start();
  await eventually("another process", () => liveTasks(place.flow).length === 3);
  const told = await daemon.task("pick", ({ status }) => status?.restarts === 1 && status.phase === "Running");
  expect(told.status).toMatchObject({ lastExit: { signal: "SIGSEGV", reason: "Signalled" } });
  expect(identities().slice(1)).toEqual([sink, source].map((task) => identityOf(task?.pid as number)));
  await finishSmall();
  expect(readdirSync(join(daemon.stateDir, "exits"))).toEqual([]);
});

test("an agent of which some parts cannot be ended ends all others, tells of each and fails; its tasks wait for the next", async () => {
  await startSmall();
  const before = identities();
  const sockets = ["agent.sock", "metrics.sock"].map((name) => join(daemon.stateDir, name));
  for (const socket of sockets) {
    rmSync(socket);
    mkdirSync(socket);
  }
  expect(await daemon.end()).toMatchObject({ code: 1 });
  expect(daemon.agent.output).toMatch(/ended; 3 tasks run on.*\n.*AGENT_END: .*metrics\.sock.*; .*agent\.sock/);
  for (const socket of sockets) rmSync(socket, { recursive: true });
  await daemon.start();
  expect(identities()).toEqual(before);
  await finishSmall();
});

test("a keeper holds no file of its agent's store open", async () => {
  await daemon.start();
  const folder = `/proc/${daemon.keeperPid}/fd`;
  const held = readdirSync(folder).flatMap((fd) => linkTarget(join(folder, fd)) ?? []);
  expect(new Set(held.filter((path) => path.startsWith(daemon.stateDir)))).toEqual(new Set([join(daemon.stateDir, "keeper.log")]));
});

test("when only the keeper dies, the agent starts another, and the tasks go on where they were", async () => {
  await startSmall();
  const before = identities();
  process.kill(daemon.keeperPid, "SIGKILL");
  await eventually(
    "three other tasks",
    () => liveTasks(place.flow).length === 3 && identities().every((one) => !before.some((other) => other?.pid === one?.pid)),
  );
  await daemon.reached("Running");
  expect(before.map((one) => runs(one?.pid as number))).toEqual([false, false, false]);
  await finishSmall();
  expect(await restarts()).toEqual([1, 1, 1]);
});

test("when agent and keeper die at once, the next agent finds the memory and the tasks go on where they were", async () => {
  await startSmall();
  const before = liveTasks(place.flow);
  process.kill(daemon.keeperPid, "SIGKILL");
  await daemon.killAgent();
  await eventually("no task", () => before.every(({ pid }) => !runs(pid)));
  await daemon.start();
  await daemon.reached("Running");
  await finishSmall();
  expect(await restarts()).toEqual([1, 1, 1]);
});

test("P2: with Terminate nothing of the flow is left 2 s after the agent's SIGKILL; the next agent begins the run anew", async () => {
  await startSmall({ onAgentLoss: "Terminate" });
  const before = liveTasks(place.flow);
  const memory = memoryOf(before[0]?.pid as number) as string;
  const limitMs = atPace(2_000);
  await daemon.killAgent();
  await eventually("no task and no memory", () => before.every(({ pid }) => !runs(pid)) && !existsSync(memory), limitMs);
  await daemon.start();
  await eventually("three tasks again", () => liveTasks(place.flow).length === 3);
  endAfter(place, 30);
  expect((await daemon.reached("Succeeded", "Failed")).status).toMatchObject({ state: "Succeeded" });
});

test("a second agent on the same folder refuses with the pid of the first; the folder and its sockets are the user's alone", async () => {
  const first = await daemon.start();
  const second = await place.start(["agent", "--state-dir", daemon.stateDir]).ended;
  expect(second.code).not.toBe(0);
  expect(second.err).toContain(`another agent (pid ${first.child.pid}) runs on the state folder`);
  const mode = (name: string) => (statSync(join(daemon.stateDir, name)).mode & 0o777).toString(8);
  expect([".", "agent.sock", "keeper.sock", "keeper.json", "store", "records"].map(mode)).toEqual([
    "700",
    "600",
    "600",
    "600",
    "700",
    "700",
  ]);
});

test("the agent answers who it is, what a flow does and uses, and its logs, while it runs", async () => {
  await startSmall();
  const client = await AgentClient.connect(join(daemon.stateDir, "agent.sock"));
  const key = { namespace: "default", name: place.flow };
  expect(await client.services.about()).toMatchObject({
    pid: daemon.agent.child.pid,
    keeperPid: daemon.keeperPid,
    stateDir: daemon.stateDir,
  });
  expect(await client.services.snapshot(key)).toMatchObject({
    flow: place.flow,
    state: "Running",
    nodes: [{ name: "source" }, { name: "pick" }, { name: "sink" }],
  });
  const usage = await client.services.usage(key);
  expect(usage.tasks.map(({ node, pid, memoryBytes = 0 }) => [node, runs(pid ?? 0), memoryBytes > 2 ** 20])).toEqual([
    ["pick", true, true],
    ["sink", true, true],
    ["source", true, true],
  ]);
  expect((await client.services.explain(key)).decisions).toHaveLength(3);
  await client.close();
  expect(await daemon.cli("logs", `${place.flow}/source.0`, "--since", "1h", "--timestamps")).toMatch(
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z .+\n)*$/,
  );
});

test("a task that cuts its shared memory brings down who looks into it, not more: the next agent begins the run anew", async () => {
  await startSmall();
  const before = identities();
  const memory = memoryOf(liveTasks(place.flow)[0]?.pid ?? 0) ?? "";
  truncateSync(join(memory, "control"));
  expect(await daemon.agent.ended).toMatchObject({ code: 128 + constants.signals.SIGBUS });
  for (let starts = 1; ; starts += 1) {
    const { output } = await daemon.start(); // As a service manager does, until it answers.
    if (output.includes("answers on") || starts === 20) break;
  }
  await eventually(
    "other tasks",
    () => liveTasks(place.flow).length === 3 && !identities().some((one) => before.some((old) => old?.pid === one?.pid)),
  );
  await finishSmall();
  expect((await daemon.flow())?.status?.begunAgain).toBeDefined();
});

test("shared memory that dead owners left is removed by the next run; what lives or cannot be judged stays", async () => {
  const base = join(place.shm, `videoflow-${userInfo().uid}`);
  const owned = (name: string, owner: object) => {
    mkdirSync(join(base, name), { recursive: true });
    writeFileSync(join(base, name, "owner.json"), JSON.stringify(owner));
  };
  const boot = (await import("../../src/base/process-identity.js")).readBootId();
  const pidNamespace = (await import("../../src/agent/memory-owner.js")).pidNamespace();
  const dead = [{ bootId: boot, pid: 2 ** 22 - 1, startTime: "1" }];
  const self = [identityOf(process.pid)];
  owned("dead", { bootId: boot, pidNamespace, processes: dead });
  owned("other-boot", { bootId: "gone", pidNamespace, processes: self });
  owned("alive", { bootId: boot, pidNamespace, processes: self });
  owned("container", { bootId: boot, pidNamespace: "pid:[1]", processes: dead });
  owned("daemon", { bootId: "gone", pidNamespace, processes: dead, stateDir: place.dir });
  mkdirSync(join(base, "nobody"));
  endAfter(place, 5);
  expect((await place.run(writeSmallFlow(place)).ended).code).toBe(0);
  expect(readdirSync(base).toSorted()).toEqual(["alive", "container", "daemon", "nobody"]);
});

test("a folder of manifests: a file added, changed, broken, removed is a flow that runs, changes, stays, ends", async () => {
  const dir = join(place.dir, "manifests");
  mkdirSync(dir);
  await daemon.start(["--manifests", dir]);
  const manifest = readFileSync(writeSmallFlow(place), "utf8");
  const path = join(dir, "small.yaml");
  writeFileSync(path, manifest);
  await eventually("three tasks", () => liveTasks(place.flow).length === 3 && readSmall(place).length > 0);
  writeFileSync(path, "kind: VideoFlow\nspec: [");
  await eventually(
    "the file is refused",
    () => daemon.agent.output.includes("small.yaml: not applied") && daemon.agent.output.includes("stays as it is"),
  );
  expect(liveTasks(place.flow)).toHaveLength(3);
  writeFileSync(path, manifest.replace("spec:", "spec:\n  desiredState: Stopped"));
  await daemon.reached("Stopped");
  writeFileSync(path, manifest);
  await daemon.reached("Running");
  await daemon.remove();
  await eventually("it comes back", () => daemon.agent.output.match(/create flow/g)?.length === 2);
  await eventually("three tasks again", () => liveTasks(place.flow).length === 3);
  rmSync(path);
  await eventually("no task", () => liveTasks(place.flow).length === 0);
  for (let flow = await daemon.flow(); flow !== undefined; flow = await daemon.flow()) await pause(50);
});
