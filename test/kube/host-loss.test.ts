import { readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { stringify } from "yaml";
import type { VideoFlow } from "../../src/api/kinds.js";
import { liveTasks, titleOf } from "../support/flow-process.js";
import { KubeCluster, until } from "../support/kube.js";
import { type KubePlace, kubePlace } from "../support/kube-place.js";
import { type KubeProxy, kubeProxy } from "../support/kube-proxy.js";

const NODES = resolve("test/fixtures/components/chaos.mjs");
/** Shorter than the time between two renewals of a host that fences nothing. */
const FENCE_SECONDS = 9;
/** Forty seconds without a Lease, and what the machine takes. */
const LOST_MS = 240_000;

let cluster: KubeCluster;
let at: KubePlace;
let proxy: KubeProxy;
let copies: { readonly seen: string[]; stop(): void } | undefined;
beforeAll(async () => {
  cluster = await KubeCluster.start();
  await cluster.kubectlOk(["create", "namespace", "videoflow-system"]);
  at = kubePlace(cluster);
  proxy = await kubeProxy(cluster, "edge-1");
});
afterAll(async () => {
  copies?.stop();
  await at?.remove();
  await proxy?.close();
  await cluster?.stop();
});

/** source → pick → sink; its lines are in a file of its name, and it ends when told to. */
function manifest(name: string, spec: object): string {
  const nodes = [
    { name: "source", role: "Producer", component: `${NODES}#Source`, params: { ms: 20, until: at.place.path(`until-${name}`) } },
    { name: "pick", role: "Processor", inputs: ["source"], component: `${NODES}#Pick`, params: { ms: 1 } },
    { name: "sink", role: "Consumer", inputs: ["pick"], component: "FileAppender", params: { path: at.place.path(`lines-${name}`) } },
  ];
  return stringify({ apiVersion: "videoflow.io/v1alpha1", kind: "VideoFlow", metadata: { name }, spec: { ...spec, nodes } });
}

const hostsOf = async (name: string) => new Set((await at.tasks(name)).map(({ spec }) => spec.host));
/** Tasks whose program runs: what waits behind its gate does nothing, and never will without a renewed Lease. */
const running = (name: string) => liveTasks(name).filter(({ pid }) => runs(titleOf(pid)));
const runs = (title: string) => title !== "" && !title.includes("videoflow-gate");
const pidsOf = (name: string) => running(name).map(({ pid }) => pid);
/** Shared memory of the runs that a host has, each with what tells one folder from another of the same name. */
const memories = (host: string) => {
  const shm = `${at.place.shm}/${host}`;
  const [own = ""] = readdirSync(shm); // That of the user.
  const folder = join(shm, own);
  return readdirSync(folder).map((name) => `${name} ${statSync(join(folder, name)).ino}`);
};
const lines = (name: string) => at.place.lines(`lines-${name}`).length;
const conditionOf = (flow: VideoFlow | undefined, type: string) => flow?.status?.conditions?.find((condition) => condition.type === type);

/** Looks all the time whether some task lives twice. */
function watchCopies(flows: readonly string[]): { readonly seen: string[]; stop(): void } {
  const seen: string[] = [];
  const look = () => {
    for (const name of flows) {
      const ids = running(name).map(({ node, index }) => `${name}.${node}.${index}`);
      seen.push(...ids.filter((id, position) => ids.indexOf(id) !== position));
    }
  };
  const timer = setInterval(look, 200);
  return { seen, stop: () => clearInterval(timer) };
}

test("a host that is cut off keeps what waits, fences what moves, has no copy when it is back, and clears what it had before it takes a new one; so does one whose agent froze", async () => {
  at.deployment();
  const name = (what: string) => `${at.place.flow}-${what}`;
  const [waits, moves, frozen] = [name("waits"), name("moves"), name("frozen")];
  const apply = async (flow: string, spec: object) => {
    await cluster.kubectlOk(["apply", "-f", "-"], manifest(flow, spec));
    await at.reached(["Running"], flow);
  };
  const move = { onHostLoss: "Move", fenceSeconds: FENCE_SECONDS };
  await at.agent("edge-1", { kubeconfig: proxy.kubeconfig });
  await apply(waits, {});
  await apply(moves, move);
  const second = await at.agent("edge-2");
  await apply(frozen, move);
  expect([await hostsOf(waits), await hostsOf(moves), await hostsOf(frozen)]).toEqual([
    new Set(["edge-1"]),
    new Set(["edge-1"]),
    new Set(["edge-2"]),
  ]);
  // Such a fence does no harm to a host that is well.
  const before = { waits: pidsOf(waits), moves: pidsOf(moves), frozen: pidsOf(frozen) };
  await new Promise((wait) => setTimeout(wait, FENCE_SECONDS * 1_200));
  expect([pidsOf(moves), pidsOf(frozen)]).toEqual([before.moves, before.frozen]);
  await at.agent("edge-3");

  copies = watchCopies([waits, moves, frozen]);
  proxy.swallow = true;
  process.kill(second.child.pid as number, "SIGSTOP");
  await until(() => pidsOf(moves).length + pidsOf(frozen).length === 0, "both keepers end what is fenced", LOST_MS);
  expect([await hostsOf(moves), await hostsOf(frozen)]).toEqual([new Set(["edge-1"]), new Set(["edge-2"])]);
  await until(async () => (await hostsOf(moves)).has("edge-3") && (await hostsOf(frozen)).has("edge-3"), "both flows move", LOST_MS);
  for (const flow of [moves, frozen]) {
    const moved = await at.reached(["Running"], flow);
    expect(conditionOf(moved, "Degraded")).toMatchObject({ status: "True", reason: "Restarted", message: expect.stringContaining("lost") });
  }
  const host = JSON.parse(await at.kubectl("get", "vhost", "edge-1", "-o", "json"));
  expect(host.status.conditions).toContainEqual(expect.objectContaining({ type: "Reachable", status: "Unknown" }));
  // What waits is nobody's business but its own: the same processes, and messages flow.
  const far = lines(waits);
  expect([pidsOf(waits), await hostsOf(waits)]).toEqual([before.waits, new Set(["edge-1"])]);
  await until(() => lines(waits) > far + 20, "messages flow on the host that nobody hears of");
  expect(conditionOf(await at.flow(waits), "Ready")).toMatchObject({ status: "Unknown", reason: "HostUnreachable" });

  const elsewhere = { moves: pidsOf(moves), frozen: pidsOf(frozen) };
  process.kill(second.child.pid as number, "SIGCONT");
  await at.kubectl("wait", "--for=condition=Reachable", "--timeout=120s", "vhost/edge-2");
  await until(() => memories("edge-2").length === 0, "the host that thawed removes what it had of the flow that left it");
  expect({ moves: pidsOf(moves), frozen: pidsOf(frozen) }).toEqual(elsewhere);

  // The other one is heard of before it hears: when it does, there is a copy of the flow in its own care that it knows nothing of.
  const schedule = (edge: string, schedulable: string) =>
    at.kubectl("patch", "vhost", edge, "--type=merge", "-p", `{"spec":{"schedulable":${schedulable}}}`);
  await schedule("edge-2", "false");
  await schedule("edge-3", '"Draining"');
  const left = memories("edge-1");
  expect(left).toHaveLength(2); // What waits has it in use; what moved left it behind.
  Object.assign(proxy, { deaf: true, swallow: false });
  await until(async () => (await hostsOf(moves)).has("edge-1") && (await hostsOf(frozen)).has("edge-1"), "both flows come", LOST_MS);
  expect([pidsOf(moves), memories("edge-1")]).toEqual([[], left]);
  Object.assign(proxy, { deaf: false, cutEveryMs: 500 }); // What was kept back is lost: only another list tells of it.
  for (const flow of [moves, frozen]) await until(async () => pidsOf(flow).length === 3, `${flow} runs on the host that is back`, LOST_MS);
  proxy.cutEveryMs = 0;
  await at.kubectl("wait", "--for=condition=Reachable", "--timeout=120s", "vhost/edge-1");
  await until(async () => conditionOf(await at.flow(waits), "Ready")?.status === "True", "what waited is ready again");
  expect(pidsOf(waits)).toEqual(before.waits);
  expect((await at.tasks(waits)).map(({ status }) => status?.restarts)).toEqual([0, 0, 0]);
  for (const flow of [moves, frozen]) {
    await at.reached(["Running"], flow);
    expect(await hostsOf(flow)).toEqual(new Set(["edge-1"]));
  }
  const now = memories("edge-1");
  expect([now.length, left.filter((memory) => now.includes(memory)).length]).toEqual([3, 1]); // The old one is gone, a new one is there.

  for (const flow of [waits, moves, frozen]) {
    await at.reached(["Running"], flow);
    at.place.write(`until-${flow}`, "1");
  }
  for (const flow of [waits, moves, frozen]) expect((await at.reached(["Succeeded", "Failed"], flow)).status?.state).toBe("Succeeded");
  copies.stop();
  expect(copies.seen).toEqual([]);
  for (const flow of [waits, moves, frozen]) await at.kubectl("delete", "vf", flow, "--timeout=120s");
  expect(await at.leftovers()).toEqual([]);
});
