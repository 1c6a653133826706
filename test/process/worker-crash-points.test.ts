import { readFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { readLetters } from "../../src/base/dead-letters.js";
import { CRASH_LIST, hitsOf, WORKER_POINTS } from "../../src/worker/crash-points.js";
import { chaosNodes, expectedArrivals, fileSink, readArrivals } from "../support/chaos-flow.js";
import { NODES, type Workplace, workplace, writeManifest } from "../support/flow-process.js";
import { describePython } from "../support/python.js";

/** One of them has more outputs than one commit. */
const MESSAGES = 110;

const COMMIT = ["redo written", "prepared", "bits set", "committed", "totals copied", "applied"].map((label) => `port.${label}`);
const PUBLISH = ["written", "cell filled", "published", "rung"].map((label) => `port.${label}`);
const TAKE = ["half taken", "attempt", "acknowledged", "slot freed", "slots freed", "ledger written"].map((label) => `port.${label}`);
const UNIT = ["worker.opened", "worker.restored", "worker.taken", "worker.written", "worker.committed", "worker.ended", ...TAKE, ...COMMIT];
const PROCESSOR = [...UNIT, ...PUBLISH, "worker.processed", "worker.flushed", "port.end written"];
const PRODUCER = ["worker.opened", "worker.produced", "worker.written", "worker.committed", "worker.ended", "port.attempt"];
const STATE = ["worker.snapshot", "port.state written"];

/** By node: a producer, replicas, a partitioned join, many outputs, state, and a consumer with state. */
const POINTS: Readonly<Record<string, readonly string[]>> = {
  source: [...PRODUCER, "port.end written", ...COMMIT, ...PUBLISH],
  work: PROCESSOR,
  join: PROCESSOR,
  many: [...PROCESSOR, "worker.part", "port.outputs noted"],
  chain: [...PROCESSOR, ...STATE],
  sink: [...UNIT, ...STATE],
};

let place: Workplace;
beforeEach(() => {
  place = workplace();
});
afterEach(() => place.remove());

/** Lets the tasks of a node kill themselves at these points, once at each. */
function dieAt(node: string, points: readonly string[]): object {
  return { env: [{ name: CRASH_LIST, value: place.write(`points-${node}`, points.join("\n")) }] };
}

function hits(node: string): string[] {
  return [...new Set(place.lines(hitsOf(`points-${node}`)))].toSorted();
}

const payloads = () => place.lines("lines").map((line) => (JSON.parse(line) as { payload: number }).payload);
const ticker = (count: number) => ({ name: "source", role: "Producer", component: `${NODES}#Ticker`, params: { count, everyMs: 0 } });
const lines = (input: string) => ({
  name: "lines",
  role: "Consumer",
  component: "FileAppender",
  inputs: [input],
  params: { path: "lines" },
});
const PATIENT = { restart: { initialBackoffSeconds: 0, maxBackoffSeconds: 0.05, maxRestarts: 100 } };

test("a task that kills itself at any step of its work loses, repeats and reorders nothing, in every role", async () => {
  place.write("until", String(MESSAGES));
  const nodes = chaosNodes(place, fileSink(place)) as readonly { readonly name: string }[];
  const mortal = nodes.map((node) => ({ ...node, ...dieAt(node.name, POINTS[node.name] ?? []) }));

  const { code, out, err } = await place.run(writeManifest(place, mortal)).ended;

  expect([code, out, err]).toEqual([0, expect.stringContaining("Succeeded"), expect.any(String)]);
  for (const [node, points] of Object.entries(POINTS)) expect([node, hits(node)]).toEqual([node, points.toSorted()]);
  expect(readArrivals(place)).toEqual(expectedArrivals(MESSAGES));
  const kills = err.match(/Restarting/g)?.length ?? 0;
  process.stdout.write(`${Object.values(POINTS).flat().length} crash points of workers in six roles, each hit; ${kills} restarts\n`);
  expect(place.leftovers()).toEqual([]);
}, 240_000);

test("a task that dies after it wrote a dead letter writes the same one again, and the input counts once", async () => {
  const thrower = { name: "thrower", role: "Processor", component: `${NODES}#Thrower`, inputs: ["source"], params: { at: [3] } };
  const mortal = { ...thrower, ...PATIENT, retries: 1, ...dieAt("thrower", ["worker.buried"]) };

  const { code, out } = await place.run(writeManifest(place, [ticker(6), mortal, lines("thrower")]), [
    "--dead-letters",
    place.path("letters"),
  ]).ended;

  expect([code, hits("thrower")]).toEqual([0, ["worker.buried"]]);
  expect(out).toContain("ledger: 11 messages on 2 edges: 10 acknowledged, 1 dead letters");
  expect(readLetters(place.path("letters")).map(({ position }) => position)).toEqual([3]);
  expect(payloads()).toEqual([0, 1, 2, 4, 5]);
});

test("of the messages of one input only those go to the dead letters that throw or kill, also when the task dies afterwards", async () => {
  const many = { name: "many", role: "Processor", component: `${NODES}#Burster`, inputs: ["source"], params: { count: 140 } };
  const params = { at: [1003, 1070], dies: { 1010: 1, 1080: 9, 2005: 9 }, marker: place.path("died") };
  const moody = { name: "moody", role: "Processor", component: `${NODES}#Moody`, inputs: ["many"], params };
  const mortal = { ...moody, ...PATIENT, retries: 1, ...dieAt("moody", ["worker.buried"]) };
  const letters = place.path("letters");

  const { code, out } = await place.run(writeManifest(place, [ticker(3), many, mortal, lines("moody")]), ["--dead-letters", letters]).ended;

  const buried = readLetters(letters).map(({ inputs, cause, attempts }) => [inputs[0]?.payload, cause, attempts]);
  expect([code, hits("moody")]).toEqual([0, ["worker.buried"]]);
  expect(buried.toSorted()).toEqual([
    [1003, "Exception", 2],
    [1070, "Exception", 2],
    [1080, "Death", 2],
    [2005, "Death", 2],
  ]);
  expect(out).toContain("4 dead letters");
  const given = [0, 1, 2].flatMap((value) => Array.from({ length: 140 }, (_, k) => value * 1_000 + k));
  expect(payloads()).toEqual(given.filter((value) => ![1003, 1070, 1080, 2005].includes(value)));
});

test("what was out of a message that is given up stays out, once, although the task dies as soon as its letter is written", async () => {
  const many = { name: "many", role: "Processor", component: `${NODES}#Burster`, inputs: ["source"], params: { count: 10 } };
  const each = { name: "each", role: "Processor", component: `${NODES}#Burster`, inputs: ["many"] };
  const params = { count: 50, of: 1003, bad: 45 }; // 3 x 50 outputs before it, and parts of 64: when it fails, 192 are out.
  const mortal = { ...each, params, ...PATIENT, retries: 1, ...dieAt("each", ["worker.buried", "worker.part"]) };

  const { code } = await place.run(writeManifest(place, [ticker(2), many, mortal, lines("each")])).ended;

  const rows = [0, 1].flatMap((value) => Array.from({ length: 10 }, (_, k) => value * 1_000 + k));
  const given = rows.flatMap((row) => Array.from({ length: row === 1003 ? 42 : 50 }, (_, k) => row * 1_000 + k));
  expect([code, hits("each")]).toEqual([0, ["worker.buried", "worker.part"]]);
  expect(payloads()).toEqual(given);
});

describePython("a task whose work is done in Python", () => {
  test("loses and repeats nothing when it dies before or after the answer", async () => {
    place.write("nodes.py", readFileSync("test/fixtures/python/nodes.py", "utf8"));
    const points = ["worker.python.sent", "worker.python.answered", "port.committed", "worker.committed"];
    const ways = ["worker.snapshot", "worker.restored", "port.state written", "port.applied"];
    const work = (name: string, input: string, component: string, params: object) => ({
      ...{ name, role: "Processor", component: `python:nodes:${component}`, inputs: [input], params },
      ...{ ...PATIENT, retries: 10 },
    });
    const double = { ...work("double", "source", "Doubler", { factor: 3 }), ...dieAt("double", points) };
    const never = { raises_at: -1, dies_at: -1, marker: "" };
    const sum = { ...work("sum", "double", "ForgetsNothing", never), oneTask: true, ...dieAt("sum", [...points, ...ways]) };

    expect((await place.run(writeManifest(place, [ticker(12), double, sum, lines("sum")])).ended).code).toBe(0);
    expect(hits("double")).toEqual(points.toSorted());
    expect(hits("sum")).toEqual([...points, ...ways].toSorted());
    expect(payloads()).toEqual(Array.from({ length: 12 }, (_, value) => (3 * value * (value + 1)) / 2));
  });
});

test("every point of the worker is hit by one of these tests", () => {
  const hit = [...Object.values(POINTS).flat(), "worker.buried", "worker.python.sent", "worker.python.answered"];
  expect(WORKER_POINTS.filter((point) => !hit.includes(point))).toEqual([]);
});
