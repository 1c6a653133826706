import { readFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { identityOf } from "../../src/base/process-identity.js";
import { expectedArrivals, fileSink, readArrivals, writeChaosFlow } from "../support/chaos-flow.js";
import { liveTasks } from "../support/flow-process.js";
import { KubeCluster, until } from "../support/kube.js";
import { type KubePlace, kubePlace } from "../support/kube-place.js";

let cluster: KubeCluster;
let at: KubePlace;
beforeAll(async () => {
  cluster = await KubeCluster.start();
  await cluster.kubectlOk(["create", "namespace", "videoflow-system"]);
});
afterAll(() => cluster?.stop());
beforeEach(() => {
  at = kubePlace(cluster);
});
afterEach(async () => {
  await at.remove();
  // What a failed test leaves: nobody is there any more to let go of it.
  for (const kind of ["vf", "ft", "vdc", "vhost", "lease -n videoflow-system"]) {
    const args = kind.split(" ");
    const names = (await cluster.kubectl(["get", ...args, "-o", "name"])).stdout.split("\n").filter(Boolean);
    for (const name of names) {
      await cluster.kubectl(["patch", name, ...args.slice(1), "--type=merge", "-p", '{"metadata":{"finalizers":null}}']);
      await cluster.kubectl(["delete", name, ...args.slice(1), "--wait=false", "--ignore-not-found"]);
    }
  }
});

const identities = () => liveTasks(at.place.flow).map(({ pid }) => identityOf(pid));
/** Waits until the consumer has written so many lines. */
const arrived = (lines: number) => until(() => at.place.lines("lines").length >= lines, `${lines} messages at the consumer`);

/** Everything that the source gave has arrived, in order and once; it was told to end after `least` messages and may have given more. */
function expectAllArrived(least: number): void {
  const arrivals = readArrivals(at.place);
  const last = Number(arrivals.at(-1)?.text.split(" ")[0]);
  expect(last + 5).toBeGreaterThanOrEqual(least); // The last numbers may give nothing.
  expect(arrivals).toEqual(expectedArrivals(last + 1));
}

test("kubectl apply runs a flow on one of two hosts to its end, tells its story, and delete leaves nothing", async () => {
  at.controller();
  await at.agent("edge-1");
  await at.agent("edge-2");
  at.place.write("until", "60");
  await at.apply(writeChaosFlow(at.place, fileSink(at.place)));
  await at.kubectl("wait", "--for=condition=Ready", "--timeout=120s", `vf/${at.place.flow}`);
  await at.kubectl("wait", "--for=condition=Succeeded", "--timeout=120s", `vf/${at.place.flow}`);
  expect(readArrivals(at.place)).toEqual(expectedArrivals(60));
  const row = (await at.kubectl("get", "vf", at.place.flow, "--no-headers")).trim().split(/\s+/).slice(0, 5);
  expect(row).toEqual([at.place.flow, "Batch", "10/10", "Succeeded", "Completed"]);
  const hosts = new Set((await at.tasks()).map(({ spec }) => spec.host));
  expect([hosts.size, (await at.tasks()).every(({ status }) => status?.phase === "Succeeded")]).toEqual([1, true]);
  await at.kubectl("delete", "vf", at.place.flow, "--timeout=120s");
  expect(await at.kubectl("get", "ft,vdc", "-o", "name")).toBe("");
  expect(await at.leftovers()).toEqual([]);
});

test("a running flow is deleted within bounded time, with its processes and its memory", async () => {
  at.controller();
  await at.agent("edge-1");
  await at.apply(writeChaosFlow(at.place, fileSink(at.place)));
  await at.reached(["Running"]);
  await at.kubectl("delete", "vf", at.place.flow, "--timeout=120s");
  expect([await at.kubectl("get", "ft,vdc", "-o", "name"), liveTasks(at.place.flow)]).toEqual(["", []]);
  expect(await at.leftovers()).toEqual([]);
});

test("frames flow on while the API server is dead; when it is back, status catches up and nothing was made twice", async () => {
  at.deployment(); // A leader that hears nothing for 10 s ends, and is started again.
  await at.agent("edge-1");
  await at.apply(writeChaosFlow(at.place, fileSink(at.place)));
  await at.reached(["Running"]);
  await arrived(10);
  const before = { processes: identities(), uids: (await at.tasks()).map(({ metadata }) => metadata.uid) };
  await cluster.killApi();
  const lines = at.place.lines("lines").length;
  await arrived(lines + 60);
  await cluster.restartApi();
  expect(identities()).toEqual(before.processes);
  at.place.write("until", "250");
  const flow = await at.reached(["Succeeded", "Failed"]);
  expect(flow.status?.state).toBe("Succeeded");
  expect((await at.tasks()).map(({ metadata, status }) => [metadata.uid, status?.restarts])).toEqual(before.uids.map((uid) => [uid, 0]));
  expectAllArrived(250);
});

test("controller and agent are killed in the middle; their successors find the same processes", async () => {
  const controller = at.controller();
  const agent = await at.agent("edge-1");
  await at.apply(writeChaosFlow(at.place, fileSink(at.place)));
  await at.reached(["Running"]);
  await arrived(10);
  const before = identities();
  controller.signal("SIGKILL");
  agent.signal("SIGKILL");
  await Promise.all([controller.ended, agent.ended]);
  await arrived(at.place.lines("lines").length + 30);
  at.controller(); // Leads once the Lease of the dead one has run out.
  await at.agent("edge-1");
  expect(identities()).toEqual(before);
  at.place.write("until", "200");
  expect((await at.reached(["Succeeded", "Failed"])).status?.state).toBe("Succeeded");
  expect((await at.tasks()).map(({ status }) => status?.restarts)).toEqual(before.map(() => 0));
  expectAllArrived(200);
});

test("of two controllers one leads; when it is killed, the other takes over", async () => {
  const controllers = [at.controller(), at.controller()];
  const leaders = () => controllers.filter(({ output }) => output.includes(" leads"));
  await until(() => leaders().length === 1, "one leads");
  const holder = async () =>
    JSON.parse(await at.kubectl("get", "lease", "videoflow-controller", "-n", "videoflow-system", "-o", "json")).spec;
  const first = await holder();
  leaders()[0]?.signal("SIGKILL");
  await until(() => leaders().length === 2, "the other leads");
  const second = await holder();
  expect([second.holderIdentity === first.holderIdentity, second.leaseTransitions]).toEqual([false, first.leaseTransitions + 1]);
  await at.agent("edge-1");
  at.place.write("until", "20");
  await at.apply(writeChaosFlow(at.place, fileSink(at.place)));
  await at.reached(["Succeeded"]);
});

test("what only the validator can say shows as Accepted=False, with all problems", async () => {
  at.controller();
  const manifest = readFileSync("manifests/flows/01-count.yaml", "utf8").replace("inputs: [first]", "inputs: [second, frist]");
  await cluster.kubectlOk(
    ["apply", "-f", "-"],
    manifest.replace("inputs: [second, frist]", "inputs: [lines2]").replace("name: count", `name: ${at.place.flow}`),
  );
  await at.kubectl("wait", "--for=condition=Accepted=False", "--timeout=120s", `vf/${at.place.flow}`);
  const flow = await at.flow();
  const accepted = flow?.status?.conditions?.find(({ type }) => type === "Accepted");
  expect(accepted?.message).toMatch(/there is no node lines2.*Did you mean/s);
  expect(await at.tasks()).toEqual([]);
});
