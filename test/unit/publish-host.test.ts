import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { publishHost } from "../../src/agent/host-status.js";
import type { Host } from "../../src/api/kinds.js";
import { OperatorError } from "../../src/base/errors.js";
import { EmbeddedStore } from "../../src/store/embedded/embedded-store.js";
import type { Store } from "../../src/store/store.js";
import { aHost } from "../support/builders.js";

const STATUS = aHost("edge-1", [], { cores: 4, memoryMiB: 1_024 }).status as NonNullable<Host["status"]>;
const KEY = { kind: "Host", namespace: "default", name: "edge-1" } as const;
const REACHABLE = {
  type: "Reachable",
  status: "True",
  reason: "LeaseRenewed",
  message: "",
  lastTransitionTime: "2026-01-01T00:00:00Z",
} as const;

let store: EmbeddedStore;
beforeEach(async () => {
  store = await EmbeddedStore.open();
});
afterEach(() => store.close());

/** Before each of so many status writes, somebody else does something to the Host. */
function contended(times: number, meanwhile: () => Promise<unknown>): { readonly store: Store; readonly tried: () => number } {
  let tried = 0;
  const updateStatus: Store["updateStatus"] = async (object) => {
    tried += 1;
    if (tried <= times) await meanwhile();
    return store.updateStatus(object);
  };
  const contender = new Proxy<Store>(store, {
    get: (target, name: keyof Store) => (name === "updateStatus" ? updateStatus : target[name].bind(target)),
  });
  return { store: contender, tried: () => tried };
}

/** The controller says that the host is heard of. */
async function tellReachable(): Promise<void> {
  const host = (await store.get(KEY)) as Host;
  const message = `for the ${Number(host.metadata.resourceVersion)}th time`;
  await store.updateStatus<"Host">({ ...host, status: { ...(host.status as object), conditions: [{ ...REACHABLE, message }] } as never });
}

test("a status that lost a race is written again, beside what the other one wrote", async () => {
  const { store: contender, tried } = contended(3, tellReachable);
  await publishHost(contender, "edge-1", STATUS);
  const { status } = (await store.get(KEY)) as Host;
  expect([tried(), status?.cores, status?.conditions?.map(({ type }) => type)]).toEqual([4, 4, ["Reachable"]]);
});

test("a race that is lost again and again is told, and nothing of it is written; the next look writes it", async () => {
  const { store: contender, tried } = contended(100, tellReachable);
  await expect(publishHost(contender, "edge-1", STATUS)).rejects.toMatchObject({ code: "STORE_CONFLICT" });
  expect([tried(), ((await store.get(KEY)) as Host).status?.cores]).toEqual([5, undefined]);
  await publishHost(store, "edge-1", STATUS);
  expect(((await store.get(KEY)) as Host).status?.cores).toBe(4);
});

test("what fails otherwise is told at once, and what is as it should be is not written", async () => {
  const full = contended(100, () => Promise.reject(new OperatorError("STORE_UNREACHABLE", { path: "x" })));
  await expect(publishHost(full.store, "edge-1", STATUS)).rejects.toMatchObject({ code: "STORE_UNREACHABLE" });
  await publishHost(store, "edge-1", STATUS);
  const same = contended(0, () => Promise.resolve());
  await publishHost(same.store, "edge-1", STATUS);
  expect([full.tried(), same.tried()]).toEqual([1, 0]);
});

test("a Host that was deleted while its status was written is made again", async () => {
  const { store: contender } = contended(1, async () => {
    const { uid } = ((await store.get(KEY)) as Host).metadata;
    await store.delete(KEY, { uid });
  });
  await publishHost(contender, "edge-1", STATUS);
  expect(((await store.get(KEY)) as Host).status?.cores).toBe(4);
});
