import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { stringify } from "yaml";
import { type FlowProcess, livePids, liveTasks, NODES, titleOf } from "../support/flow-process.js";
import { execute, KubeCluster, until } from "../support/kube.js";
import { type KubePlace, kubePlace } from "../support/kube-place.js";

/** A PID namespace of its own is what a Pod gives its first process; making one needs root. */
const UNSHARE = ["--pid", "--fork", "--mount-proc", "--kill-child"];
const isPossible = spawnSync("unshare", [...UNSHARE, "true"]).status === 0;
if (!isPossible) process.stderr.write("SKIPPED: the keeper as first process of a PID namespace needs root and unshare\n");
const withNamespaces = isPossible ? test : test.skip;

let cluster: KubeCluster;
let at: KubePlace;
beforeAll(async () => {
  cluster = await KubeCluster.start();
  await cluster.kubectlOk(["create", "namespace", "videoflow-system"]);
  at = kubePlace(cluster);
  at.deployment();
});
afterAll(async () => {
  await at?.remove();
  await cluster?.stop();
});

const parentOf = (pid: number) => Number(/^PPid:\s*(\d+)/m.exec(statusOf(pid))?.[1]);
const isZombie = (pid: number) => /^State:\s*Z/m.test(statusOf(pid));
function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, "utf8");
  } catch {
    return ""; // It has ended.
  }
}

/** `pod.js` as a container's first process, with the arguments of the DaemonSet where this machine allows. */
function startPod(host: string): FlowProcess {
  const shm = `${at.place.shm}/${host}`;
  mkdirSync(shm, { recursive: true });
  const devices = at.place.write("no-devices.yaml", "[]");
  const args = ["--state-dir", at.place.path(`state-${host}`), "--kubeconfig", cluster.kubeconfig, "--host-name", host, "--shm", shm];
  const program = [
    "-e",
    "process.exitCode = require('child_process').spawnSync('unshare', process.argv.slice(1), { stdio: 'inherit' }).status",
  ];
  const rules = ["--root", "/", "--allow-root"];
  const command = [...UNSHARE, process.execPath, resolve("dist/main/pod.js"), ...args, "--devices", devices, ...rules];
  return at.place.start(["--", ...command], { program });
}

withNamespaces(
  "the first process of a Pod reaps orphans, starts its agent again without touching tasks, and ends all in order",
  async () => {
    const pod = startPod("busy");
    await until(() => pod.output.includes("answers on"), "the agent answers");
    const keeper = livePids().find(
      (pid) => titleOf(pid).startsWith("videoflow: keeper") && pod.child.pid === parentOf(parentOf(pid)),
    ) as number;
    expect(/^NSpid:\s+\d+\s+1$/m.test(statusOf(keeper))).toBe(true);
    const flow = {
      apiVersion: "videoflow.io/v1alpha1",
      kind: "VideoFlow",
      metadata: { name: at.place.flow },
      spec: {
        nodes: [
          { name: "ticker", role: "Producer", component: `${NODES}#Ticker`, params: { everyMs: 20 } },
          { name: "sink", role: "Consumer", component: `${NODES}#Collector`, inputs: ["ticker"] },
        ],
      },
    };
    await cluster.kubectlOk(["apply", "-f", "-"], stringify(flow));
    await at.reached(["Running"]);
    const tasks = liveTasks(at.place.flow).map(({ pid }) => pid);
    expect([tasks.length, tasks.every((pid) => parentOf(pid) === keeper)]).toEqual([2, true]);

    // A process that somebody leaves behind becomes a child of the first one, and no zombie.
    await execute("nsenter", ["--target", String(keeper), "--pid", "--mount", "sh", "-c", "(sleep 0.3 &)"]);
    const orphans = () => livePids().filter((pid) => parentOf(pid) === keeper && (isZombie(pid) || titleOf(pid).startsWith("sleep ")));
    await until(() => orphans().length === 0, "the orphan ends and is reaped");

    const agent = livePids().find((pid) => parentOf(pid) === keeper && titleOf(pid).includes(" agent ")) as number;
    process.kill(agent, "SIGKILL");
    await until(() => pod.output.split("answers on").length === 3, "the agent is started again");
    expect(liveTasks(at.place.flow).map(({ pid }) => pid)).toEqual(tasks);
    expect((await at.tasks()).map(({ status }) => status?.restarts)).toEqual([0, 0]);

    process.kill(keeper, "SIGTERM");
    expect((await pod.ended).code).toBe(0);
    expect(pod.output).toMatch(/ended; 2 tasks run on as long as the Pod does[\s\S]*the Pod ends: its tasks are asked to end/);
    expect([liveTasks(at.place.flow), livePids().filter((pid) => [agent, keeper].includes(pid))]).toEqual([[], []]);
  },
);

withNamespaces("the agent of a Pod without tasks ends in order, and the Pod behind it", async () => {
  const pod = startPod("idle"); // No flow was ever placed on this host.
  await until(() => pod.output.includes("answers on"), "the agent answers");
  const keeper = livePids().find(
    (pid) => titleOf(pid).startsWith("videoflow: keeper") && pod.child.pid === parentOf(parentOf(pid)),
  ) as number;
  process.kill(keeper, "SIGTERM");
  expect((await pod.ended).code).toBe(0);
  expect(pod.output).toContain("ended; no task was running");
});
