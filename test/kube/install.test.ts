import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { parseAllDocuments, stringify } from "yaml";
import { type FlowProcess, gpuUuid, liveTasks, NODES, videoflow } from "../support/flow-process.js";
import { KubeCluster, until } from "../support/kube.js";
import { type KubePlace, kubePlace } from "../support/kube-place.js";
import { type KubeProxy, kubeProxy } from "../support/kube-proxy.js";

let cluster: KubeCluster;
let proxy: KubeProxy;
let at: KubePlace;
beforeAll(async () => {
  cluster = await KubeCluster.start();
  await cluster.kubectlOk(["create", "namespace", "videoflow-system"]);
  proxy = await kubeProxy(cluster, "recording");
  at = kubePlace(cluster);
});
afterAll(async () => {
  await at?.remove();
  await proxy?.close();
  await cluster?.stop();
});

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}
type RbacObject = {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly rules?: readonly Rule[];
};

/** An agent may read Secrets where a RoleBinding of this role says so. */
const ROLES: Readonly<Record<string, readonly string[]>> = { "videoflow-agent": ["videoflow-agent", "videoflow-agent-secrets"] };

/** `verb group/resource` that a service account may do, in a namespace where a Role says so. */
function allowed(account: string): Set<string> {
  const roles = ROLES[account] ?? [account];
  const objects = parseAllDocuments(readFileSync("manifests/install/rbac.yaml", "utf8")).map((parsed) => parsed.toJS() as RbacObject);
  return new Set(
    objects
      .filter(({ metadata, rules }) => roles.includes(metadata.name) && rules !== undefined)
      .flatMap(({ metadata, rules = [] }) =>
        rules.flatMap(({ apiGroups, resources, verbs }) =>
          apiGroups.flatMap((group) =>
            resources.flatMap((resource) => verbs.map((verb) => `${verb} ${group}/${resource}${where(metadata.namespace)}`)),
          ),
        ),
      ),
  );
}

const where = (namespace?: string) => (namespace === undefined ? "" : ` in ${namespace}`);

/** What the processes of an account have asked for, in the same words. */
function used(account: string): Set<string> {
  const own = proxy.recorded.filter(({ who }) => who === account || who.startsWith(`${account}/`));
  return new Set(
    own.map(
      ({ verb, group, resource, namespace }) =>
        `${verb} ${group}/${resource}${where(namespace === "videoflow-system" ? namespace : undefined)}`,
    ),
  );
}

test("kubectl takes the whole installation", async () => {
  const said = await cluster.kubectlOk(["apply", "--dry-run=server", "-k", "manifests/install"]);
  for (const object of [
    "deployment.apps/videoflow-controller",
    "daemonset.apps/videoflow-agent",
    "clusterrole.rbac.authorization.k8s.io/videoflow-agent",
  ])
    expect(said).toContain(object);
});

test("the Pods are told to run programs and options that there are", async () => {
  const images = ["controller", "agent"].map((name) =>
    parseAllDocuments(readFileSync(`manifests/install/${name}.yaml`, "utf8"))[0]?.toJS(),
  );
  const containers = images.map((object) => object.spec.template.spec.containers[0] as { command: string[]; args: string[] });
  expect(containers.map(({ command }) => command.at(-1))).toEqual(["dist/main/cli.js", "dist/main/pod.js"]);
  const help = readFileSync("docs/cli.md", "utf8");
  for (const { args } of containers) for (const option of args.filter((arg) => arg.startsWith("--"))) expect(help).toContain(option);
});

test("the image is built of files that are enough, and holds what the Pods start", () => {
  const folder = mkdtempSync(join(tmpdir(), "videoflow-image-"));
  try {
    const lines = readFileSync(".dockerignore", "utf8").split("\n");
    expect(lines.filter((line) => line === "*")).toHaveLength(1);
    for (const path of lines.filter((line) => line.startsWith("!")).map((line) => line.slice(1)))
      cpSync(path, join(folder, path), { recursive: true });
    symlinkSync(resolve("node_modules"), join(folder, "node_modules"));
    execFileSync(process.execPath, ["scripts/build.mjs"], { cwd: folder });
    const copied = [...readFileSync("manifests/install/Containerfile", "utf8").matchAll(/^COPY --from=build (.*) \S+$/gm)];
    const files = copied.flatMap(([, paths = ""]) => paths.split(" ").map((path) => path.replace("/app/", "")));
    expect(files).toEqual(expect.arrayContaining(["package.json", "node_modules", "dist", "python"]));
    for (const file of [...files, "dist/main/cli.js", "dist/main/pod.js"])
      expect([file, existsSync(join(folder, file))]).toEqual([file, true]);
    const version = execFileSync(process.execPath, ["dist/main/cli.js", "--version"], { cwd: folder, encoding: "utf8" });
    expect(version.trim()).toBe(JSON.parse(readFileSync("package.json", "utf8")).version);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

/** A question that an earlier agent began to answer. */
async function leaveQuestion(): Promise<void> {
  const metadata = { name: "left", labels: { "videoflow.io/host": "edge-1" } };
  const spec = { host: "edge-1", service: "Usage" };
  await cluster.kubectlOk(["apply", "-f", "-"], stringify({ apiVersion: "videoflow.io/v1alpha1", kind: "HostQuery", metadata, spec }));
  await at.kubectl("patch", "vhq", "left", "--subresource=status", "--type=merge", "-p", '{"status":{"page":1}}');
}

/** A host whose agent runs tasks and then says nothing more; its Lease runs out while others live their lives. */
async function silentHost(): Promise<FlowProcess> {
  const agent = await at.agent("edge-2");
  const nodes = [
    { name: "ticker", role: "Producer", component: `${NODES}#Ticker`, params: { everyMs: 500 } },
    { name: "sink", role: "Consumer", component: "VoidConsumer", inputs: ["ticker"] },
  ];
  const spec = { hostSelector: { "kubernetes.io/hostname": "edge-2" }, nodes };
  const flow = { apiVersion: "videoflow.io/v1alpha1", kind: "VideoFlow", metadata: { name: "silent" }, spec };
  await cluster.kubectlOk(["apply", "-f", "-"], stringify(flow));
  await at.reached(["Running"], "silent");
  process.kill(agent.child.pid as number, "SIGSTOP");
  return agent;
}

test("the rules allow what controller and agent do in their whole life, and nothing else", async () => {
  await leaveQuestion();
  const controller = at.controller(proxy.kubeconfig);
  const silent = await silentHost();
  const agent = await at.agent("edge-1", { gpus: [0], kubeconfig: proxy.kubeconfig });
  await cluster.kubectlOk(["create", "secret", "generic", "camera", "--from-literal=token=x"]);
  const env = [{ name: "TOKEN", valueFrom: { secretKeyRef: { name: "camera", key: "token" } } }];
  const nodes = (by: number, nbTasks: number) => [
    { name: "ticker", role: "Producer", component: `${NODES}#Ticker`, params: { everyMs: 20 } },
    { name: "wish", role: "Processor", component: `${NODES}#Wisher`, inputs: ["ticker"], nbTasks, deviceType: "GPU" },
    { name: "add", role: "Processor", component: `${NODES}#Adder`, inputs: ["wish"], params: { by }, env },
    { name: "sink", role: "Consumer", component: "FileAppender", inputs: ["add"], params: { path: at.place.path("out") } },
  ];
  const apply = (by: number, nbTasks: number) =>
    cluster.kubectlOk(
      ["apply", "-f", "-"],
      stringify({
        apiVersion: "videoflow.io/v1alpha1",
        kind: "VideoFlow",
        metadata: { name: at.place.flow },
        spec: { hostSelector: { "kubernetes.io/hostname": "edge-1" }, nodes: nodes(by, nbTasks) },
      }),
    );
  await apply(0, 2);
  await at.reached(["Running"]);
  await apply(1, 2); // A new template of one node.
  await until(
    async () => (await at.tasks()).some(({ spec, status }) => spec.node === "add" && status?.lastExit !== undefined),
    "the replacement",
  );
  await apply(1, 1); // One task and its claim less.
  await until(async () => (await at.tasks()).length === 4, "one task less");
  // Somebody asks; a task dies twice of the same, and the flow is paused twice: the same events again; a task is deleted by hand.
  const asked = await videoflow(["top", at.place.flow, "--kubeconfig", cluster.kubeconfig], { cwd: at.place.dir });
  expect([asked.code, asked.err]).toEqual([0, ""]);
  const ticker = async () => (await at.tasks()).find(({ spec }) => spec.node === "ticker");
  for (const restarts of [1, 2]) {
    process.kill((await ticker())?.status?.pid as number, "SIGKILL");
    await until(async () => {
      const { status } = (await ticker()) ?? {};
      return status?.phase === "Running" && status.restarts === restarts;
    }, `restart ${restarts}`);
  }
  for (const state of ["Paused", "Running", "Paused", "Running"]) {
    await at.kubectl("patch", "vf", at.place.flow, "--type=merge", "-p", JSON.stringify({ spec: { desiredState: state } }));
    await at.reached([state]);
  }
  await at.kubectl("delete", "ft", `${at.place.flow}.sink.0`, "--timeout=120s");
  for (const account of ["videoflow-agent", "videoflow-controller"])
    await until(() => used(account).has("update /events"), `${account} counts an event`);
  await until(() => used("videoflow-agent").has("update coordination.k8s.io/leases in videoflow-system"), "a heartbeat");
  const leads = "update coordination.k8s.io/leases in videoflow-system";
  await until(() => used("videoflow-controller").has(leads), "the leader renews");
  await at.kubectl("delete", "vf", at.place.flow, "--timeout=120s");
  expect(liveTasks(at.place.flow)).toEqual([]);
  await until(() => used("videoflow-controller").has("patch videoflow.io/flowtasks/status"), "the tasks of a silent host are said to be");
  process.kill(silent.child.pid as number, "SIGCONT");
  await at.kubectl("wait", "--for=condition=Reachable", "--timeout=120s", "vhost/edge-2");
  await at.kubectl("delete", "vf", "silent", "--timeout=120s");
  for (const process of [controller, agent]) process.signal("SIGTERM");
  await Promise.all([controller.ended, agent.ended]);
  for (const account of ["videoflow-controller", "videoflow-agent"]) {
    const [may, did] = [allowed(account), used(account)];
    expect({ account, forbidden: [...did].filter((what) => !may.has(what)) }).toEqual({ account, forbidden: [] });
    expect({ account, unused: [...may].filter((what) => !did.has(what)) }).toEqual({ account, unused: [] });
  }
});

test("an agent in a Pod that was granted two of four GPUs publishes these two", async () => {
  const env = { KUBERNETES_SERVICE_HOST: "10.0.0.1", NVIDIA_VISIBLE_DEVICES: `${gpuUuid(3)},${gpuUuid(1)}` };
  await at.agent("pod-1", { gpus: [0, 1, 2, 3], env });
  await at.agent("pod-2", { gpus: [0, 1, 2, 3], env: { ...env, NVIDIA_VISIBLE_DEVICES: "all" } });
  const uuids = async (host: string) =>
    JSON.parse(await at.kubectl("get", "vhost", host, "-o", "json")).status as { devices: { uuid: string }[]; providerMessage: string };
  expect((await uuids("pod-1")).devices.map(({ uuid }) => uuid)).toEqual([gpuUuid(3), gpuUuid(1)]);
  const all = await uuids("pod-2");
  expect([all.devices, all.providerMessage]).toEqual([[], expect.stringContaining("is no grant of kubelet")]);
});
