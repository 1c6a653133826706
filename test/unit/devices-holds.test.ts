import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { identityOf, type ProcessIdentity } from "../../src/base/process-identity.js";
import { DeviceHolds } from "../../src/devices/holds.js";
import { devices } from "../support/builders.js";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "videoflow-holds-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const alive = identityOf(process.ppid) as ProcessIdentity;
const self = identityOf(process.pid) as ProcessIdentity;
const dead: ProcessIdentity = { ...alive, startTime: "1" };
const healthy = (holds: DeviceHolds) => holds.mark(devices(2)).map((device) => device.healthy);

test("a device that a live run holds cannot be granted and says by whom it is held", () => {
  new DeviceHolds(folder, "flow first", alive).hold(["GPU-0"]);

  const marked = new DeviceHolds(folder, "second", self).mark(devices(2));

  expect(marked.map((device) => device.healthy)).toEqual([false, true]);
  expect(marked[0]?.message).toBe(`held by flow first, keeper pid ${alive.pid}`);
});

test("a device of a dead holder is free, also when its pid lives on in another process", () => {
  new DeviceHolds(folder, "flow first", dead).hold(["GPU-0"]);

  expect(healthy(new DeviceHolds(folder, "second", self))).toEqual([true, true]);
});

test("a run does not stand in its own way, and gives everything back", () => {
  const holds = new DeviceHolds(folder, "flow first", alive);
  holds.hold(["GPU-0", "GPU-1"]);
  expect(healthy(holds)).toEqual([true, true]);

  holds.release();

  expect(readdirSync(folder)).toEqual([]);
});

test.each(["", "{", "null", "{}"])("a hold that the machine did not finish writing (%j) is nobody's", (text) => {
  const holds = new DeviceHolds(folder, "flow first", alive);
  writeFileSync(join(folder, "GPU-0.json"), text);
  writeFileSync(join(folder, "GPU-1.json"), text);

  expect(healthy(holds)).toEqual([true, true]);
  holds.keepOnly([]);
  expect(holds.take(["GPU-0"])).toBeUndefined();
  expect(healthy(new DeviceHolds(folder, "second", self))).toEqual([false, true]);
});

test("a folder that somebody has removed is made again", () => {
  const holds = new DeviceHolds(folder, "flow first", alive);
  rmSync(folder, { recursive: true, force: true });

  holds.keepOnly([]);
  expect(healthy(holds)).toEqual([true, true]);
  expect(holds.take(["GPU-0"])).toBeUndefined();
  expect(healthy(new DeviceHolds(folder, "second", self))).toEqual([false, true]);
});

test("only one run at a time decides about devices", async () => {
  const [first, second] = [new DeviceHolds(folder, "flow first", alive), new DeviceHolds(folder, "second", self)];
  let now = 0;
  const clock = () => (now += 6_000);
  await first.enter(clock);

  await expect(second.enter(clock)).rejects.toMatchObject({ code: "DEVICES_LOCKED", detail: { pid: process.pid } });
  first.hold([]);
  await second.enter(clock);
  second.release();
});

test("an agent takes devices just before a task starts, unless another holds or decides; it gives back what no claim needs", async () => {
  const [run, agent] = [new DeviceHolds(folder, "flow first", alive), new DeviceHolds(folder, "an agent", () => self)];
  await run.enter(() => 0);
  expect(agent.take(["GPU-0"])).toBe(`pid ${process.pid} decides about devices now`);
  run.hold(["GPU-0"]);

  expect(agent.take(["GPU-1", "GPU-0"])).toBe(`GPU-0 is held by flow first, keeper pid ${alive.pid}`);
  expect(healthy(run)).toEqual([true, true]);
  expect(agent.take(["GPU-1"])).toBeUndefined();
  expect(healthy(run)).toEqual([true, false]);

  const next = new DeviceHolds(folder, "an agent", () => self);
  expect(next.take(["GPU-1"])).toBeUndefined();
  next.keepOnly([]);
  expect(healthy(run)).toEqual([true, true]);
  run.release();
  expect(readdirSync(folder).filter((name) => name.endsWith(".json"))).toEqual([]);
});
