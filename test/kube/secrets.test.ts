import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { parse, parseAllDocuments, stringify } from "yaml";
import { NODES } from "../support/flow-process.js";
import { KubeCluster, until } from "../support/kube.js";
import { type KubePlace, kubePlace } from "../support/kube-place.js";

const SECRET = "kube-S3cr3t-value";
let cluster: KubeCluster;
let at: KubePlace;
let root: string;
beforeAll(async () => {
  cluster = await KubeCluster.start();
  await cluster.kubectlOk(["create", "namespace", "videoflow-system"]);
  at = kubePlace(cluster);
  root = at.place.path("root");
  mkdirSync(root);
  writeFileSync(join(root, "secrets.mjs"), readFileSync("test/fixtures/components/secrets.mjs", "utf8"));
  at.place.install();
  at.controller();
  await at.agent("edge-1", { rules: ["--root", root, "--allow-root"] });
});
afterAll(async () => {
  const left = await at?.leftovers();
  await at?.remove();
  await cluster?.stop();
  expect(left).toEqual([]);
});

const apply = (object: object) => cluster.kubectlOk(["apply", "-f", "-"], stringify(object));
const aFlow = (name: string, work: object, path = `${name}.out`) => ({
  apiVersion: "videoflow.io/v1alpha1",
  kind: "VideoFlow",
  metadata: { name },
  spec: {
    nodes: [
      { name: "numbers", role: "Producer", component: "IntProducer", params: { end: 3 } },
      { name: "work", role: "Processor", inputs: ["numbers"], component: "Identity", ...work },
      { name: "sink", role: "Consumer", inputs: ["work"], component: "FileAppender", params: { path } },
    ],
  },
});
const admitted = async (name: string) => {
  const flow = await at.flow(name);
  const { status = "", reason = "", message = "" } = flow?.status?.conditions?.find(({ type }) => type === "Admitted") ?? {};
  return { state: flow?.status?.state, admitted: `${status} ${reason}`, message };
};
const isTold = (name: string, reason: string) => until(async () => (await admitted(name)).admitted.endsWith(reason), `${name}: ${reason}`);

test("a flow waits for its Secret and its key, then gets the value; no object, event or log has it", async () => {
  const token = { valueFrom: { secretKeyRef: { name: "camera", key: "token" } } };
  const proof = join(root, "proof");
  const params = { mode: "", proof, token, nested: { list: ["plain", token] } };
  await apply(aFlow("keys", { component: "./secrets.mjs#Keyhole", params, env: [{ name: "TOKEN", ...token }] }));
  await isTold("keys", "SecretMissing");
  expect(await admitted("keys")).toEqual({
    state: "Pending",
    admitted: "False SecretMissing",
    message: expect.stringContaining("host edge-1: node work: Secret default/camera: there is no such Secret"),
  });
  await cluster.kubectlOk(["create", "secret", "generic", "camera", "--from-literal=other=x"]);
  await until(
    async () => (await admitted("keys")).message.includes("there is no key token of Secret default/camera"),
    "the key is missing",
  );
  const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "camera" }, stringData: { token: SECRET } };
  await apply(secret);
  expect((await at.reached(["Succeeded", "Failed"], "keys")).status?.state).toBe("Succeeded");
  expect(readFileSync(join(root, "keys.out"), "utf8").split("\n")).toHaveLength(4);
  const hash = (await import("node:crypto")).createHash("sha256").update(SECRET).digest("hex");
  expect(JSON.parse(readFileSync(proof, "utf8").split("\n")[0] as string)).toEqual([hash, hash, hash]);
  const told = await at.kubectl("get", "vf,ft,vdc,vhost,events", "-A", "-o", "yaml");
  expect(told).toContain("secretKeyRef");
  expect(told + (await at.kubectl("describe", "vf,ft"))).not.toContain("S3cr3t");
});

test("by default an agent of a cluster runs built-ins and what lies below its root, and nothing as root", async () => {
  await apply(aFlow("foreign", { component: `${NODES}#Adder` }));
  await apply(aFlow("outside", {}, "../outside.out"));
  await isTold("foreign", "ComponentNotAllowed");
  await isTold("outside", "PathNotAllowed");
  expect((await admitted("foreign")).message).toContain(`it would with --allow-components builtin,root,${NODES}`);
  expect([(await admitted("foreign")).state, (await admitted("outside")).state]).toEqual(["Failed", "Failed"]);
  await until(async () => (await at.tasks("foreign")).length === 0, "nothing is left of what was refused");
  const flow = aFlow("unasked", {});
  if (process.getuid?.() !== 0) return; // The agent is no root: its tasks are none.
  await at.agent("edge-root", { rules: [] });
  await apply({ ...flow, spec: { ...flow.spec, hostSelector: { "kubernetes.io/hostname": "edge-root" } } });
  await isTold("unasked", "RootNotAllowed");
});

test("kubectl refuses a variable with two values or none, and a source with two places or none", async () => {
  const refused = async (env: object) => {
    const { code, stderr } = await cluster.kubectl(["apply", "--dry-run=server", "-f", "-"], stringify(aFlow("bad", { env: [env] })));
    return code === 0 ? "" : stderr;
  };
  const file = { file: "x" };
  const secretKeyRef = { name: "s", key: "k" };
  expect(await refused({ name: "A" })).toContain("needs either value or valueFrom");
  expect(await refused({ name: "A", value: "x", valueFrom: file })).toContain("needs either value or valueFrom");
  expect(await refused({ name: "A", valueFrom: {} })).toContain("needs either file or secretKeyRef");
  expect(await refused({ name: "A", valueFrom: { ...file, secretKeyRef } })).toContain("needs either file or secretKeyRef");
  expect(await refused({ name: "A", valueFrom: { secretKeyRef } })).toBe("");
});

test("an agent may read Secrets only where somebody lets it: the role is there, and bound to nobody", () => {
  const objects = parseAllDocuments(readFileSync(resolve("manifests/install/rbac.yaml"), "utf8")).map((parsed) => parsed.toJS());
  const role = objects.find(({ kind, metadata }) => kind === "ClusterRole" && metadata.name === "videoflow-agent-secrets");
  expect(role.rules).toEqual([{ apiGroups: [""], resources: ["secrets"], verbs: ["get"] }]);
  expect(objects.filter(({ roleRef }) => roleRef?.name === "videoflow-agent-secrets")).toEqual([]);
  const daemonSet = parse(readFileSync("manifests/install/agent.yaml", "utf8"));
  expect(daemonSet.spec.template.spec.containers[0].args).toEqual(expect.arrayContaining(["--root", "/srv/videoflow"]));
});
