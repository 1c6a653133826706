import { expect, test } from "@jest/globals";
import type { DaemonPlace } from "../support/daemon.js";
import { eachWithDaemon } from "../support/each-with-daemon.js";
import { eventually, liveTasks, NODES, type Workplace, writeManifest } from "../support/flow-process.js";

let place: Workplace;
let daemon: DaemonPlace;
eachWithDaemon((fresh) => {
  ({ place, daemon } = fresh);
});

const cli = (...args: readonly string[]) => daemon.cli(...args);

const patient = { terminationGracePeriodSeconds: 10 };
const chain = (by: number, count: number) => [
  { ...patient, name: "tick", role: "Producer", component: `${NODES}#Ticker`, params: { everyMs: 1, count } },
  { ...patient, name: "add", role: "Processor", component: `${NODES}#Adder`, inputs: ["tick"], params: { by }, nbTasks: 2 },
  { ...patient, name: "file", role: "Consumer", component: "FileAppender", inputs: ["add"], params: { path: place.path("out") } },
];
const apply = (by: number, count: number) => cli("apply", "-f", writeManifest(place, chain(by, count)));
/** Pids by task, of live processes. */
const pids = () => new Map(liveTasks(place.flow).map(({ node, index, pid }) => [`${node}.${index}`, pid]));
const arrived = () => place.lines("out").map((line) => JSON.parse(line) as { traceId: string; payload: number });
const grown = async (by = 300) => {
  const before = place.lines("out").length;
  await eventually(
    () => `messages\n${daemon.agent.output}`,
    () => place.lines("out").length >= before + by,
    60_000,
  );
};
const tasksThere = (count: number) => eventually(`${count} tasks`, () => liveTasks(place.flow).length === count, 60_000);
const changed = (before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>) =>
  [...after].filter(([name, pid]) => before.has(name) && before.get(name) !== pid).map(([name]) => name);

const BY = 1_000_000;

test("M1, M2: commands change a flow of many thousand messages while they flow; only what they name gets other processes", async () => {
  const count = 20_000;
  await daemon.start();
  await apply(0, count);
  await tasksThere(4);
  await grown();
  const first = pids();
  await cli("scale", place.flow, "add=4");
  await tasksThere(6);
  await grown();
  expect(changed(first, pids())).toEqual([]);
  await cli("scale", place.flow, "add=1");
  await tasksThere(3);
  await grown();
  expect(changed(first, pids())).toEqual([]);
  await cli("pause", place.flow);
  await cli("wait", "vf", place.flow, "--for=condition=Drained", "--timeout=120s");
  const held = place.lines("out").length;
  await new Promise((resume) => setTimeout(resume, 500));
  expect(place.lines("out").length).toBe(held);
  await cli("resume", place.flow);
  await grown();
  expect(changed(first, pids())).toEqual([]);
  await apply(BY, count);
  await eventually("the new template", () => arrived().some(({ payload }) => payload >= BY), 60_000);
  await tasksThere(4); // The file has two of them again.
  expect(changed(first, pids()).map((name) => name.split(".")[0])).toEqual(["add", "add"]);
  await cli("wait", "vf", place.flow, "--for=condition=Succeeded", "--timeout=120s");
  const values = arrived().map(({ payload }) => payload);
  const turn = values.findIndex((value) => value >= BY);
  expect(values).toEqual(Array.from({ length: count }, (_, index) => (index < turn ? index : index + BY)));
  await apply(BY, 500);
  await cli("rerun", place.flow);
  await eventually("the second run", () => place.lines("out").length === 500, 60_000);
  await cli("wait", "vf", place.flow, "--for=condition=Succeeded", "--timeout=120s");
  expect(arrived().map(({ payload }) => payload)).toEqual(Array.from({ length: 500 }, (_, index) => index + BY));
}, 240_000);
