import { resolve } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { stringify } from "yaml";
import type { DeviceClaim } from "../../src/api/kinds.js";
import { identityOf } from "../../src/base/process-identity.js";
import { competingWriter } from "../support/competing-writer.js";
import { type FlowProcess, gpuUuid, liveTasks, NODES } from "../support/flow-process.js";
import { KubeCluster, until } from "../support/kube.js";
import { type KubePlace, kubePlace } from "../support/kube-place.js";
import { type KubeProxy, kubeProxy } from "../support/kube-proxy.js";

const CHAOS = resolve("test/fixtures/components/chaos.mjs");

let cluster: KubeCluster;
let at: KubePlace;
let proxy: KubeProxy;
beforeAll(async () => {
  cluster = await KubeCluster.start();
  await cluster.kubectlOk(["create", "namespace", "videoflow-system"]);
});
afterAll(() => cluster?.stop());
beforeEach(async () => {
  at = kubePlace(cluster);
  proxy = await kubeProxy(cluster, at.place.flow);
});
afterEach(async () => {
  await at.remove();
  await proxy.close();
  await cluster.kubectl(["delete", "lease", "videoflow-controller", "-n", "videoflow-system"]); // Nobody holds it any more.
});

const apply = (nodes: readonly object[], name = at.place.flow, spec: object = {}) =>
  cluster.kubectlOk(
    ["apply", "-f", "-"],
    stringify({ apiVersion: "videoflow.io/v1alpha1", kind: "VideoFlow", metadata: { name }, spec: { ...spec, nodes } }),
  );

/** source → pick → sink, with so many tasks of `pick`. */
const small = (nbTasks: number) => [
  { name: "source", role: "Producer", component: `${CHAOS}#Source`, params: { ms: 20, until: at.place.path("until") } },
  { name: "pick", role: "Processor", inputs: ["source"], component: `${CHAOS}#Pick`, params: { ms: 1 }, nbTasks },
  { name: "sink", role: "Consumer", inputs: ["pick"], component: "FileAppender", params: { path: at.place.path("lines") } },
];
const numbers = () => at.place.lines("lines").map((line) => (JSON.parse(line) as { payload: number }).payload);

test("messages flow on through cut watches, a storm of conflicts and a compaction; what was asked meanwhile is done, once", async () => {
  at.deployment(proxy.kubeconfig); // A leader that hears nothing for 10 s ends, and is started again.
  await at.agent("edge-1", { kubeconfig: proxy.kubeconfig });
  await apply(small(1));
  await at.reached(["Running"]);
  await until(() => numbers().length > 5, "messages arrive");
  const lasting = async () =>
    (await at.tasks())
      .filter(({ spec }) => spec.index === 0)
      .map(({ metadata, status }) => [metadata.uid, status?.restarts, identityOf(status?.pid ?? 0)]);
  const before = await lasting();
  const picks = async () => (await at.tasks()).filter(({ spec, status }) => spec.node === "pick" && status?.phase === "Running").length;

  Object.assign(proxy, { cutEveryMs: 1_000, conflicts: 0.5 });
  for (let wanted = 2; proxy.cuts < 30 || wanted === 1; wanted = 3 - wanted) {
    await apply(small(wanted));
    await until(async () => (await at.tasks()).length === wanted + 2 && (await picks()) === wanted, `${wanted} tasks of pick`);
  }
  Object.assign(proxy, { cutEveryMs: 0, conflicts: 0 });
  expect(await lasting()).toEqual(before);

  // What happens while nobody hears it, and is forgotten: watches from before get 410.
  proxy.swallow = true;
  await apply(small(2));
  await cluster.compact();
  await cluster.killApi(); // Its watch cache remembers more than etcd does.
  const far = numbers().length;
  await until(() => numbers().length > far + 30, "messages flow on");
  await cluster.restartApi();
  proxy.swallow = false;
  await until(async () => (await picks()) === 2, "the second task of pick");
  expect(await lasting()).toEqual(before);
  at.place.write("until", "1");
  expect((await at.reached(["Succeeded", "Failed"])).status?.state).toBe("Succeeded");
  const last = numbers().at(-1) ?? 0;
  expect(numbers()).toEqual(Array.from({ length: last + 1 }, (_, number) => number).filter((number) => number % 5 !== 3));
  await at.kubectl("delete", "vf", at.place.flow, "--timeout=120s");
  expect(await at.leftovers()).toEqual([]);
});

/** What the server has answered so far to writes of our kinds that came too late. */
async function conflicts(): Promise<number> {
  const text = await cluster.kubectlOk(["get", "--raw", "/metrics"]);
  const lines = text.split("\n").filter((line) => line.startsWith("apiserver_request_total{") && /code="409"/.test(line));
  return lines.filter((line) => line.includes('group="videoflow.io"')).reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

/** Text of a controller's `/metrics`, and one of its samples. */
async function scrape({ output }: FlowProcess): Promise<(sample: string) => number | undefined> {
  const port = /metrics on port (\d+)/.exec(output)?.[1];
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
  expect([answer.status, answer.headers.get("content-type")]).toEqual([200, expect.stringContaining("version=0.0.4")]);
  const samples = new Map(
    (await answer.text()).split("\n").map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.split(" ").at(-1))]),
  );
  return (sample) => samples.get(sample);
}

test("beside somebody who writes to the same objects all the time nothing is lost and nothing is made twice", async () => {
  const controller = at.controller(cluster.kubeconfig, "--metrics", "127.0.0.1:0");
  await at.agent("edge-1", { gpus: [0, 1] });
  const nodes = (nbTasks: number) => small(nbTasks).map((node) => (node.name === "pick" ? { ...node, deviceType: "GPU" } : node));
  const store = await cluster.store();
  const made: string[] = [];
  const unwatch = (["FlowTask", "DeviceClaim"] as const).map((kind) =>
    store.watch(kind, ({ type, object }) => type === "Added" && made.push(`${kind} ${object.metadata.name}`)),
  );
  const before = await conflicts();
  let rounds = 0; // Until they have really met.
  const competitor = competingWriter(cluster);
  try {
    await apply(nodes(1));
    await at.reached(["Running"]);
    await until(() => numbers().length > 5, "messages arrive");
    const lasting = async () =>
      (await at.tasks())
        .filter(({ spec }) => spec.index === 0)
        .map(({ metadata, status }) => [metadata.uid, status?.restarts, status?.pid]);
    const first = await lasting();
    const picks = async () => (await at.tasks()).filter(({ spec, status }) => spec.node === "pick" && status?.phase === "Running").length;
    for (let wanted = 2; rounds < 3 || wanted === 1 || (await conflicts()) - before <= 10; wanted = 3 - wanted) {
      await apply(nodes(wanted));
      await until(async () => (await at.tasks()).length === wanted + 2 && (await picks()) === wanted, `${wanted} tasks of pick`);
      rounds += 1;
    }
    expect(await lasting()).toEqual(first);
    at.place.write("until", "1");
    expect((await at.reached(["Succeeded", "Failed"])).status?.state).toBe("Succeeded");
    const last = numbers().at(-1) ?? 0;
    expect(numbers()).toEqual(Array.from({ length: last + 1 }, (_, number) => number).filter((number) => number % 5 !== 3));
    await at.kubectl("delete", "vf", at.place.flow, "--timeout=120s");
  } finally {
    await competitor.stop();
    for (const end of unwatch) end();
    await store.close();
  }
  const name = (node: string, index: number) => `${at.place.flow}.${node}.${index}`;
  const again = Array.from({ length: (rounds + 1) / 2 }, () => name("pick", 1)); // It was asked for in every other round.
  const tasks = [name("source", 0), name("sink", 0), name("pick", 0), ...again].map((task) => `FlowTask ${task}`);
  const claims = [name("pick", 0), ...again].map((claim) => `DeviceClaim ${claim}`);
  expect(made.toSorted()).toEqual([...tasks, ...claims].toSorted());

  const sample = await scrape(controller);
  expect(sample('leader_election_master_status{name="videoflow-controller"}')).toBe(1);
  for (const told of [
    'controller_runtime_reconcile_total{controller="videoflow",result="success"}',
    'workqueue_adds_total{name="videoflow"}',
    'rest_client_requests_total{method="POST",code="201"}',
    "rest_client_request_duration_seconds_count",
    "nodejs_eventloop_lag_p99_seconds",
    "process_resident_memory_bytes",
  ])
    expect([told, sample(told)]).toEqual([told, expect.any(Number)]);
  expect([sample('workqueue_depth{name="videoflow"}'), sample('videoflow_watch_relist_found_total{type="Deleted"}')]).toEqual([0, 0]);
  expect(await at.leftovers()).toEqual([]);
});

test("a controller that is killed between any two writes of an admission leaves a flow that its successor completes, making nothing twice", async () => {
  const nodes = [
    { name: "ticker", role: "Producer", component: `${NODES}#Ticker`, params: { everyMs: 50 } },
    { name: "wish", role: "Processor", component: `${NODES}#Wisher`, inputs: ["ticker"], nbTasks: 2, deviceType: "GPU" },
    { name: "sink", role: "Consumer", component: `${NODES}#Collector`, inputs: ["wish"] },
  ];
  await at.agent("edge-1", { gpus: [0, 1] });
  let controller = at.controller(proxy.kubeconfig);
  const children = async (name: string) => [
    ...(await at.tasks(name)),
    ...(JSON.parse(await at.kubectl("get", "vdc", "-o", "json")).items as DeviceClaim[]).filter(({ spec }) => spec.flow === name),
  ];
  let writes = 0;
  for (; ; writes += 1) {
    const name = `${at.place.flow}-${writes}`;
    Object.assign(proxy, { writesLeft: writes, held: 0 });
    await apply(nodes, name);
    let isRunning = false;
    await until(async () => {
      isRunning = (await at.flow(name))?.status?.state === "Running";
      return isRunning || proxy.held > 0;
    }, "the controller gets so far");
    const before = await children(name);
    if (!isRunning || (await at.flow(name))?.status?.readyTasks !== 4) {
      expect(before.length === 6 || liveTasks(name).length === 0).toBe(true); // All or nothing.
    }
    controller.signal("SIGKILL");
    await controller.ended;
    proxy.writesLeft = Number.POSITIVE_INFINITY;
    await cluster.kubectlOk(["delete", "lease", "videoflow-controller", "-n", "videoflow-system"]); // It would run out in 15 s.
    controller = at.controller(proxy.kubeconfig);
    let after: Awaited<ReturnType<typeof children>> = [];
    await until(async () => {
      after = await children(name);
      return after.length === 6 && after.every(({ kind, status }) => kind === "FlowTask" || status?.allocation !== undefined);
    }, `all children after ${writes} writes`);
    const uids = new Map(after.map(({ kind, metadata }) => [`${kind} ${metadata.name}`, metadata.uid]));
    expect(before.filter(({ kind, metadata }) => uids.get(`${kind} ${metadata.name}`) !== metadata.uid)).toEqual([]);
    const granted = after.flatMap((child) => (child.kind === "DeviceClaim" ? (child.status?.allocation?.devices ?? []) : []));
    expect(granted.toSorted()).toEqual([gpuUuid(0), gpuUuid(1)]);
    await at.kubectl("delete", "vf", name, "--timeout=120s");
    if (isRunning) break;
  }
  expect(writes).toBeGreaterThan(9); // A finalizer, two claims twice, four tasks, and what is said of it.
  expect(await at.leftovers()).toEqual([]);
});
