import { beforeEach, expect, test } from "@jest/globals";
import type { FlowTask } from "../../src/api/kinds.js";
import { Cache } from "../../src/controller/runtime/cache.js";
import { type CachedKind, readerOf, withOwnWrites } from "../../src/controller/runtime/cached-store.js";
import { EmbeddedStore } from "../../src/store/embedded/embedded-store.js";
import type { Store } from "../../src/store/store.js";
import { newTask } from "../support/processes-agent.js";

const KEY = { kind: "FlowTask", namespace: "default", name: "f.a.0" } as const;
let cache: Cache<CachedKind>;
let store: Store;
let reader: Pick<Store, "get" | "list">;
beforeEach(async () => {
  cache = new Cache<CachedKind>();
  store = withOwnWrites(await EmbeddedStore.open(), () => cache);
  reader = readerOf(() => cache);
});

const names = async () => (await reader.list("FlowTask")).map(({ metadata }) => metadata.name);
const retriesOf = async () => (await reader.get(KEY))?.spec.retries;
const edited = (task: FlowTask, retries: number): FlowTask => ({ ...task, spec: { ...task.spec, retries } });

test("an own write is known before its event, and an older event takes nothing back", async () => {
  const first = await store.create(newTask());
  const second = await store.update<"FlowTask">(edited(first, 7));
  expect([await names(), await retriesOf()]).toEqual([["f.a.0"], 7]);
  cache.apply({ type: "Added", object: first });
  expect(await retriesOf()).toBe(second.spec.retries);
});

test("what an own delete removed does not come back with late events; another of its name does", async () => {
  const first = await store.create(newTask());
  await store.delete(KEY, { uid: first.metadata.uid });
  cache.apply({ type: "Modified", object: first });
  expect(await names()).toEqual([]);
  const second = await store.create(newTask());
  cache.apply({ type: "Deleted", object: first });
  expect((await reader.get(KEY))?.metadata.uid).toBe(second.metadata.uid);
});

test("what finalizers hold back is not taken for gone", async () => {
  const task = newTask();
  await store.create({ ...task, metadata: { ...task.metadata, finalizers: ["a/b"] } });
  await store.delete(KEY);
  expect(await names()).toEqual(["f.a.0"]);
});

test("a list heals what events did not tell, and takes nothing back that was heard after it was asked for", async () => {
  const gone = await store.create(newTask({ index: 1 }));
  const old = await store.create(newTask());
  cache.expectList();
  const listed = [old];
  await store.update<"FlowTask">(edited(old, 7));
  const born = await store.create(newTask({ index: 2 }));
  expect(cache.replace(listed).map(({ metadata }) => metadata.name)).toEqual([gone.metadata.name]);
  expect([await names(), await retriesOf()]).toEqual([["f.a.0", born.metadata.name], 7]);
});

test("the list is the same as long as nothing changes", async () => {
  await store.create(newTask());
  const before = await reader.list("FlowTask");
  expect(await reader.list("FlowTask")).toBe(before);
});
