import { resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { stringify } from "yaml";
import { CRASH_POINTS, STORE_POINTS } from "../../src/base/crash-point.js";
import { CrashDriver, inOrderOfLife } from "../support/crash-driver.js";
import { type DaemonPlace, daemonPlace } from "../support/daemon.js";
import { DeviceInvariants } from "../support/device-invariants.js";
import { gpuUuid, liveTasks, type Workplace, workplace } from "../support/flow-process.js";

const NODES = resolve("test/fixtures/components/chaos.mjs");
const GPUS = 5;
/** The first is not the agent's. */
const VISIBLE = [1, 2, 3, 4].map(gpuUuid);
const MAX_LIVES = 6;
const RESTART = { initialBackoffSeconds: 0, maxBackoffSeconds: 0.05, maxRestarts: 1_000_000 };
const COMMON = { restart: RESTART, terminationGracePeriodSeconds: 2, retries: 1_000 };

let place: Workplace;
let daemon: DaemonPlace;
let driver: CrashDriver | undefined;
beforeEach(() => {
  place = workplace();
  daemon = daemonPlace(place);
});
afterEach(async () => {
  driver?.end();
  await daemon.destroy();
  await place.remove();
});

/** Writes what devices there are. @returns its file. */
function writeDevices(lost: readonly number[] = []): string {
  const all = Array.from({ length: GPUS }, (_, i) => ({
    uuid: gpuUuid(i),
    product: "Test GPU",
    memory: "8Gi",
    healthy: !lost.includes(i),
  }));
  return place.write("devices.yaml", stringify(all));
}

/** source → these processors, one behind the other → sink. */
function writeFlow(name: string, processors: readonly object[]): string {
  const names = ["source", ...processors.map((_, i) => `p${i}`)];
  const spec = {
    admission: { policy: "Wait" },
    nodes: [
      { ...COMMON, name: "source", role: "Producer", component: `${NODES}#Source`, params: { ms: 20, until: place.path("until") } },
      ...processors.map((more, i) => ({
        ...{ ...COMMON, name: `p${i}`, role: "Processor", inputs: [names[i]], component: `${NODES}#Invert`, params: { ms: 1 } },
        ...{ deviceType: "GPU", ...more },
      })),
      { ...COMMON, name: "sink", role: "Consumer", inputs: [names.at(-1)], component: "VoidConsumer" },
    ],
  };
  return place.write(`${name}.yaml`, stringify({ apiVersion: "videoflow.io/v1alpha1", kind: "VideoFlow", metadata: { name }, spec }));
}

const POINTS = inOrderOfLife([
  ...STORE_POINTS.filter((point) => /(create|updateStatus|delete)\.(DeviceClaim|FlowTask)|updateStatus\.VideoFlow/.test(point)),
  ...CRASH_POINTS.filter((point) => /^agent\.(spawn|go|exit|adopt)/.test(point)),
]);

test(`shared, several, required, wished and waiting devices: D1 to D6 hold after every write, with the agent killed at each of ${POINTS.length} points`, async () => {
  const [shares, takes, waits] = ["shares", "takes", "waits"].map((name) => `${place.flow}-${name}`) as [string, string, string];
  const files = {
    [shares]: writeFlow(
      shares,
      [3, 4].map((GiB) => ({ device: { required: true, sharing: "Shared", memory: `${GiB}Gi` } })),
    ),
    [takes]: writeFlow(takes, [{ device: { required: true, count: 2 } }, { nbTasks: 2 }]),
    [waits]: writeFlow(waits, [{ device: { required: true, count: 2 } }]),
  };
  const world = { flows: [shares, takes, waits], visible: VISIBLE, memoryMiB: 8_192, history: `${daemon.stateDir}/store/objects.copy` };
  const invariants = new DeviceInvariants(world);
  const crashing = new CrashDriver(place, daemon, ["--devices", writeDevices()], POINTS, VISIBLE, "agent", invariants);
  driver = crashing;
  const stateOf = async (flow: string) => (await daemon.flow(flow))?.status?.state;
  const apply = (flow: string) =>
    crashing.step(`apply ${flow}`, async () => {
      if ((await daemon.flow(flow)) === undefined) await daemon.apply(files[flow] as string);
      return true;
    });
  const reached = (flow: string, state: string) => crashing.step(`${flow} is ${state}`, async () => (await stateOf(flow)) === state);
  const remove = (flow: string) =>
    crashing.step(`delete ${flow}`, async () => {
      await daemon.withStore((store) => store.delete({ kind: "VideoFlow", namespace: "default", name: flow }));
      return true;
    });
  const gone = (flow: string) =>
    crashing.step(`${flow} is gone`, async () => (await daemon.flow(flow)) === undefined && liveTasks(flow).length === 0);

  for (let life = 0; !crashing.isDone && life < MAX_LIVES; life += 1) {
    writeDevices();
    for (const flow of [shares, takes]) {
      await apply(flow);
      await reached(flow, "Running");
    }
    await apply(waits);
    await crashing.step("it waits", async () => (await stateOf(waits)) === "Pending" && invariants.met.waits > 0);
    for (let deaths = 0; deaths === 0 || (deaths < 4 && crashing.armed?.includes("exit")); deaths += 1) {
      const victim = liveTasks(takes).find(({ node }) => node === "p0");
      if (victim !== undefined) crashing.kill(victim.pid);
      await crashing.step("it runs again", () => liveTasks(takes).some(({ node, pid }) => node === "p0" && pid !== victim?.pid));
    }
    writeDevices([3]); // One breaks while somebody has it; whoever looks next finds it so.
    if (life === 0) process.kill(daemon.keeperPid, "SIGKILL");
    await reached(takes, "Running");
    await remove(takes);
    await gone(takes);
    await reached(waits, "Running");
    writeDevices();
    for (const flow of [shares, waits]) await remove(flow);
    for (const flow of [shares, waits]) await gone(flow);
  }
  driver.end();
  driver = undefined;
  const hit = crashing.hit.length;
  process.stderr.write(`crash points with devices: ${POINTS.length}, hit ${hit}; ${invariants.writes} writes judged\n`);
  expect(invariants.violations).toEqual([]);
  expect(POINTS.filter((point) => !crashing.hit.includes(point))).toEqual([]);
  expect(invariants.met).toEqual({ shared: 2, devices: 2, fallbacks: 1, waits: 1 });
}, 300_000);
