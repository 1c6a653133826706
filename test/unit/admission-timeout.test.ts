import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { VideoFlow } from "../../src/api/kinds.js";
import { FlowReconciler } from "../../src/controller/flow/reconciler.js";
import { EmbeddedStore } from "../../src/store/embedded/embedded-store.js";
import { aChain, aDevice, aFlowSpec, aGpuNode, aHost, aNewFlow, describeComponent } from "../support/builders.js";

const KEY = { kind: "VideoFlow", namespace: "default", name: "f" } as const;
/** What a machine's clocks say. */
const time = { nowMs: 0, wallMs: 0, bootId: "" };
let store: EmbeddedStore;

beforeEach(async () => {
  Object.assign(time, { nowMs: 10_000, wallMs: Date.parse("2026-01-01T00:00:00Z"), bootId: "first" });
  store = await EmbeddedStore.open();
  const { status, ...host } = aHost("h", [aDevice("GPU-0", { healthy: false })]);
  await store.updateStatus({ ...(await store.create<"Host">(host)), ...(status === undefined ? {} : { status }) });
  const nodes = aChain(aGpuNode("det", 1, { required: true }));
  await store.create(aNewFlow("f", aFlowSpec(nodes, { admission: { policy: "Wait", timeoutSeconds: 60 } })));
});
afterEach(() => store.close());

/** A controller that has just started. */
function aController(): FlowReconciler {
  const clock = { nowMs: () => time.nowMs, wallMs: () => time.wallMs };
  return new FlowReconciler({ store, clock, bootId: time.bootId, describe: describeComponent, defaultAdmission: "Wait" });
}

/** @returns in how many milliseconds it wants to look again. */
async function settle(controller = aController()): Promise<number | undefined> {
  await controller.reconcile(KEY);
  return controller.reconcile(KEY);
}

function pass(ms: number): void {
  time.nowMs += ms;
  time.wallMs += ms;
}

const flow = async () => (await store.get(KEY)) as VideoFlow;

test("the time that a flow may wait goes on under the next controller", async () => {
  expect(await settle()).toBe(60_000);
  pass(40_000);
  expect(await settle()).toBe(20_000);
  pass(20_000);
  await settle();
  expect((await flow()).status).toMatchObject({ state: "Failed", message: expect.stringMatching(/waited 60 s/) });
});

test("a clock that somebody sets changes nothing", async () => {
  await settle();
  pass(40_000);
  time.wallMs += 1e9;
  expect(await settle()).toBe(20_000);
  time.wallMs -= 2e9;
  expect(await settle()).toBe(20_000);
});

test("after a reboot, or on another machine, the time of day counts; a moment that lies ahead of it is now", async () => {
  await settle();
  pass(40_000);
  Object.assign(time, { nowMs: 500, bootId: "second" });
  expect(await settle()).toBe(20_000);
  time.wallMs -= 1e9;
  expect(await settle()).toBe(60_000);
});

test("what is recorded is written once, and goes when the flow does not wait any more", async () => {
  await settle();
  const { version } = store;
  pass(10_000);
  await settle();
  expect(store.version).toBe(version);
  expect((await flow()).status?.waiting).toEqual({ since: "2026-01-01T00:00:00.000Z", bootId: "first", atMs: 10_000 });
  await store.update<"VideoFlow">({ ...(await flow()), spec: { ...(await flow()).spec, desiredState: "Stopped" } });
  await settle();
  expect((await flow()).status).toMatchObject({ state: "Stopped" });
  expect((await flow()).status?.waiting).toBeUndefined();
});
