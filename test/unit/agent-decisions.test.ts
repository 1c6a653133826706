import { expect, test } from "@jest/globals";
import { assembleDataPlan } from "../../src/agent/data-plan.js";
import { taskEnvironment, wrongDeviceVariables } from "../../src/agent/environment.js";
import { describeExit, kindOfExit } from "../../src/agent/exit.js";
import { coresOfGroups, memoryOfGroups } from "../../src/agent/group-limits.js";
import { backoffMs, type Death, decideRestart } from "../../src/agent/restart.js";
import { aTask } from "../support/processes-agent.js";

const POLICY = { policy: "OnFailure", initialBackoffSeconds: 1, maxBackoffSeconds: 60, maxRestarts: 10, windowSeconds: 600 } as const;
const death = (atMs: number, more: Partial<Death> = {}): Death => ({ atMs, ranMs: 10, progressed: false, chance: 0.5, ...more });

test("a crash loop waits 0, 1, 2, 4 … 60 s", () => {
  expect([1, 2, 3, 4, 5, 8, 9, 20].map((inARow) => backoffMs(POLICY, inARow, 0.5) / 1000)).toEqual([0, 1, 2, 4, 8, 60, 60, 60]);
});

test("jitter stays within a tenth", () => {
  expect([0, 0.5, 0.999].map((chance) => Math.round(backoffMs(POLICY, 2, chance)))).toEqual([900, 1000, 1100]);
});

const restarts: { name: string; deaths: Death[]; expected: unknown }[] = [
  { name: "the first death", deaths: [death(0)], expected: { restart: "now" } },
  { name: "a death after 10 s of work", deaths: [death(0), death(1), death(2, { ranMs: 10_000 })], expected: { restart: "now" } },
  { name: "a death after a message was done", deaths: [death(0), death(1), death(2, { progressed: true })], expected: { restart: "now" } },
  {
    name: "the second death after a good run",
    deaths: [death(0), death(1), death(2, { progressed: true }), death(3)],
    expected: { restart: "later", atMs: 1003 },
  },
];
test.each(restarts)("after $name: $expected", ({ deaths, expected }) => {
  expect(decideRestart(POLICY, deaths, deaths.at(-1)?.atMs ?? 0)).toEqual(expected);
});

test("only deaths within the window count against the budget", () => {
  const old = Array.from({ length: 10 }, (_, index) => death(index));
  expect(decideRestart(POLICY, [...old, death(100)], 100)).toEqual({ restart: "never", reason: "RestartBudgetSpent" });
  expect(decideRestart(POLICY, [...old, death(700_000, { progressed: true })], 700_000)).toEqual({ restart: "now" });
});

test("a task that must not restart does not", () => {
  expect(decideRestart({ ...POLICY, policy: "Never" }, [death(0)], 0)).toEqual({ restart: "never", reason: "RestartPolicyNever" });
});

test("exit codes say whether a restart can help", () => {
  const kinds = [0, 78, 65, 1, null].map((code) => kindOfExit({ code, signal: null }, undefined));
  expect(kinds).toEqual(["finished", "hopeless", "hopeless", "crashed", "crashed"]);
  expect([kindOfExit({ code: 0, signal: null }, "StartupDeadline"), kindOfExit({ code: null, signal: "SIGKILL" }, "KeeperLost")]).toEqual([
    "crashed",
    "hopeless",
  ]);
});

test("a segmentation fault is explained", () => {
  expect(describeExit({ code: null, signal: "SIGSEGV" }, undefined, undefined, "").message).toMatch(/wrote into an input frame.*copy it/);
});

test("the data plan has one node per node and one edge per input, whatever the order of the tasks", () => {
  const input = { from: "a", cells: 8, keep: 1, releases: [] };
  const tasks = [
    aTask({ node: "b", index: 1, nbTasks: 2 }),
    aTask({ node: "b", nbTasks: 2, channels: { tasks: 2, capacity: 2, slots: 2, slotBytes: 9, inputs: [input] } }),
    aTask(),
  ];
  const plan = assembleDataPlan(tasks);
  expect(plan).toEqual({
    version: 1,
    flowType: "Batch",
    nodes: [
      { name: "a", tasks: 1, inputs: [], slots: 4, slotBytes: 64 },
      { name: "b", tasks: 2, inputs: ["a"], slots: 2, slotBytes: 9 },
    ],
    edges: [{ ...input, to: "b" }],
  });
  expect(assembleDataPlan([...tasks].reverse())).toEqual(plan);
});

test("reserved variables come from the agent alone", () => {
  const { spec } = aTask({
    env: [
      { name: "CUDA_VISIBLE_DEVICES", value: "3" },
      { name: "VF_KEEPER", value: "x" },
      { name: "A", value: "spec" },
      { name: "NODE_EXTRA_CA_CERTS", value: "wanted" },
    ],
  });
  const environment = taskEnvironment(
    spec,
    spec.env as { name: string; value: string }[],
    { A: "user", B: "user", VF_X: "1", HIP_VISIBLE_DEVICES: "0", NODE_EXTRA_CA_CERTS: "slow" },
    { CUDA_VISIBLE_DEVICES: "GPU-1" },
  );
  expect(environment).toEqual({
    A: "spec",
    B: "user",
    CUDA_VISIBLE_DEVICES: "GPU-1",
    NODE_EXTRA_CA_CERTS: "wanted",
    VF_FLOW_ID: "f",
    VF_FLOW_TYPE: "batch",
    VF_NB_TASKS: "1",
    VF_NODE_NAME: "a",
    VF_REPLICA_ID: "0",
    VF_RUN_ID: spec.run,
  });
});

test("a live environment must list exactly the claim", () => {
  const devices = { CUDA_VISIBLE_DEVICES: "GPU-1" };
  expect(wrongDeviceVariables(new Map([["CUDA_VISIBLE_DEVICES", "GPU-1"]]), devices)).toEqual([]);
  expect(
    wrongDeviceVariables(
      new Map([
        ["CUDA_VISIBLE_DEVICES", "0"],
        ["ROCR_VISIBLE_DEVICES", "0"],
      ]),
      devices,
    ),
  ).toEqual(["CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES"]);
  expect([wrongDeviceVariables(undefined, devices), wrongDeviceVariables(new Map(), devices)]).toEqual([[], []]);
});

const quotas: { name: string; files: Record<string, string>; cores: number }[] = [
  { name: "no control group", files: {}, cores: Number.POSITIVE_INFINITY },
  { name: "version 2 without a quota", files: { "/sys/fs/cgroup/a/cpu.max": "max 100000" }, cores: Number.POSITIVE_INFINITY },
  {
    name: "version 2, the tightest ancestor",
    files: { "/sys/fs/cgroup/a/b/cpu.max": "400000 100000", "/sys/fs/cgroup/a/cpu.max": "150000 100000" },
    cores: 1,
  },
  {
    name: "version 1",
    files: { "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "300000\n", "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n" },
    cores: 3,
  },
  {
    name: "version 1, one above",
    files: { "/sys/fs/cgroup/cpu/v1/cpu.cfs_quota_us": "250000\n", "/sys/fs/cgroup/cpu/v1/cpu.cfs_period_us": "100000\n" },
    cores: 2,
  },
  {
    name: "version 1 without a quota",
    files: { "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1", "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000" },
    cores: Number.POSITIVE_INFINITY,
  },
];
test.each(quotas)("cores of $name", ({ files, cores }) => {
  expect(coresOfGroups("12:cpuset:/x\n4:cpu,cpuacct:/v1/own\n0::/a/b\n", (path) => files[path] ?? "")).toBe(cores);
});

const limits: { name: string; files: Record<string, string>; bytes: number }[] = [
  { name: "no control group", files: {}, bytes: Number.POSITIVE_INFINITY },
  { name: "version 2 without a limit", files: { "/sys/fs/cgroup/a/memory.max": "max\n" }, bytes: Number.POSITIVE_INFINITY },
  {
    name: "version 2, its own",
    files: { "/sys/fs/cgroup/a/b/memory.max": "1000\n", "/sys/fs/cgroup/a/memory.max": "2000\n" },
    bytes: 1000,
  },
  {
    name: "version 2, one above",
    files: { "/sys/fs/cgroup/a/b/memory.max": "max\n", "/sys/fs/cgroup/a/memory.max": "2000\n" },
    bytes: 2000,
  },
  { name: "version 2 in a container", files: { "/sys/fs/cgroup/memory.max": "3000\n" }, bytes: 3000 },
  { name: "version 1, its own", files: { "/sys/fs/cgroup/memory/pod/own/memory.limit_in_bytes": "4000\n" }, bytes: 4000 },
  {
    name: "version 1, one above",
    files: {
      "/sys/fs/cgroup/memory/pod/own/memory.limit_in_bytes": "9223372036854771712\n",
      "/sys/fs/cgroup/memory/pod/memory.limit_in_bytes": "5000\n",
    },
    bytes: 5000,
  },
  { name: "version 1 in a container", files: { "/sys/fs/cgroup/memory/memory.limit_in_bytes": "6000\n" }, bytes: 6000 },
];
test.each(limits)("memory of $name", ({ files, bytes }) => {
  expect(memoryOfGroups("4:memory:/pod/own\n0::/a/b\n", (path) => files[path] ?? "")).toBe(bytes);
});
