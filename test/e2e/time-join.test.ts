import { resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { eventually, liveTasks, type Workplace, workplace, writeManifest } from "../support/flow-process.js";

const SENSORS = resolve("test/fixtures/components/sensors.mjs");
const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);
const BY_TIME = { mode: "Time", toleranceMs: 12, timeoutMs: 10_000, quorum: 1 };

let place: Workplace;
beforeEach(() => {
  place = workplace();
});
afterEach(() => place.remove());

const sensor = (name: string, params: object) => ({
  name,
  role: "Producer",
  component: `${SENSORS}#Sensor`,
  params: { perSecond: 50, ...params },
});
const witness = (name: string, inputs: string[], rest: object = {}) => ({
  name,
  role: "Processor",
  component: `${SENSORS}#Witness`,
  inputs,
  ...rest,
});
const notebook = (...inputs: string[]) => ({
  name: "sink",
  role: "Consumer",
  component: `${SENSORS}#Notebook`,
  inputs,
  params: { path: place.path("seen") },
});

interface Seen {
  readonly inputs: readonly unknown[];
  readonly traceId: string;
  readonly seq: number;
  readonly eventTs: number;
}

const lines = (): Seen[][] => place.lines("seen").map((line) => JSON.parse(line) as Seen[]);
const groups = () => lines().map(([group]) => (group as Seen).inputs);
const halves = (count: number) => numbers(count).map((n) => [n, (n + 1) % 3 === 0 ? null : n]);

test("two producers at 50/s, one of which leaves out every third, give all pairs and all lonely halves, in order", async () => {
  const nodes = [
    sensor("a", { count: 150 }),
    sensor("b", { count: 150, leaveOut: 3 }),
    witness("pairs", ["a", "b"], { join: BY_TIME }),
    notebook("pairs"),
  ];
  const { code, out, err } = await place.run(writeManifest(place, nodes)).ended;

  expect([code, out + err]).toEqual([0, expect.stringContaining("Succeeded")]);
  expect(groups()).toEqual(halves(150));
  expect(lines().map(([group]) => [group?.traceId, group?.seq, group?.eventTs])).toEqual(
    numbers(150).map((n) => [`tw-${1e9 + n * 20_000}`, 1e9 + n * 20_000, 1000 + n / 50]),
  );
  expect(place.leftovers()).toEqual([]);
});

test("a join that is killed again and again pairs the same messages, and a trace join behind it finds both branches", async () => {
  const nodes = [
    sensor("a", { count: 150 }),
    sensor("b", { count: 150, leaveOut: 3 }),
    witness("pairs", ["a", "b"], { join: { mode: "Time", toleranceMs: 9, quorum: 1 } }),
    { name: "side", role: "Processor", component: "Identity", inputs: ["pairs"], nbTasks: 2 },
    notebook("pairs", "side"),
  ];
  const flow = place.run(writeManifest(place, nodes));
  for (const wanted of [5, 40, 80]) {
    await eventually(
      () => `${wanted} groups: ${flow.output}`,
      () => place.lines("seen").length >= wanted,
    );
    process.kill(liveTasks(place.flow).find(({ node }) => node === "pairs")?.pid ?? 0, "SIGKILL");
  }
  const { code } = await flow.ended;

  expect(code).toBe(0);
  expect(groups()).toEqual(halves(150));
  expect(lines().filter(([left, right]) => left?.traceId !== right?.traceId)).toEqual([]);
  expect(place.leftovers()).toEqual([]);
});

test("a sensor of another pace gives lists of what lies near each frame", async () => {
  const nodes = [
    sensor("camera", { count: 30 }),
    sensor("imu", { count: 120, perSecond: 200 }),
    witness("both", ["camera", "imu"], { join: { mode: "Time", toleranceMs: 6, collect: ["imu"] } }),
    notebook("both"),
  ];
  const { code } = await place.run(writeManifest(place, nodes)).ended;
  const near = (n: number) => [4 * n - 1, 4 * n, 4 * n + 1].filter((k) => k >= 0);

  expect(code).toBe(0);
  expect(groups()).toEqual(numbers(30).map((n) => [n, near(n)]));
});

test("in realtime the pairs are right, and a sensor that falls silent holds nobody up for longer than the timeout", async () => {
  const nodes = [
    sensor("a", { count: 60 }),
    sensor("b", { count: 20 }),
    witness("pairs", ["a", "b"], { join: { ...BY_TIME, timeoutMs: 100 } }),
    notebook("pairs"),
  ];
  const { code } = await place.run(writeManifest(place, nodes, { flowType: "Realtime" })).ended;
  const unlike = groups().filter(([a, b]) => a !== null && b !== null && a !== b);

  expect([code, unlike]).toEqual([0, []]);
  expect(groups().length).toBeGreaterThan(0);
  expect(place.leftovers()).toEqual([]);
});

test("a message without an event time ends the flow with the fix", async () => {
  const nodes = [
    sensor("a", { count: 5, timeless: true }),
    sensor("b", { count: 5 }),
    witness("pairs", ["a", "b"], { join: BY_TIME }),
    notebook("pairs"),
  ];
  const { code, out, err } = await place.run(writeManifest(place, nodes)).ended;

  expect(code).not.toBe(0);
  expect(out + err).toContain('join "pairs" got message 0 of "a" without an event time');
});

test("where a group must be complete, one that is not ends the flow and says what was missing", async () => {
  const join = { mode: "Time", toleranceMs: 9, missing: "error" };
  const nodes = [
    sensor("a", { count: 6 }),
    sensor("b", { count: 6, leaveOut: 3 }),
    witness("pairs", ["a", "b"], { join }),
    notebook("pairs"),
  ];
  const { code, out, err } = await place.run(writeManifest(place, nodes)).ended;

  expect(code).not.toBe(0);
  expect(out + err).toContain('join "pairs" has nothing from b for the event time 1000.04');
});
