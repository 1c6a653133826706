import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { chaosNodes, expectedArrivals, linesSink, readArrivals } from "../support/chaos-flow.js";
import { eventually, NODES, type Workplace, workplace } from "../support/flow-process.js";
import { LiveFlow } from "../support/live-flow.js";

let place: Workplace;
let live: LiveFlow;
beforeEach(() => {
  place = workplace();
});
afterEach(() => live.close());

const tick = { name: "tick", role: "Producer", component: `${NODES}#Ticker`, params: { everyMs: 10 } };
const add = { name: "add", role: "Processor", component: `${NODES}#Adder`, inputs: ["tick"], params: { by: 0 } };
const file = { name: "file", role: "Consumer", component: "FileAppender", inputs: ["add"], params: { path: "" } };
const chain = (more: object = {}) => [tick, { ...add, ...more }, { ...file, params: { path: place.path("out") } }];

/** What arrived: number of the message and payload. */
const arrived = () => place.lines("out").map((line) => JSON.parse(line) as { traceId: string; payload: number });
const numbersOf = (lines: ReturnType<typeof arrived>) => lines.map(({ traceId }) => Number(traceId.split(":")[1]) - 1);
const numbers = () => numbersOf(arrived());
const grown = async (by = 20) => {
  const before = place.lines("out").length;
  await eventually("messages arrive", () => place.lines("out").length >= before + by);
};

test("changed params replace the processes of their node alone, and every message arrives once, in order, as it was computed before or after", async () => {
  live = await LiveFlow.start(place, chain());
  await live.untilState("Running");
  await grown();
  const before = live.pids;
  await live.editNode("add", { params: { by: 100_000 } });
  await live.until("the new template", () =>
    live.tasks.some(
      ({ spec, status }) => spec.node === "add" && status?.templateHash === spec.templateHash && status?.pid !== before.get("add.0"),
    ),
  );
  await live.untilSettled();
  await grown();
  expect(["tick.0", "file.0"].map((name) => live.pids.get(name))).toEqual(["tick.0", "file.0"].map((name) => before.get(name)));
  expect(live.pids.get("add.0")).not.toBe(before.get("add.0"));
  const all = arrived();
  const values = all.map(({ payload }) => payload);
  const turn = values.findIndex((value) => value >= 100_000);
  expect(turn).toBeGreaterThan(0);
  expect(values).toEqual(values.map((_, index) => (index < turn ? index : index + 100_000)));
  expect(numbersOf(all)).toEqual(values.map((_, index) => index));
  expect(live.tasks.map(({ status }) => status?.lastExit?.code)).toEqual([75, undefined, undefined]);
  expect(live.tasks.map(({ status }) => status?.restarts)).toEqual([0, 0, 0]);
  process.kill(live.pids.get("add.0") as number, "SIGKILL");
  await live.until("a restart", () => live.tasks[0]?.status?.restarts === 1 && live.tasks[0].status.phase === "Running");
});

test("what needs no other process changes without one", async () => {
  live = await LiveFlow.start(place, chain());
  await live.untilSettled();
  const before = live.pids;
  await live.editNode("add", {
    progressDeadlineSeconds: 30,
    restart: { policy: "OnFailure", initialBackoffSeconds: 2, maxBackoffSeconds: 9, maxRestarts: 1, windowSeconds: 60 },
  });
  await live.until("the new deadline", () => live.tasks[0]?.spec.progressDeadlineSeconds === 30);
  await live.untilSettled();
  await grown();
  expect(live.pids).toEqual(before);
});

test("M1, M2: templates of every node of a graph with replicas, a join, many outputs and state change under load; nothing is lost, repeated or out of order", async () => {
  live = await LiveFlow.start(place, chaosNodes(place, linesSink(place)));
  await live.untilState("Running");
  for (const node of ["work", "join", "chain", "source", "sink", "many"]) {
    const before = live.pids.get(`${node}.0`);
    await live.editNode(node, { retries: 999 });
    await live.until(`a new process of ${node}`, () => live.pids.get(`${node}.0`) !== before && live.pids.get(`${node}.0`) !== undefined);
  }
  await live.untilSettled();
  await live.editNode("work", { params: { ms: 12 } });
  await live.editNode("many", { params: { ms: 4 } });
  await live.untilSettled();
  const messages = readArrivals(place).length + 100;
  place.write("until", String(messages));
  await live.untilState("Succeeded");
  expect(readArrivals(place)).toEqual(expectedArrivals(messages));
});

test("M1, M2: replicas come and go under load, also of a partitioned join, and nothing is lost, repeated or out of order", async () => {
  live = await LiveFlow.start(place, chaosNodes(place, linesSink(place)));
  await live.untilState("Running");
  const source = live.pids.get("source.0");
  for (const [node, nbTasks] of [
    ["pick", 4],
    ["join", 3],
    ["pick", 2],
    ["work", 1],
    ["join", 1],
  ] as const) {
    await live.editNode(node, { nbTasks });
    await live.until(`${nbTasks} tasks of ${node}`, () => live.tasks.filter(({ spec }) => spec.node === node).length === nbTasks);
    await live.untilSettled();
  }
  expect(live.pids.get("source.0")).toBe(source);
  const messages = readArrivals(place).length + 100;
  place.write("until", String(messages));
  await live.untilState("Succeeded");
  expect(readArrivals(place)).toEqual(expectedArrivals(messages));
});

test("an invalid new spec is said and changes nothing; a valid one after it counts", async () => {
  live = await LiveFlow.start(place, chain());
  await live.untilSettled();
  const before = live.pids;
  await live.editNode("add", { inputs: ["nowhere"] });
  await live.until("the refusal", () => live.condition("Accepted") === "False Invalid");
  await grown();
  expect([live.pids, live.condition("Ready"), live.flow.status?.state, live.condition("Stalled")]).toEqual([
    before,
    "True TasksReady",
    "Running",
    "True Invalid",
  ]);
  await live.editNode("add", { inputs: ["tick"] });
  await live.until("the acceptance", () => live.condition("Accepted") === "True Valid");
  expect(live.pids).toEqual(before);
});

test("paused, producers hold back and what is in flight arrives; running again, they go on where they stopped", async () => {
  live = await LiveFlow.start(place, chain());
  await live.untilSettled();
  await grown();
  const before = live.pids;
  await live.edit((spec) => ({ ...spec, desiredState: "Paused" }));
  await live.until(
    "all is drained",
    () => live.condition("Paused") === "True HeldBack" && live.condition("Drained") === "True NothingInFlight",
  );
  const held = place.lines("out").length;
  await new Promise((resume) => setTimeout(resume, 500));
  expect([place.lines("out").length, live.flow.status?.state, live.flow.status?.ready]).toEqual([held, "Paused", "3/3"]);
  await live.edit((spec) => ({ ...spec, desiredState: "Running" }));
  await live.untilState("Running");
  await grown();
  const given = numbers();
  expect([live.pids, given]).toEqual([before, given.map((_, index) => index)]);
});

test("a finished flow runs again when run is raised, under another identity; Succeeded counts per run", async () => {
  live = await LiveFlow.start(place, [
    { ...tick, params: { everyMs: 1, count: 20 } },
    add,
    { ...file, params: { path: place.path("out") } },
  ]);
  await live.untilState("Succeeded");
  const first = live.flow.status?.runId;
  expect(numbers().length).toBe(20);
  await live.edit((spec) => ({ ...spec, run: 2 }));
  await live.until("the second run", ({ status }) => status?.run === 2 && status.state !== "Succeeded");
  expect(live.condition("Succeeded")).toBe("Unknown NotFinished");
  await live.untilState("Succeeded");
  expect([live.flow.status?.runId, live.flow.status?.runId === first, numbers().length]).toEqual([
    `${live.flow.metadata.uid}-2`,
    false,
    20,
  ]);
});
