import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { Kind, Kinds, NewResource } from "../../src/api/kinds.js";
import { REAL_CLOCK } from "../../src/base/clock.js";
import { Prng } from "../../src/base/prng.js";
import { createFlowController } from "../../src/controller/flow/flow-controller.js";
import type { Controller } from "../../src/controller/runtime/controller.js";
import { REAL_SCHEDULER } from "../../src/controller/runtime/scheduler.js";
import { EmbeddedStore } from "../../src/store/embedded/embedded-store.js";
import type { Store } from "../../src/store/store.js";
import { aChain, aFlowSpec, aGpuNode, aHost, aNewFlow, describeComponent, devices } from "../support/builders.js";
import { eventually } from "../support/flow-process.js";

let store: EmbeddedStore;
let controller: Controller;
/** Writes that were answered. */
let written: string[];
/** Writes that begin so are answered only when the test says so. */
let held: { readonly prefix: string; readonly waiting: (() => void)[] };

beforeEach(async () => {
  store = await EmbeddedStore.open();
  [written, held] = [[], { prefix: "nothing", waiting: [] }];
  const { status, ...host } = aHost("h", devices(1));
  await store.updateStatus<"Host">({ ...(await store.create<"Host">(host)), ...(status === undefined ? {} : { status }) });
  controller = createFlowController({
    ...{ store: far(store), clock: REAL_CLOCK, scheduler: REAL_SCHEDULER, prng: new Prng(1), defaultAdmission: "Wait", isCached: true },
    describe: describeComponent,
  });
  controller.start();
});
afterEach(async () => {
  release();
  await controller.stop();
  await store.close();
});

/** The store as somebody sees it whose writes take a while. */
function far(near: Store): Store {
  const late = async <T>(what: string, write: () => Promise<T>): Promise<T> => {
    if (what.startsWith(held.prefix)) await new Promise<void>((answer) => held.waiting.push(answer));
    const result = await write();
    written.push(what);
    return result;
  };
  return {
    get: (key) => near.get(key),
    list: (kind, options) => near.list(kind, options),
    watch: (kind, onEvent, options) => near.watch(kind, onEvent, options),
    close: () => near.close(),
    create: <K extends Kind>(object: NewResource<K>) => late(`create ${nameOf(object as NewResource<Kind>)}`, () => near.create(object)),
    update: <K extends Kind>(object: Kinds[K]) => late(`update ${nameOf(object as Kinds[Kind])}`, () => near.update(object)),
    updateStatus: <K extends Kind>(object: Kinds[K]) => late(`status ${nameOf(object as Kinds[Kind])}`, () => near.updateStatus(object)),
    delete: (key, options) => late(`delete ${key.kind} ${key.name}`, () => near.delete(key, options)),
  };
}

const nameOf = ({ kind, metadata }: { readonly kind: Kind; readonly metadata: { readonly name: string } }) => `${kind} ${metadata.name}`;
const hold = (prefix: string) => {
  held = { prefix, waiting: [] };
};
const release = () => {
  const { waiting } = held;
  hold("nothing");
  for (const answer of waiting) answer();
};
const wants = (name: string) => store.create(aNewFlow(name, aFlowSpec(aChain(aGpuNode("see")))));
/** The second one comes while a write of the first is held. */
const bothWant = async () => {
  await wants("a");
  await eventually("the write of the first", () => held.waiting.length === 1);
  await wants("b");
};
const isWritten = (what: string) => eventually(what, () => written.includes(what));
const ofSecond = () => written.filter((what) => / b\b/.test(what));

test("a flow whose status is being written holds up nobody", async () => {
  hold("status VideoFlow a");
  await bothWant();
  await isWritten("status VideoFlow b");
  expect(written).not.toContain("status VideoFlow a");
});

test("while a flow takes what it gets, another one prepares, and decides only once it knows what is left", async () => {
  hold("create FlowTask a.see.0");
  await bothWant();
  await isWritten("update VideoFlow b");
  for (let turn = 0; turn < 100; turn += 1) await new Promise((next) => setImmediate(next));
  expect(ofSecond()).toEqual(["update VideoFlow b"]); // Its finalizer.
  release();
  await isWritten("status VideoFlow b");
  const claims = await store.list("DeviceClaim");
  expect(claims.map(({ metadata, status }) => [metadata.name, status?.reason])).toEqual([
    ["a.see.0", "Allocated"],
    ["b.see.0", "CpuFallback"],
  ]);
});

test("what is wanted no more takes nothing, also if its turn comes", async () => {
  hold("create FlowTask a.see.0");
  await bothWant();
  await isWritten("update VideoFlow b");
  const stopped = controller.stop();
  release();
  await stopped;
  expect([written.includes("create FlowTask a.see.0"), ofSecond()]).toEqual([true, ["update VideoFlow b"]]);
});
