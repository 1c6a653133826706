import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "@jest/globals";
import type { VideoFlow } from "../../src/api/kinds.js";
import type { OperatorError } from "../../src/base/errors.js";
import { Cache } from "../../src/controller/runtime/cache.js";
import type { KubernetesStore } from "../../src/store/kubernetes/kubernetes-store.js";
import { isLostRace } from "../../src/store/store.js";
import { aNewFlow } from "../support/builders.js";
import { KubeCluster, until } from "../support/kube.js";
import { type KubeProxy, kubeProxy } from "../support/kube-proxy.js";

let cluster: KubeCluster;
let proxy: KubeProxy;
/** Behind the proxy, and beside it. */
let store: KubernetesStore;
let direct: KubernetesStore;

beforeAll(async () => {
  cluster = await KubeCluster.start();
});
afterAll(() => cluster?.stop());
beforeEach(async () => {
  proxy = await kubeProxy(cluster, "faults");
  store = await cluster.store({ kubeconfig: proxy.kubeconfig });
  direct = await cluster.store();
  for (const flow of await direct.list("VideoFlow")) await direct.delete(keyOf(flow));
});
afterEach(async () => {
  await store.close();
  await direct.close();
  await proxy.close();
});

const keyOf = ({ metadata }: VideoFlow) => ({ kind: "VideoFlow", namespace: metadata.namespace, name: metadata.name }) as const;
const codeOf = (error: unknown) => (error as OperatorError).code;

/** What a watcher believes to be there. */
function believed(from: KubernetesStore) {
  const cache = new Cache<"VideoFlow">();
  const types: string[] = [];
  const stop = from.watch("VideoFlow", (event) => {
    types.push(`${event.type} ${event.object.metadata.name}`);
    cache.apply(event);
  });
  const view = () =>
    cache
      .values()
      .map(({ metadata }) => `${metadata.name} ${metadata.uid} ${metadata.resourceVersion}`)
      .toSorted();
  return { view, types, stop };
}

async function truth(): Promise<string[]> {
  return (await direct.list("VideoFlow")).map(({ metadata }) => `${metadata.name} ${metadata.uid} ${metadata.resourceVersion}`).toSorted();
}

/** Waits until the watcher believes what is. */
const agrees = (watcher: { view(): string[] }) =>
  until(async () => JSON.stringify(watcher.view()) === JSON.stringify(await truth()), "the watcher believes what is there");

/** Creates, changes and deletes flows. */
async function change(round: number): Promise<void> {
  const name = `f${round % 5}`;
  const flow = await direct.get({ kind: "VideoFlow", namespace: "default", name });
  if (flow === undefined) await direct.create(aNewFlow(name));
  else if (round % 3 === 0) await direct.delete(keyOf(flow));
  else await direct.updateStatus({ ...flow, status: { ready: String(round) } });
}

test("watches that are cut every half second lose nothing", async () => {
  const watcher = believed(store);
  proxy.cutEveryMs = 500;
  for (let round = 0; round < 60 || proxy.cuts <= 3; round += 1) {
    await change(round);
    await new Promise((resolve) => setTimeout(resolve, 80));
  }
  await agrees(watcher);
  expect(store.counts.reconnects).toBeGreaterThanOrEqual(proxy.cuts - 1);
});

test("a version that etcd has forgotten leads to a list, which emits the deletes that were missed", async () => {
  await direct.create(aNewFlow("gone"));
  await direct.create(aNewFlow("again"));
  await direct.create(aNewFlow("stays"));
  const watcher = believed(store);
  await agrees(watcher);
  Object.assign(proxy, { mute: true, cutEveryMs: 20 }); // Nothing gets through any more.
  await new Promise((resolve) => setTimeout(resolve, 200));
  await direct.delete({ kind: "VideoFlow", namespace: "default", name: "gone" });
  await direct.delete({ kind: "VideoFlow", namespace: "default", name: "again" });
  await direct.create(aNewFlow("again"));
  await cluster.compact();
  await cluster.killApi(); // Its watch cache remembers more than etcd does.
  await cluster.restartApi();
  watcher.types.length = 0;
  Object.assign(proxy, { mute: false, cutEveryMs: 0 });
  await agrees(watcher);
  expect(watcher.types.toSorted()).toEqual(["Added again", "Deleted again", "Deleted gone"]);
  expect([store.counts.relists, store.counts.found.Deleted]).toEqual([1, 2]);
});

test("a watch that falls silent is given up for a list", async () => {
  await store.close();
  store = await cluster.store({ kubeconfig: proxy.kubeconfig, deadManMs: 1_500 });
  await direct.create(aNewFlow("heard"));
  const watcher = believed(store);
  await until(() => watcher.view().length === 1, "the first list");
  await new Promise((resolve) => setTimeout(resolve, 300)); // The watch stands.
  proxy.mute = true;
  await direct.create(aNewFlow("unheard"));
  await until(() => watcher.view().length === 2, "a list finds what the watch did not tell");
  expect([store.counts.silent >= 1, store.counts.found.Added]).toEqual([true, 1]);
});

test("a request that the server is too busy for is sent again after the time it asks for", async () => {
  proxy.refuse = { status: 429, headers: { "retry-after": "1" } };
  const startMs = performance.now();
  const created = store.create(aNewFlow("busy"));
  await until(() => proxy.recorded.some(({ verb }) => verb === "create"), "the first attempt is refused");
  proxy.refuse = undefined;
  await created;
  expect([performance.now() - startMs >= 950, proxy.recorded.filter(({ verb }) => verb === "create").length]).toEqual([true, 2]);
});

test("a server that stays broken becomes an error that says so", async () => {
  proxy.refuse = { status: 503 };
  const error = await store.list("VideoFlow").catch((caught: unknown) => caught);
  expect([codeOf(error), (error as Error).message]).toEqual(["STORE_REFUSED", expect.stringContaining("503")]);
});

test("in a storm of conflicts every write is made once, and counted once", async () => {
  proxy.conflicts = 0.6;
  const flow = await direct.create(aNewFlow("storm"));
  const add = async () => {
    for (;;) {
      const known = await store.get(keyOf(flow));
      if (known === undefined) throw new Error("it is gone");
      try {
        await store.updateStatus({ ...known, status: { readyTasks: (known.status?.readyTasks ?? 0) + 1 } });
        return;
      } catch (error) {
        if (codeOf(error) !== "STORE_CONFLICT") throw error;
      }
    }
  };
  await Promise.all(
    Array.from({ length: 3 }, async () => {
      for (let times = 0; times < 5; times += 1) await add();
    }),
  );
  expect((await direct.get(keyOf(flow)))?.status?.readyTasks).toBe(15);
});

test("a dead server fails calls at once, and its return is noticed", async () => {
  await store.list("VideoFlow");
  await proxy.close();
  const code = await store.list("VideoFlow").catch(codeOf);
  const startMs = performance.now();
  await Promise.all(Array.from({ length: 50 }, () => store.list("VideoFlow").catch(codeOf)));
  expect([code, performance.now() - startMs < 9_000]).toEqual(["STORE_UNREACHABLE", true]);
});

test("what the server refuses comes with its words", async () => {
  const broken = aNewFlow("broken");
  const error = await store
    .create({ ...broken, spec: { ...broken.spec, nodes: broken.spec.nodes.slice(1) } })
    .catch((caught: unknown) => caught);
  expect([codeOf(error), (error as Error).message]).toEqual(["STORE_REFUSED", expect.stringContaining("the flow has no producer")]);
});

test("an object of a namespace that is not there is no race that somebody lost: what to make is told at once", async () => {
  const nowhere = { ...aNewFlow("f"), metadata: { name: "f", namespace: "nowhere" } };
  const lost = await direct.create<"VideoFlow">(nowhere).catch((error: OperatorError) => error);
  expect(lost).toMatchObject({ code: "NAMESPACE_NOT_FOUND", detail: { namespace: "nowhere" } });
  expect(isLostRace(lost)).toBe(false);
});

test("a cluster without our kinds says so, instead of being empty", async () => {
  const empty = await KubeCluster.start({ crds: false });
  try {
    const bare = await empty.store();
    expect(await bare.get({ kind: "VideoFlow", namespace: "default", name: "f" }).catch(codeOf)).toBe("STORE_REFUSED");
    await bare.close();
  } finally {
    await empty.stop();
  }
});
