import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { stringify } from "yaml";
import type { VideoFlow } from "../../src/api/kinds.js";
import { chainNodes, type Step, TICKER } from "../support/chain.js";
import { eventually, gpuUuid, liveTasks, NODES, videoflow } from "../support/flow-process.js";
import { KubeCluster, until } from "../support/kube.js";
import { type KubePlace, kubePlace } from "../support/kube-place.js";

/** One controller and two hosts for all of it: edge-1 may grant three of its four GPUs, in the order of its own list; edge-2 has none. */
const GRANTABLE = [2, 0, 3].map(gpuUuid);
let cluster: KubeCluster;
let at: KubePlace;
beforeAll(async () => {
  cluster = await KubeCluster.start();
  await cluster.kubectlOk(["create", "namespace", "videoflow-system"]);
  at = kubePlace(cluster);
  at.controller();
  await at.agent("edge-1", { gpus: [0, 1, 2, 3], env: { CUDA_VISIBLE_DEVICES: `${gpuUuid(2)},0,3` } });
  await at.agent("edge-2");
});
afterAll(async () => {
  const left = await at?.leftovers();
  await at?.remove();
  await cluster?.stop();
  expect(left).toEqual([]);
});
afterEach(async () => {
  await cluster.kubectl(["delete", "vf", "--all", "--timeout=120s"]);
});

/** ticker -> … -> sink. */
const chainOf = (steps: readonly Step[], ticker?: object) => manifest(chainNodes(steps, ticker));

function manifest(nodes: readonly object[], spec: object = {}, name = at.place.flow): string {
  return stringify({ apiVersion: "videoflow.io/v1alpha1", kind: "VideoFlow", metadata: { name }, spec: { ...spec, nodes } });
}

const apply = (text: string) => cluster.kubectlOk(["apply", "-f", "-"], text);

/** Applies a flow and waits until its tasks live. @returns the devices that each task sees, by name of the task. */
async function devicesOf(text: string, expected: number): Promise<Map<string, string | undefined>> {
  await apply(text);
  const tasks = await eventually(`${expected} tasks`, () => {
    const live = liveTasks(at.place.flow);
    return live.length >= expected && live.every(({ env }) => env.has("CUDA_VISIBLE_DEVICES")) ? live : undefined;
  });
  await at.reached(["Running"]);
  return new Map(tasks.map(({ node, index, env }) => [`${node}.${index}`, env.get("CUDA_VISIBLE_DEVICES")]));
}

const conditionOf = (flow: VideoFlow | undefined, type: string) => flow?.status?.conditions?.find((condition) => condition.type === type);

test("allocation 1, 4, 8: nbTasks processes; more than cores is said with both numbers; who is on the CPU sees no GPU", async () => {
  const nbTasks = availableParallelism() + 1;
  const devices = await devicesOf(chainOf([{ component: "CpuOnly", name: "work", nbTasks }]), nbTasks + 2);
  expect([devices.size, new Set(devices.values())]).toEqual([nbTasks + 2, new Set(["-1"])]);
  expect((await at.flow())?.status?.warnings?.join()).toMatch(new RegExp(`${nbTasks}\\D+${availableParallelism()}\\D`));
});

test("allocation 2: a producer with two tasks is refused by the server", async () => {
  const { code, stderr } = await cluster.kubectl(["apply", "-f", "-"], chainOf([{ component: "CpuOnly", name: "work" }], { nbTasks: 2 }));
  expect([code, stderr]).toEqual([1, expect.stringContaining("a producer has exactly one task")]);
});

test("allocation 3: a node that keeps state gets one task, and its user is told", async () => {
  const devices = await devicesOf(chainOf([{ component: "Summer", name: "sum", nbTasks: 4 }]), 3);
  expect([...devices.keys()]).toEqual(["sink.0", "sum.0", "ticker.0"]);
  expect((await at.flow())?.status?.warnings?.join()).toMatch(/sum.*(one task|nbTasks)/i);
});

test("allocation 5, 6, 9, 10: needs before wishes, each GPU once, within the agent's own list and order, on the host that has them", async () => {
  const steps: Step[] = [
    { component: "Wisher", name: "wish", nbTasks: 3, gpu: true },
    { component: "GpuOnly", name: "need", gpu: true },
  ];
  const devices = await devicesOf(chainOf(steps), 6);
  expect(devices.get("need.0")).toBe(GRANTABLE[0]);
  expect(["wish.0", "wish.1", "wish.2"].map((name) => devices.get(name))).toEqual([GRANTABLE[1], GRANTABLE[2], "-1"]);
  expect((await at.flow())?.status?.devices).toMatch(/3.*4/);
  expect(conditionOf(await at.flow(), "Degraded")?.status).toBe("True");
  expect((await at.kubectl("get", "vdc", "--no-headers")).split("\n").filter((line) => line.includes("Allocated"))).toHaveLength(3);
  // Another flow finds none of them.
  await apply(
    manifest(
      JSON.parse(
        JSON.stringify([
          TICKER,
          { name: "needy", role: "Processor", component: `${NODES}#GpuOnly`, inputs: ["ticker"], device: { required: true } },
          { name: "sink", role: "Consumer", component: `${NODES}#Collector`, inputs: ["needy"] },
        ]),
      ),
      {},
      "waits",
    ),
  );
  await at.kubectl("wait", "--for=condition=Admitted=False", "--timeout=120s", "vf/waits");
  expect([(await at.tasks("waits")).length, (await at.flow("waits"))?.status?.state]).toEqual([0, "Pending"]);
  await at.kubectl("delete", "vf", at.place.flow, "--timeout=120s");
  await at.kubectl("wait", "--for=condition=Ready", "--timeout=120s", "vf/waits");
});

test("allocation 7: what no host could ever give fails before anything starts", async () => {
  const need = {
    name: "needy",
    role: "Processor",
    component: `${NODES}#GpuOnly`,
    inputs: ["ticker"],
    device: { required: true, count: 9 },
  };
  await apply(manifest([TICKER, need, { name: "sink", role: "Consumer", component: `${NODES}#Collector`, inputs: ["needy"] }]));
  await at.kubectl("wait", "--for=condition=Admitted=False", "--timeout=120s", `vf/${at.place.flow}`);
  expect(conditionOf(await at.flow(), "Admitted")?.message).toMatch(/9/);
  expect(await at.tasks()).toEqual([]);
});

test("params and nbTasks change while the flow runs; it pauses, resumes, ends, and runs again", async () => {
  const out = at.place.path("live");
  const nodes = (by: number, nbTasks: number) => [
    { ...TICKER, params: { everyMs: 10 } },
    { name: "add", role: "Processor", component: `${NODES}#Adder`, inputs: ["ticker"], params: { by }, nbTasks },
    { name: "file", role: "Consumer", component: "FileAppender", inputs: ["add"], params: { path: out } },
  ];
  const lines = () => at.place.lines("live").map((line) => JSON.parse(line) as { traceId: string; payload: number });
  const grown = (since = lines().length) => until(() => lines().length > since + 10, "messages arrive");
  await apply(manifest(nodes(0, 1)));
  await at.reached(["Running"]);
  await grown();
  const pidsOf = (node: string) =>
    liveTasks(at.place.flow)
      .filter((task) => task.node === node)
      .map(({ pid }) => pid);
  const others = [...pidsOf("ticker"), ...pidsOf("file")];
  await apply(manifest(nodes(100_000, 1)));
  await until(() => (lines().at(-1)?.payload ?? 0) >= 100_000, "the new params");
  expect([...pidsOf("ticker"), ...pidsOf("file")]).toEqual(others);
  const numbers = lines().map(({ traceId }) => Number(traceId.split(":")[1]));
  expect(numbers).toEqual(numbers.map((_, index) => index + 1));
  await apply(manifest(nodes(100_000, 2)));
  await until(
    async () => (await at.tasks()).filter(({ spec, status }) => spec.node === "add" && status?.phase === "Running").length === 2,
    "a second task",
  );
  await grown();

  const patch = (spec: object) => at.kubectl("patch", "vf", at.place.flow, "--type=merge", "-p", JSON.stringify({ spec }));
  await patch({ desiredState: "Paused" });
  await at.kubectl("wait", "--for=condition=Paused", "--timeout=120s", `vf/${at.place.flow}`);
  await at.kubectl("wait", "--for=condition=Drained", "--timeout=120s", `vf/${at.place.flow}`); // What was in flight has arrived.
  const paused = lines().length;
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  expect(lines().length).toBe(paused);
  await patch({ desiredState: "Running" });
  await grown(paused);
  await patch({ desiredState: "Stopped" });
  const ended = await at.reached(["Stopped", "Succeeded"]);
  await patch({ desiredState: "Running", run: (ended.status?.run ?? 1) + 1 });
  await at.reached(["Running"]);
  expect((await at.flow())?.status?.run).toBe((ended.status?.run ?? 1) + 1);
});

test("one flow file runs unchanged with run, with apply and with kubectl apply, and gives the same", async () => {
  const sample = readFileSync("manifests/flows/01-count.yaml", "utf8");
  const outputs: string[] = [];
  const file = at.place.write("count.yaml", sample.replace("numbers.jsonl", at.place.path("numbers.jsonl")));
  const take = () => {
    outputs.push(at.place.lines("numbers.jsonl").join("\n"));
    at.place.write("numbers.jsonl", "");
  };
  const { code, err } = await at.place.run(file, ["--quiet"]).ended;
  expect([code, err]).toEqual([0, ""]);
  take();
  const applied = await videoflow(["apply", "-f", file, "--kubeconfig", cluster.kubeconfig], { cwd: at.place.dir });
  expect([applied.code, applied.err]).toEqual([0, ""]);
  await at.kubectl("wait", "--for=condition=Succeeded", "--timeout=120s", "vf/count");
  take();
  await at.kubectl("delete", "vf", "count", "--timeout=120s");
  await at.apply(file);
  await at.kubectl("wait", "--for=condition=Succeeded", "--timeout=120s", "vf/count");
  take();
  expect(outputs[0]?.split("\n")).toHaveLength(100);
  const plain = outputs.map((text) => text.split("\n").map((line) => (JSON.parse(line) as { payload: unknown }).payload));
  expect([plain[1], plain[2]]).toEqual([plain[0], plain[0]]);
});
