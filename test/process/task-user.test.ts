import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, symlinkSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { VideoFlow } from "../../src/api/kinds.js";
import { readLetters } from "../../src/base/dead-letters.js";
import type { SpawnRequest } from "../../src/base/keeper-protocol.js";
import { findSetpriv } from "../../src/keeper/gate.js";
import { openGate, spawnGated } from "../../src/keeper/task.js";
import { taskReach } from "../../src/main/task-reach.js";
import type { PlaceUse } from "../../src/rules/place-use.js";
import { fileSink } from "../support/chaos-flow.js";
import { type DaemonPlace, daemonPlace, endAfter, readSmall, smallArrivals } from "../support/daemon.js";
import {
  eventually,
  type LiveTask,
  liveTasks,
  memoryOf,
  NODES,
  videoflow,
  type Workplace,
  workplace,
  writeManifest,
} from "../support/flow-process.js";
import { runs } from "../support/processes.js";

/** Nobody on this machine has these numbers. */
const USER = { uid: 64_107, gid: 64_108 };
const AS_USER = ["--task-user", `${USER.uid}:${USER.gid}`];
const CHAOS = resolve("test/fixtures/components/chaos.mjs");
const PRISONER = resolve("test/fixtures/components/prisoner.mjs");
const TIMEOUT_MS = 180_000;

const ways = (path: string): string[] => (path === "/" ? ["/"] : [...ways(dirname(path)), path]);
const closed = ways(resolve(".")).find((folder) => (statSync(folder).mode & 0o001) === 0);
const why = process.getuid?.() !== 0 ? "this user is not root" : closed === undefined ? undefined : `${closed} is closed to other users`;
if (why !== undefined) process.stderr.write(`SKIPPED: tasks of another user: ${why}\n`);
const asRoot = why === undefined ? test : test.skip;

let place: Workplace;
let daemon: DaemonPlace;
beforeEach(() => {
  place = workplace();
  daemon = daemonPlace(place);
  for (const folder of [place.dir, place.path("tmp")]) chmodSync(folder, 0o777); // The tasks write their files there.
  chmodSync(place.shm, 0o755);
});
afterEach(async () => {
  await daemon.destroy();
  await place.remove();
});

/** The user, group and further groups of a process, real to file system. */
function rightsOf(pid: number): Record<string, string> {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const line = (name: string) => new RegExp(`^${name}:[ \\t]*(.*?)[ \\t]*$`, "m").exec(status)?.[1]?.replaceAll("\t", " ") ?? "";
  return { uid: line("Uid"), gid: line("Gid"), groups: line("Groups"), capabilities: line("CapEff") };
}

const four = (id: number) => Array.from({ length: 4 }, () => id).join(" ");
const DROPPED = { uid: four(USER.uid), gid: four(USER.gid), groups: "", capabilities: "0".repeat(16) };

const patient = {
  restart: { initialBackoffSeconds: 0, maxBackoffSeconds: 0.05, maxRestarts: 1_000_000 },
  retries: 1000,
  terminationGracePeriodSeconds: 2,
};

/** source → pick (two tasks) → a Python class → a file that tells how far it is after a death. */
function writeFlow(spec: object = {}): string {
  place.write("nodes.py", readFileSync("test/fixtures/python/nodes.py", "utf8"));
  chmodSync(place.path("nodes.py"), 0o644);
  return writeManifest(
    place,
    [
      { ...patient, name: "source", role: "Producer", component: `${CHAOS}#Source`, params: { ms: 5, until: place.path("until") } },
      { ...patient, name: "pick", role: "Processor", inputs: ["source"], component: `${CHAOS}#Pick`, params: { ms: 1 }, nbTasks: 2 },
      {
        ...{ ...patient, name: "same", role: "Processor", inputs: ["pick"] },
        ...{ component: "python:nodes:Doubler", params: { factor: 1 }, workingDir: place.dir },
      },
      { ...patient, name: "sink", role: "Consumer", inputs: ["same"], ...fileSink(place) },
    ],
    spec,
  );
}

const found = (node: string) => liveTasks(place.flow).find((task) => task.node === node);
const victim = (node: string): LiveTask => found(node) as LiveTask;

async function finish(): Promise<void> {
  const messages = (readSmall(place).at(-1) ?? 0) + 100;
  endAfter(place, messages);
  expect((await daemon.reached("Succeeded", "Failed")).status).toMatchObject({ state: "Succeeded" });
  expect(readSmall(place)).toEqual(smallArrivals(messages));
}

asRoot(
  "tasks run as the user that was named: a flow with replicas, a Python node and a file loses nothing over kills of tasks, keeper and agent",
  async () => {
    await daemon.start(AS_USER);
    await daemon.apply(writeFlow());
    await daemon.reached("Running");
    await eventually("messages", () => readSmall(place).length > 5);
    const tasks = liveTasks(place.flow);
    expect(tasks.map(({ node }) => node).filter((node) => node === "pick")).toHaveLength(2);
    expect(tasks.map(({ pid }) => rightsOf(pid))).toEqual(tasks.map(() => DROPPED));
    expect(statSync(place.path("lines"))).toMatchObject(USER);

    for (const node of ["pick", "same", "source", "sink"]) {
      const { pid } = victim(node);
      process.kill(pid, "SIGKILL");
      await eventually(`another ${node}`, () => ![undefined, pid].includes(found(node)?.pid));
      const seen = readSmall(place).length;
      await eventually(`messages behind another ${node}`, () => readSmall(place).length > seen + 5);
    }

    const kept = liveTasks(place.flow).map(({ pid }) => pid);
    await daemon.killAgent();
    const seen = readSmall(place).length;
    await eventually("messages without an agent", () => readSmall(place).length > seen + 5);
    await daemon.start(AS_USER);
    await daemon.reached("Running");
    expect(liveTasks(place.flow).map(({ pid }) => pid)).toEqual(kept);

    process.kill(daemon.keeperPid, "SIGKILL");
    await eventually("the end of all", () => !kept.some(runs));
    await daemon.reached("Running");
    const after = readSmall(place).length;
    await eventually("messages under another keeper", () => readSmall(place).length > after + 5);
    expect(rightsOf(victim("same").pid)).toEqual(DROPPED);
    await finish();

    await daemon.remove();
    await eventually("no memory and no launch files", () => {
      const memory = readdirSync(join(place.shm, "videoflow-0")).length;
      return memory === 0 && readdirSync(join(daemon.stateDir, "run")).length === 0;
    });
    await daemon.end();
    await eventually("no process", () => place.leftovers().length === 0);
  },
  TIMEOUT_MS,
);

asRoot(
  "replicas that are added, and memory that is made anew for other channels, are the tasks' too",
  async () => {
    await daemon.start(AS_USER);
    await daemon.apply(writeFlow());
    await daemon.reached("Running");
    await eventually("messages", () => readSmall(place).length > 5);
    const change = async (name: string, fields: object) => {
      const { metadata, ...flow } = (await daemon.flow()) as VideoFlow;
      const nodes = flow.spec.nodes.map((node) => (node.name === name ? { ...node, ...fields } : node));
      const changed = { ...flow, metadata: { name: metadata.name }, spec: { ...flow.spec, nodes } };
      const file = place.write("changed.json", JSON.stringify(changed));
      expect(await videoflow(["apply", "-f", file, "--state-dir", daemon.stateDir])).toMatchObject({ code: 0 });
    };
    await change("pick", { nbTasks: 4 });
    await eventually("two more", () => liveTasks(place.flow).filter(({ node }) => node === "pick").length === 4);
    const seen = readSmall(place).length;
    await eventually("messages of four", () => readSmall(place).length > seen + 20);
    const before = memoryOf(victim("sink").pid);
    await change("source", { buffer: { messages: 64 } });
    await eventually("other memory", () => {
      const sink = found("sink");
      return sink !== undefined && ![undefined, before].includes(memoryOf(sink.pid));
    });
    await finish();
  },
  TIMEOUT_MS,
);

asRoot(
  "a task of another user reads nothing of the agent's state, reaches neither socket, signals nobody of root, and puts nothing in its way",
  async () => {
    await daemon.start(AS_USER);
    const params = { stateDir: daemon.stateDir, agent: daemon.agent.child.pid, keeper: daemon.keeperPid };
    const nodes = [
      { name: "tick", role: "Producer", component: `${NODES}#Ticker`, params: { everyMs: 20 } },
      { name: "spy", role: "Processor", inputs: ["tick"], component: `${PRISONER}#Prisoner`, params },
      { name: "file", role: "Consumer", inputs: ["spy"], component: "FileAppender", params: { path: place.path("told") } },
    ];
    await daemon.apply(writeManifest(place, nodes));
    const [line] = await eventually("what it tells", () => place.lines("told").length > 0 && place.lines("told"));
    const { told, home } = (JSON.parse(line as string) as { payload: { told: Record<string, string>; home: string } }).payload;
    expect(Object.entries(told).filter(([, outcome]) => !["EACCES", "EPERM"].includes(outcome))).toEqual([]);
    expect([Object.keys(told).length, home]).toEqual([22, "/"]);
    expect(readlinkSync(`/proc/${victim("spy").pid}/exe`)).toBe(process.execPath);
  },
  TIMEOUT_MS,
);

asRoot(
  "inputs that cannot be processed go to a folder of the user, of which nothing is read that leads elsewhere",
  async () => {
    await daemon.start(AS_USER);
    place.write("nodes.py", readFileSync("test/fixtures/python/nodes.py", "utf8"));
    const python = (className: string, params: object) => ({ component: `python:nodes:${className}`, params, workingDir: place.dir });
    const nodes = [
      { name: "counter", role: "Producer", ...python("Counter", { count: 10 }) },
      { name: "work", role: "Processor", inputs: ["counter"], retries: 0, ...python("Picky", { refuse: 4 }) },
      { name: "file", role: "Consumer", inputs: ["work"], ...fileSink(place) },
    ];
    await daemon.apply(writeManifest(place, nodes));
    await daemon.reached("Succeeded");
    const folder = join(daemon.stateDir, "dead-letters", "default", place.flow);
    const [letter, ...others] = readLetters(folder);
    expect([letter?.node, others, statSync(folder).uid]).toEqual(["work", [], USER.uid]);
    symlinkSync("/etc/shadow", join(folder, "11111111-1.work.7.0.json"));
    expect(() => readLetters(folder)).toThrow("ELOOP");
  },
  TIMEOUT_MS,
);

asRoot(
  "a state folder, or a program, that the user cannot reach is told before anything starts",
  async () => {
    const shut = place.path("shut");
    mkdirSync(shut, { mode: 0o700 });
    const start = (...args: string[]) => place.start(["agent", "--shm", place.shm, ...args]).ended;
    const inShut = await start("--state-dir", join(shut, "state"), ...AS_USER);
    expect([inShut.code, inShut.err]).toEqual([expect.any(Number), expect.stringContaining(`${shut} is closed to user ${USER.uid}`)]);
    const stranger = await start("--state-dir", daemon.stateDir, "--task-user", "nobody-of-this-name");
    expect(stranger.err).toContain("AGENT_OPTION: --task-user: there is no user nobody-of-this-name on this machine");
    expect([stranger.code === 0, existsSync(daemon.stateDir)]).toEqual([false, false]);
  },
  TIMEOUT_MS,
);

asRoot(
  "an output that the user cannot write is told with path, user and fix before anything starts; opened, the flow starts by itself",
  async () => {
    const shut = place.path("shut");
    mkdirSync(shut, { mode: 0o755 });
    await daemon.start(AS_USER);
    const out = join(shut, "deeper/lines");
    const nodes = [
      { name: "tick", role: "Producer", component: `${NODES}#Ticker`, params: { everyMs: 20, count: 5 } },
      { name: "file", role: "Consumer", inputs: ["tick"], component: "FileAppender", params: { path: out } },
    ];
    await daemon.apply(writeManifest(place, nodes));
    const told = async () => (await daemon.flow())?.status?.conditions?.find(({ type }) => type === "Admitted");
    let admitted = await told();
    for (; admitted?.status !== "False"; admitted = await told()) await new Promise((resume) => setTimeout(resume, 50));
    expect(admitted).toMatchObject({ reason: "PathClosed" });
    expect(admitted.message).toMatch(
      new RegExp(`node file: params.path: user ${USER.uid}, as whom tasks run, may not write in ${shut}: let it \\(chown`),
    );
    expect([liveTasks(place.flow), existsSync(join(shut, "deeper"))]).toEqual([[], false]);
    chmodSync(shut, 0o777);
    expect((await daemon.reached("Succeeded", "Failed")).status).toMatchObject({ state: "Succeeded" });
    expect(readFileSync(out, "utf8").trimEnd().split("\n")).toHaveLength(5);
  },
  TIMEOUT_MS,
);

asRoot("what is closed to the user is found wherever it lies: a folder on the way, a file to be read or written over", async () => {
  const path = (name: string, mode: number, content?: string) => {
    const made = place.path(name);
    if (content === undefined) mkdirSync(made);
    else place.write(name, content);
    chmodSync(made, mode);
    return made;
  };
  const [open, locked] = [path("open", 0o777), path("locked", 0o700)];
  const [theirs, readable, secret] = [path("theirs", 0o666, ""), path("readable", 0o644, ""), path("secret", 0o600, "")];
  const cases: [PlaceUse["purpose"], string, string?][] = [
    ["make", open],
    ["make", join(locked, "below"), `x ${locked}`],
    ["make", place.path("readable"), `x ${readable}`],
    ["enter", locked, `x ${locked}`],
    ["read", readable],
    ["read", secret, `r ${secret}`],
    ["write", theirs],
    ["write", readable, `w ${readable}`],
    ["write", "/dev/null"],
  ];
  for (const program of [findSetpriv(), undefined]) {
    const reach = taskReach({ ...USER, name: "camera", groups: [], home: "/" }, program);
    for (const [purpose, of, expected] of cases) {
      const closedTo = await reach.closed([
        { path: "/", purpose: "enter" },
        { path: of, purpose },
      ]);
      expect([purpose, of, closedTo === undefined ? undefined : `${closedTo.at.mode} ${closedTo.at.path}`]).toEqual([
        purpose,
        of,
        expected,
      ]);
      if (closedTo !== undefined) expect(closedTo.use).toBe(1);
    }
  }
});

const setpriv = findSetpriv();
for (const [how, program] of [
  ["by setpriv", setpriv],
  ["without setpriv", undefined],
] as const) {
  asRoot(`a gate gives up all rights before it sees the environment of the task, ${how}`, async () => {
    const traces = place.path("traces");
    mkdirSync(traces);
    chmodSync(traces, 0o777);
    const groups = program === undefined ? [] : [20, 44];
    const env = {
      ...{ PATH: process.env["PATH"] ?? "", LD_DEBUG: "libs", LD_DEBUG_OUTPUT: join(traces, "of") },
      ...{ VF_NODE_NAME: "n", TEXT: "two\nlines of 'text' $(id)", UID: "7", "not.a.name": "x" },
    };
    const show = "process.stdout.write(JSON.stringify(process.env)); process.stderr.write('end'); setTimeout(() => {}, 60_000)";
    const request: SpawnRequest = {
      ...{ type: "spawn", id: "i.0", command: [process.execPath, "-e", show], env, cwd: "/" },
      ...{ logFile: place.path("log"), user: { ...USER, groups } },
    };
    const task = spawnGated(request, "k", program);
    try {
      await eventually("the gate", () => readFileSync(`/proc/${task.identity.pid}/cmdline`, "utf8").startsWith("/bin/sh"));
      const waiting = readFileSync(`/proc/${task.identity.pid}/environ`, "utf8").split("\0").filter(Boolean);
      expect(waiting.map((entry) => entry.split("=")[0]).sort()).toEqual(["PATH", "VF_INCARNATION", "VF_KEEPER", "VF_NODE_NAME"]);
      expect(readdirSync(traces)).toEqual([]);
      openGate(task, 0);
      await eventually("the program", () => readFileSync(place.path("log"), "utf8").endsWith("end"));
      const { "not.a.name": _dropped, UID: _shells, ...expected } = env;
      expect(JSON.parse(readFileSync(place.path("log"), "utf8").slice(0, -3))).toMatchObject({ ...expected, VF_INCARNATION: "i.0" });
      expect(rightsOf(task.identity.pid)).toEqual({ ...DROPPED, groups: groups.join(" ") });
      const owners = readdirSync(traces).map((name) => statSync(join(traces, name)).uid);
      expect([owners.length > 0, owners.filter((uid) => uid !== USER.uid)]).toEqual([true, []]);
      expect(statSync(place.path("log"))).toMatchObject(USER);
    } finally {
      task.child.kill("SIGKILL");
    }
  });
}
