import { resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { eventually, NODES, type Workplace, workplace } from "../support/flow-process.js";
import { LiveFlow } from "../support/live-flow.js";

const STUCK = resolve("test/fixtures/components/stuck-nodes.mjs");
let place: Workplace;
let live: LiveFlow;
beforeEach(() => {
  place = workplace();
});
afterEach(() => live.close());

const deadline = { progressDeadlineSeconds: 4 };
const processor = (name: string, input: string, component: string, params: object, more: object = {}) => ({
  ...{ name, role: "Processor", inputs: [input], component, params, ...deadline, ...more },
});
/** tick → first → second → file */
const chain = (second: object) => [
  { name: "tick", role: "Producer", component: `${NODES}#Ticker`, params: { everyMs: 5 }, ...deadline },
  processor("first", "tick", `${NODES}#Adder`, { by: 0 }),
  second,
  { name: "file", role: "Consumer", component: "FileAppender", inputs: ["second"], params: { path: place.path("out") }, ...deadline },
];
const arrived = () => place.lines("out").map((line) => (JSON.parse(line) as { payload: number }).payload);
const killed = () => live.tasks.flatMap(({ spec, status }) => (status?.lastExit?.reason === "NoProgress" ? [spec.node] : []));
const grown = async () => {
  const before = arrived().length;
  await eventually("messages arrive", () => arrived().length > before + 50);
};

test("with the last of four nodes stopped, only that one is replaced, although all before it stand still", async () => {
  live = await LiveFlow.start(place, chain(processor("second", "first", `${NODES}#Adder`, { by: 0 })));
  await live.untilSettled();
  await grown();
  const before = live.pids;
  process.kill(before.get("file.0") as number, "SIGSTOP");
  await live.until("file is replaced", () => killed().includes("file"));
  await live.untilSettled();
  await grown();
  const after = live.pids;
  expect(killed()).toEqual(["file"]);
  expect([...before].filter(([name, pid]) => after.get(name) !== pid).map(([name]) => name)).toEqual(["file.0"]);
  const values = arrived();
  expect(values).toEqual(values.map((_, index) => index));
});

test("a stopped task is found while it waits for input that does not come; in a paused flow it is left alone", async () => {
  const slow = { name: "tick", role: "Producer", component: `${NODES}#Ticker`, params: { everyMs: 10, count: 20 } };
  const [, , , file] = chain(processor("second", "first", `${NODES}#Adder`, { by: 0 }));
  const held = { ...slow, name: "late", params: { everyMs: 600_000 } };
  live = await LiveFlow.start(place, [
    ...[slow, held, processor("first", "tick", `${NODES}#Adder`, { by: 0 }), processor("idle", "late", `${NODES}#Adder`, { by: 0 })],
    { ...file, inputs: ["first"] },
    { ...file, name: "end", inputs: ["idle"], params: { path: place.path("none") } },
  ]);
  await live.untilSettled();
  const before = live.pids;
  const stop = (name: string) => process.kill(before.get(name) as number, "SIGSTOP");
  await live.edit((spec) => ({ ...spec, desiredState: "Paused" }));
  await live.until("the pause", () => live.condition("Paused") === "True HeldBack");
  stop("idle.0");
  await new Promise((resume) => setTimeout(resume, 5_500));
  expect(killed()).toEqual([]);
  await live.edit((spec) => ({ ...spec, desiredState: "Running" }));
  await live.until("idle is replaced", () => killed().includes("idle"));
  await live.until("another process", () => ![undefined, before.get("idle.0")].includes(live.pids.get("idle.0")));
  expect(killed()).toEqual(["idle"]);
});

test("a task that spins in user code is found and replaced, and the input is tried again", async () => {
  const once = place.path("once");
  live = await LiveFlow.start(place, chain(processor("second", "first", `${STUCK}#BusyLoop`, { at: 100, once })));
  await live.until("second is replaced", () => killed().includes("second"));
  await live.untilSettled();
  await grown();
  expect(killed()).toEqual(["second"]);
  const values = arrived();
  expect(values).toEqual(values.map((_, index) => index));
});

test("a crash loop backs off, ends at its budget, and says the last 20 lines of its log; its siblings run until then", async () => {
  const restart = { initialBackoffSeconds: 0.4, maxBackoffSeconds: 60, maxRestarts: 3, windowSeconds: 600 };
  live = await LiveFlow.start(place, chain(processor("second", "first", `${STUCK}#CrashLoop`, {}, { restart })));
  await live.untilState("Failed");
  const second = live.tasks.find(({ spec }) => spec.node === "second")?.status;
  const lines = second?.lastExit?.message?.split("\n") ?? [];
  expect([second?.reason, second?.restarts, lines.length]).toEqual(["RestartBudgetSpent", 3, 20]);
  expect(lines.at(-1)).toMatch(/^line 30 of/);
  expect(live.condition("Succeeded")).toBe("False RestartBudgetSpent");
  expect(live.tasks.filter(({ spec }) => spec.node !== "second").map(({ status }) => status?.restarts)).toEqual([0, 0, 0]);
  const starts = live.notes
    .filter((note) => /second\.0 (Restarting|Backoff)/.test(note))
    .map((note) => /(Restarting|Backoff: starts again after [\d.]+ s)/.exec(note)?.[1]);
  expect(starts.filter((text) => text === "Restarting").length).toBe(3);
  const waits = starts.flatMap((text) => (text?.startsWith("Backoff") ? [Number(/([\d.]+) s/.exec(text)?.[1])] : []));
  expect(waits.map((seconds, index) => Math.abs(seconds - 0.4 * 2 ** index) <= 0.1 * 0.4 * 2 ** index + 0.06)).toEqual(
    waits.map(() => true),
  );
  expect(waits.length).toBeGreaterThanOrEqual(1);
});
