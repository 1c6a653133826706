import { readFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { parseAllDocuments, stringify } from "yaml";
import { type FlowProcess, gpuUuid, NODES, videoflow } from "../support/flow-process.js";
import { KubeCluster, until } from "../support/kube.js";
import { type KubePlace, kubePlace } from "../support/kube-place.js";
import { kubeProxy } from "../support/kube-proxy.js";

/** One controller, one host with one GPU. */
let cluster: KubeCluster;
let at: KubePlace;
let agent: FlowProcess;
beforeAll(async () => {
  cluster = await KubeCluster.start();
  await cluster.kubectlOk(["create", "namespace", "videoflow-system"]);
  await cluster.kubectlOk(["create", "namespace", "other"]);
  at = kubePlace(cluster);
  at.deployment();
  agent = await at.agent("edge-1", { gpus: [0] });
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

const node = (name: string, component: string, rest: object) => ({ name, component, ...rest });
const ticker = node("ticker", `${NODES}#Ticker`, { role: "Producer", params: { everyMs: 20 } });
const sink = (input: string) => node("sink", `${NODES}#Collector`, { role: "Consumer", inputs: [input] });

async function apply(nodes: readonly object[], spec: object = {}, name = at.place.flow): Promise<void> {
  const flow = { apiVersion: "videoflow.io/v1alpha1", kind: "VideoFlow", metadata: { name }, spec: { ...spec, nodes } };
  await cluster.kubectlOk(["apply", "-f", "-"], stringify(flow));
}

/** The plugin, as `kubectl videoflow …` calls it: it knows the kubeconfig, and no host. */
const plugin = (...args: string[]) =>
  videoflow(args, { cwd: at.place.dir, env: { KUBECONFIG: cluster.kubeconfig, HOME: at.place.dir, XDG_STATE_HOME: at.place.dir } });

test("kubectl describe tells the story of a flow in Events: admitted, below its wish, running, a task that died, its end", async () => {
  const { flow } = at.place;
  await apply([
    ticker,
    node("wish", `${NODES}#Wisher`, { role: "Processor", inputs: ["ticker"], nbTasks: 2, deviceType: "GPU" }),
    sink("wish"),
  ]);
  await at.reached(["Running"]);
  const victim = (await at.tasks()).find(({ spec }) => spec.node === "ticker");
  process.kill(victim?.status?.pid as number, "SIGKILL");
  await until(async () => (await at.tasks()).some(({ status }) => status?.restarts === 1), "the task starts again");
  await at.kubectl("patch", "vf", flow, "--type=merge", "-p", '{"spec":{"desiredState":"Stopped"}}');
  await at.reached(["Stopped"]);
  const story = async (kind: string, name: string) => {
    const text = await at.kubectl("describe", kind, name);
    return text.slice(text.indexOf("\nEvents:"));
  };
  await until(async () => (await story("vf", flow)).includes("Stopped"), "the last event is written");
  const told = await story("vf", flow);
  for (const reason of ["Admitted", "CpuFallback", "Running", "Stopped"])
    expect(told).toMatch(new RegExp(` ${reason} .*videoflow-controller `));
  expect(await story("ft", `${flow}.ticker.0`)).toMatch(/Warning +(Restarted|BackOff)[\s\S]*SIGKILL[\s\S]*|SIGKILL[\s\S]*Restarted/);
  expect(await story("ft", `${flow}.ticker.0`)).toContain("videoflow-agent");
});

test("kubectl wait knows the conditions that GitOps tools read", async () => {
  const { flow } = at.place;
  await apply([ticker, sink("ticker")]);
  for (const condition of ["Accepted", "Admitted", "Ready", "Reconciling=False", "Stalled=False"])
    await at.kubectl("wait", `--for=condition=${condition}`, "--timeout=120s", `vf/${flow}`);
  await at.kubectl("wait", "--for=jsonpath={.status.state}=Running", "--timeout=120s", `vf/${flow}`);
  const { metadata, status } = (await at.flow()) ?? {};
  expect(status?.observedGeneration).toBe(metadata?.generation);
});

test("logs, top, explain and dead letters reach a laptop that reaches only the API server", async () => {
  const { flow } = at.place;
  await apply([
    ticker,
    node("picky", `${NODES}#Thrower`, { role: "Processor", inputs: ["ticker"], retries: 0, params: { at: [3] } }),
    node("talk", "CommandlineConsumer", { role: "Consumer", inputs: ["picky"] }),
  ]);
  await at.reached(["Running"]);
  await until(async () => (await plugin("logs", `${flow}/talk.0`)).out.includes("\n"), "the task has written something");
  const { code, out, err } = await plugin("logs", `${flow}/talk.0`, "--tail", "1");
  expect([code, err, out.trim().split("\n").length]).toEqual([0, "", 1]);
  const timed = await plugin("logs", `${flow}/talk.0`, "--since", "1h", "--tail", "2", "--timestamps");
  expect(timed.out).toMatch(/^(\d{4}-\d\d-\d\dT[\d:.]+Z .*\n){2}$/);
  const follower = at.place.start(["logs", `${flow}/talk.0`, "-f", "--tail", "1", "--kubeconfig", cluster.kubeconfig]);
  await until(() => follower.output.split("\n").length > 5, "what is written later");
  follower.signal("SIGINT");
  await follower.ended;

  const top = JSON.parse((await plugin("top", flow, "--json")).out) as {
    tasks: { task: string; memoryBytes: number }[];
    devices: object[];
  };
  expect(top.tasks.map(({ task }) => task).toSorted()).toEqual(["picky", "talk", "ticker"].map((name) => `${flow}.${name}.0`));
  expect([top.tasks.every(({ memoryBytes }) => memoryBytes > 0), top.devices]).toEqual([
    true,
    [expect.objectContaining({ uuid: gpuUuid(0) })],
  ]);
  expect((await plugin("explain", flow)).out).toMatch(/ticker[\s\S]*asks for no GPU/);
  const letters = JSON.parse((await plugin("deadletters", "list", flow, "--json")).out) as { id: string; node: string }[];
  expect(letters.map(({ node: of }) => of)).toEqual(["picky"]);
  expect((await plugin("deadletters", "show", letters[0]?.id ?? "", "--dir", flow)).out).toContain("node picky");
  // Another namespace hears nothing.
  expect((await plugin("logs", flow, "-n", "other")).out).toBe("");
  const stranger = { host: "edge-1", service: "Logs", flow, taken: 0 };
  const metadata = { name: "q", namespace: "other", labels: { "videoflow.io/host": "edge-1" } };
  await cluster.kubectlOk(
    ["apply", "-f", "-"],
    stringify({ apiVersion: "videoflow.io/v1alpha1", kind: "HostQuery", metadata, spec: stranger }),
  );
  await at.kubectl("wait", "-n", "other", "--for=jsonpath={.status.isLast}=true", "--timeout=120s", "vhq/q");
  expect(await at.kubectl("get", "vhq", "q", "-n", "other", "-o", "jsonpath={.status.items}{.status.problem}")).toMatch(
    /^\[\]no task of flow/,
  );
  await at.kubectl("delete", "vhq", "q", "-n", "other");
});

/** What a role of `manifests/install/rbac.yaml` lets people do: `verb resource`. */
function mayDo(role: string): string[] {
  const objects = parseAllDocuments(readFileSync("manifests/install/rbac.yaml", "utf8")).map((parsed) => parsed.toJS());
  const rules = objects.find(({ metadata }) => metadata.name === role).rules as { resources: string[]; verbs: string[] }[];
  return rules.flatMap(({ resources, verbs }) => resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}`)));
}

test("dead letters are retried from a laptop that reaches only the API server, once, whoever dies meanwhile, by who may change flows", async () => {
  const flow = `${at.place.flow}-again`;
  const numbers = node("numbers", "IntProducer", { role: "Producer", params: { end: 5 } });
  const picky = (component: string, params: object) =>
    node("picky", component, { role: "Processor", inputs: ["numbers"], retries: 0, params });
  const worker = (by: object) => [numbers, by, node("out", "VoidConsumer", { role: "Consumer", inputs: ["picky"] })];
  await apply(worker(picky(`${NODES}#Thrower`, { at: [1, 3] })), { flowType: "Batch" }, flow);
  await at.reached(["Succeeded"], flow);
  const letters = JSON.parse((await plugin("deadletters", "list", flow, "--json")).out) as { id: string }[];
  expect(letters).toHaveLength(2);
  const again = await plugin("deadletters", "retry", "--all", flow);
  expect([again.code, again.err]).toEqual([1, ""]);
  expect(again.out).toMatch(/picky\.1\.0: failed again: Error: no code for 1\n.*picky\.3\.0: failed again: Error: no code for 3\n/);

  // The corrected node works until it is told: the command and the agent die meanwhile, and the same command goes on.
  await apply(worker(picky(`${NODES}#Slow`, { ms: 100, until: at.place.path("go-on") })), { flowType: "Batch" }, flow);
  const proxy = await kubeProxy(cluster, "laptop");
  try {
    const command = ["deadletters", "retry", "picky.3.0", flow, "--kubeconfig", proxy.kubeconfig];
    const first = at.place.start(command);
    const retries = async () =>
      (await cluster.kubectlOk(["get", "vf", "-l", `videoflow.io/retry-of=${flow}`, "-o", "jsonpath={.items[*].metadata.uid}"])).trim();
    await until(
      async () => (await at.kubectl("get", "ft", "-o", "jsonpath={.items[*].status.phase}")).includes("Running"),
      "the retry runs",
    );
    const uid = await retries();
    first.signal("SIGKILL");
    await first.ended;
    agent.signal("SIGKILL");
    await agent.ended;
    agent = await at.agent("edge-1", { gpus: [0] });
    const second = at.place.start(command);
    await until(() => proxy.recorded.some(({ verb, resource }) => verb === "watch" && resource === "videoflows"), "it waits");
    expect(await retries()).toBe(uid);
    at.place.write("go-on", "");
    const { code, err, out } = await second.ended;
    expect([code, err]).toEqual([0, ""]);
    expect(out).toMatch(
      /picky\.3\.0: processed, 1 output\n +3\n +in host edge-1, dead letters of default\/.*-retry-.*\.picky\.3\.0\.output\.0\.json\n/,
    );
    await until(async () => (await retries()) === "", "the retry is gone"); // It goes when its tasks have.
    const did = new Set(proxy.recorded.filter(({ group }) => group === "videoflow.io").map(({ verb, resource }) => `${verb} ${resource}`));
    const [view, edit] = [mayDo("videoflow-view"), mayDo("videoflow-edit")];
    expect([...did].filter((what) => ![...view, ...edit].includes(what))).toEqual([]);
    expect([did.has("create videoflows"), view.includes("create videoflows")]).toEqual([true, false]);
  } finally {
    await proxy.close();
  }
  const removing = await plugin("deadletters", "retry", "--all", "--remove", flow);
  expect([removing.code, removing.err]).toEqual([
    2,
    expect.stringMatching(/lie on host edge-1.*retry without --remove.*dead-letters\/default/),
  ]);
});

test("who wrote what is on each object: the controller, the agent by its host, the user", async () => {
  await apply([ticker, sink("ticker")]);
  await at.reached(["Running"]);
  const managers = async (...object: string[]) => {
    const { metadata } = JSON.parse(await at.kubectl("get", ...object, "--show-managed-fields", "-o", "json"));
    const entries = metadata.managedFields as { manager: string; operation: string; subresource?: string }[];
    return entries.map(({ manager, operation, subresource }) => [manager, operation, subresource].filter(Boolean).join(" ")).toSorted();
  };
  expect(await managers("vf", at.place.flow)).toEqual([
    "kubectl-client-side-apply Update",
    "videoflow-controller Apply status",
    "videoflow-controller Update",
  ]);
  expect(await managers("ft", `${at.place.flow}.ticker.0`)).toEqual(["videoflow-agent/edge-1 Apply status", "videoflow-controller Update"]);
  expect(await managers("vhost", "edge-1")).toEqual([
    "videoflow-agent/edge-1 Apply status",
    "videoflow-agent/edge-1 Update",
    "videoflow-controller Apply status",
  ]);
});
