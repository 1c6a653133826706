/** What every store promises: run it against each implementation. */
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { API_VERSION, type EventRecord, type Lease, microTime, type NewResource } from "../../src/api/kinds.js";
import type { OperatorError } from "../../src/base/errors.js";
import type { ObjectKey, Store, WatchEvent } from "../../src/store/store.js";
import { aFlowSpec, aNewFlow } from "./builders.js";
import { newTask } from "./processes-agent.js";

/** Gives a fresh, empty store for each test; the suite closes it. */
export type OpenStore = () => Promise<Store>;

const key = (name: string): ObjectKey<"VideoFlow"> => ({ kind: "VideoFlow", namespace: "default", name });
const codeOf = (error: unknown) => (error as OperatorError).code;
const named = (event: WatchEvent) => `${event.type} ${event.object.metadata.name}`;

function aClaim(name: string, uid: string): NewResource<"DeviceClaim"> {
  const ownerReferences = [{ apiVersion: API_VERSION, kind: "VideoFlow", name: "f", uid }];
  const spec = { flow: "f", run: "r", node: "n", index: 0, required: false, count: 1, sharing: "Exclusive" as const };
  return { apiVersion: API_VERSION, kind: "DeviceClaim", metadata: { name, namespace: "default", ownerReferences }, spec };
}

function aTaskOn(name: string, host: string): NewResource<"FlowTask"> {
  const task = newTask({ host });
  return { ...task, metadata: { ...task.metadata, name } };
}

function anEvent(name: string): NewResource<"Event"> {
  return {
    apiVersion: "v1",
    kind: "Event",
    metadata: { name, namespace: "default" },
    involvedObject: { apiVersion: API_VERSION, kind: "VideoFlow", namespace: "default", name: "f", uid: "u" },
    type: "Warning",
    reason: "TaskFailed",
    message: "task f.n.0 ended with code 1",
    count: 1,
    firstTimestamp: "2026-01-02T03:04:05Z",
    lastTimestamp: "2026-01-02T03:04:05Z",
    source: { component: "videoflow-agent", host: "edge-1" },
    reportingComponent: "videoflow-agent",
  };
}

function aLease(name: string, wallMs: number): NewResource<"Lease"> {
  const [acquireTime, renewTime] = [microTime(0), microTime(wallMs)];
  const spec = { holderIdentity: "edge-1", leaseDurationSeconds: 40, acquireTime, renewTime, leaseTransitions: 0 };
  return { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { name, namespace: "default" }, spec };
}

export function storeContract(name: string, open: OpenStore): void {
  describe(name, () => {
    let store: Store;
    beforeEach(async () => {
      store = await open();
    });
    afterEach(() => store.close());

    test("gives a new object a uid, a version and generation 1", async () => {
      const { metadata } = await store.create(aNewFlow("f"));
      expect([metadata.uid === "", metadata.resourceVersion === "", metadata.generation]).toEqual([false, false, 1]);
    });

    test("refuses a second object of the same name", async () => {
      await store.create(aNewFlow("f"));
      expect(codeOf(await store.create(aNewFlow("f")).catch((error: unknown) => error))).toBe("STORE_EXISTS");
    });

    test("finds nothing where nothing is", async () => {
      expect(await store.get(key("f"))).toBeUndefined();
    });

    test("raises the generation only when the spec changes", async () => {
      const one = await store.create(aNewFlow("f"));
      const two = await store.update<"VideoFlow">({ ...one, metadata: { ...one.metadata, labels: { a: "1" } } });
      const three = await store.update<"VideoFlow">({ ...two, spec: { ...two.spec, desiredState: "Stopped" } });
      expect([one, two, three].map(({ metadata }) => metadata.generation)).toEqual([1, 1, 2]);
    });

    test("keeps status and spec apart", async () => {
      const one = await store.create(aNewFlow("f"));
      const two = await store.updateStatus<"VideoFlow">({ ...one, spec: aFlowSpec([]), status: { ready: "1/3" } });
      const three = await store.update<"VideoFlow">({ ...two, status: { ready: "9/9" }, spec: { ...two.spec, desiredState: "Stopped" } });
      expect([two.spec.nodes.length, three.status?.ready, three.spec.desiredState]).toEqual([3, "1/3", "Stopped"]);
    });

    test("refuses a write that was decided on an old version", async () => {
      const one = await store.create(aNewFlow("f"));
      await store.updateStatus({ ...one, status: { ready: "1/3" } });
      const stale = { ...one, status: { ready: "2/3" } };
      const codes = [await store.update({ ...one, spec: aFlowSpec([]) }).catch(codeOf), await store.updateStatus(stale).catch(codeOf)];
      expect(codes).toEqual(["STORE_CONFLICT", "STORE_CONFLICT"]);
    });

    test("refuses a write to an object that is gone", async () => {
      const one = await store.create(aNewFlow("f"));
      await store.delete(key("f"));
      expect(await store.updateStatus({ ...one, status: {} }).catch(codeOf)).toBe("STORE_GONE");
    });

    test("does not count a write that changes nothing", async () => {
      const one = await store.create(aNewFlow("f"));
      expect((await store.update(one)).metadata.resourceVersion).toBe(one.metadata.resourceVersion);
    });

    test("marks an object that has finalizers, and removes it with the last one", async () => {
      const one = await store.create({ ...aNewFlow("f"), metadata: { name: "f", namespace: "default", finalizers: ["a/b"] } });
      await store.delete(key("f"));
      const marked = await store.get(key("f"));
      expect(marked?.metadata.deletionTimestamp).toBeDefined();
      await store.update({ ...one, ...marked, metadata: { ...(marked ?? one).metadata, finalizers: [] } });
      expect(await store.get(key("f"))).toBeUndefined();
    });

    test("removes what an object owns after it", async () => {
      const { metadata } = await store.create(aNewFlow("f"));
      await store.create(aClaim("f.n.0", metadata.uid));
      await store.create(aClaim("g.n.0", "another"));
      await store.delete(key("f"));
      expect((await store.list("DeviceClaim")).map((claim) => claim.metadata.name)).toEqual(["g.n.0"]);
    });

    test("deletes nothing when the uid is another", async () => {
      await store.create(aNewFlow("f"));
      await store.delete(key("f"), { uid: "another" });
      await store.delete(key("missing"));
      expect(await store.get(key("f"))).toBeDefined();
    });

    test("lists by namespace and labels, in order of names", async () => {
      await store.create({ ...aNewFlow("b"), metadata: { name: "b", namespace: "default", labels: { team: "x" } } });
      await store.create({ ...aNewFlow("a"), metadata: { name: "a", namespace: "default", labels: { team: "x" } } });
      await store.create({ ...aNewFlow("c"), metadata: { name: "c", namespace: "other", labels: { team: "x" } } });
      await store.create(aNewFlow("d"));
      const found = await store.list("VideoFlow", { namespace: "default", labels: { team: "x" } });
      expect(found.map(({ metadata }) => metadata.name)).toEqual(["a", "b"]);
    });

    test("lists and watches only what has the fields asked for", async () => {
      for (const [name, host] of [
        ["f.a.0", "one"],
        ["f.b.0", "two"],
      ] as const)
        await store.create(aTaskOn(name, host));
      const seen: string[] = [];
      const end = store.watch("FlowTask", (event) => seen.push(named(event)), { spec: { host: "two" } });
      await store.create(aTaskOn("f.c.0", "one"));
      await store.create(aTaskOn("f.d.0", "two"));
      await store.delete({ kind: "FlowTask", namespace: "default", name: "f.a.0" });
      await store.delete({ kind: "FlowTask", namespace: "default", name: "f.b.0" });
      const listed = await store.list("FlowTask", { spec: { host: "one" } });
      while (!seen.includes("Deleted f.b.0")) await new Promise((resolve) => setTimeout(resolve, 10));
      end();
      expect([listed.map(({ metadata }) => metadata.name), seen]).toEqual([["f.c.0"], ["Added f.b.0", "Added f.d.0", "Deleted f.b.0"]]);
    });

    test("tells a watcher first what is there, then what happens", async () => {
      const one = await store.create(aNewFlow("f"));
      const events = eventsOf(store);
      await events.until(1);
      await store.updateStatus({ ...one, status: { ready: "1/3" } });
      await store.create(aNewFlow("g"));
      await store.delete(key("g"));
      expect((await events.until(4)).map(named)).toEqual(["Added f", "Modified f", "Added g", "Deleted g"]);
    });

    test("tells a watcher what happened after a version", async () => {
      const { metadata } = await store.create(aNewFlow("f"));
      await store.create(aNewFlow("g"));
      const events = eventsOf(store, metadata.resourceVersion);
      expect((await events.until(1)).map(named)).toEqual(["Added g"]);
    });

    test("tells nothing after a watch has ended", async () => {
      const events = eventsOf(store);
      const others = eventsOf(store);
      events.stop();
      await store.create(aNewFlow("f"));
      await others.until(1);
      expect(events.seen).toEqual([]);
    });

    test("keeps events, which have no spec, and counts them up", async () => {
      const one = await store.create(anEvent("f.1"));
      const lastTimestamp = "2026-01-02T03:05:06Z";
      await store.update<"Event">({ ...one, count: 2, lastTimestamp });
      const { metadata, ...found } = (await store.get({ kind: "Event", namespace: "default", name: "f.1" })) as EventRecord;
      const { metadata: _, ...content } = anEvent("f.1");
      expect([found, metadata.generation]).toMatchObject([{ ...content, count: 2, lastTimestamp }, 1]); // A server adds fields of its own.
    });

    test("keeps leases; one of two who renew on the same version wins", async () => {
      const one = await store.create(aLease("edge-1", 1_000));
      const renewed: Lease = { ...one, spec: { ...one.spec, renewTime: microTime(2_000) } };
      const codes = [await store.update(renewed).then(() => "renewed"), await store.update(renewed).catch(codeOf)];
      const [found] = await store.list("Lease", { namespace: "default" });
      expect([codes, found?.spec, found?.metadata.generation]).toEqual([["renewed", "STORE_CONFLICT"], aLease("edge-1", 2_000).spec, 1]);
    });

    test("hands out objects that a reader cannot change for others", async () => {
      await store.create(aNewFlow("f"));
      const spoil = async () => {
        const flow = await store.get(key("f"));
        if (flow !== undefined) flow.spec.desiredState = "Stopped";
      };
      await spoil().catch(() => undefined);
      expect((await store.get(key("f")))?.spec.desiredState).toBe("Running");
    });
  });
}

function eventsOf(store: Store, fromVersion?: string) {
  const seen: WatchEvent<"VideoFlow">[] = [];
  let wake = () => {};
  const take = (event: WatchEvent<"VideoFlow">) => {
    seen.push(event);
    wake();
  };
  const stop = store.watch("VideoFlow", take, fromVersion === undefined ? {} : { fromVersion });
  const until = async (count: number) => {
    while (seen.length < count)
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    return seen;
  };
  return { seen, stop, until };
}
