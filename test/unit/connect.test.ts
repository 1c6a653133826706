import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { connect } from "../../src/main/connect.js";
import { KubernetesStore } from "../../src/store/kubernetes/kubernetes-store.js";

let folder: string;
const before = process.env["KUBECONFIG"];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "videoflow-connect-"));
  process.env["KUBECONFIG"] = join(folder, "config");
});
afterEach(() => {
  rmSync(folder, { recursive: true });
  if (before === undefined) delete process.env["KUBECONFIG"];
  else process.env["KUBECONFIG"] = before;
});

test("a kubeconfig that is not there, and a Pod that this is not, are told as such", async () => {
  const problem = (words: string) => expect.objectContaining({ code: "CLUSTER_UNKNOWN", message: expect.stringContaining(words) });
  const missing = join(folder, "nothing");
  await expect(connect({ kubeconfig: missing }, {}, "videoflow")).rejects.toEqual(problem(missing));
  await expect(KubernetesStore.fromKubeconfig({ inCluster: true }, { fieldManager: "test" })).rejects.toEqual(problem("no Pod"));
});

test("called by kubectl the cluster of kubectl is meant, unless a state folder is named", async () => {
  const context = { name: "c", context: { cluster: "c", user: "u", namespace: "cameras" } };
  const clusters = [{ name: "c", cluster: { server: "http://127.0.0.1:1" } }];
  const config = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": "c",
    contexts: [context],
    clusters,
    users: [{ name: "u", user: {} }],
  };
  writeFileSync(join(folder, "config"), JSON.stringify(config));
  const env = { VIDEOFLOW_STATE_DIR: folder };
  const connection = await connect({}, env, "/usr/local/bin/kubectl-videoflow");
  expect([connection.target, connection.namespace]).toEqual(["the cluster", "cameras"]);
  await connection.close();
  const nobody = expect.objectContaining({ code: "AGENT_UNREACHABLE" });
  await expect(connect({ stateDir: folder }, env, "/usr/local/bin/kubectl-videoflow")).rejects.toEqual(nobody);
  await expect(connect({}, env, "/usr/local/bin/videoflow")).rejects.toEqual(nobody);
});
