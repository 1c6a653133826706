import { expect, test } from "@jest/globals";
import { Prng } from "../../src/base/prng.js";
import { withMemory } from "../support/transport.js";
import { expectedOf, type RandomFlow, randomFlow, withRoom } from "../support/transport-dag.js";
import { type Played, type PlayOptions, play } from "../support/transport-player.js";

const FIRST = Number(process.env["DAG_SEED"] ?? 1);
const COUNT = Number(process.env["DAG_COUNT"] ?? (process.env["DAG_SEED"] === undefined ? 60 : 1));

/** Every labelled step of the batch channel, the commit and the recovery. */
const STEPS = [
  "acknowledged",
  "applied",
  "attempt",
  "bits set",
  "bits taken back",
  "cell filled",
  "committed",
  "end written",
  "half taken",
  "ledger written",
  "number final",
  "offered again",
  "outputs noted",
  "prepared",
  "published",
  "recovered",
  "redo written",
  "rung",
  "slot freed",
  "slots freed",
  "totals copied",
  "written",
];

const SCALING_STEPS = ["left", "number final", "replica files made", "most replicas raised", "room added"];

const REALTIME_STEPS = ["cell claimed", "dropping", "drop released", "given up", "releasing"];

async function playSeed(
  seed: number,
  options: PlayOptions,
  flowType: "Batch" | "Realtime" = "Batch",
): Promise<{ readonly flow: RandomFlow; readonly played: Played }> {
  const prng = new Prng(seed);
  const drawn = randomFlow(prng, flowType);
  const flow = options.scales === undefined ? drawn : withRoom(drawn, prng);
  try {
    return await withMemory(flow.plan, (dir) => {
      const played = play(dir, flow, prng, options);
      check[flowType](flow, played);
      return { flow, played };
    });
  } catch (cause) {
    throw new Error(`seed ${seed}: ${(cause as Error).message}\n${JSON.stringify(flow.plan)}\nreplay: DAG_SEED=${seed}`, { cause });
  }
}

const check = {
  Batch(flow: RandomFlow, played: Played): void {
    for (const [consumer, lines] of expectedOf(flow, played.tasks)) {
      expect([consumer, played.received.get(consumer) ?? []]).toEqual([consumer, lines]);
    }
    checkRest(flow, played);
  },
  /** Some of the messages, each once, in order. */
  Realtime(flow: RandomFlow, played: Played): void {
    for (const [consumer, lines] of expectedOf(flow, played.tasks)) {
      const received = new Set(played.received.get(consumer));
      expect([consumer, played.received.get(consumer) ?? []]).toEqual([consumer, lines.filter((line) => received.has(line))]);
    }
    checkRest(flow, played);
  },
};

function checkRest(flow: RandomFlow, played: Played): void {
  const tasks = flow.plan.nodes
    .filter((node) => node.inputs.length > 0)
    .flatMap((node) => Array.from({ length: played.tasks.get(node.name) as number }, (_, task) => `${node.name}.${task}`));
  expect(tasks.filter((task) => played.ends.get(task) !== 1)).toEqual([]);
  expect([...played.ends.values()].filter((times) => times !== 1)).toEqual([]);
  expect(played.slotsInUse).toBe(0);
  expect(played.inFlight).toBe(0);
  expect(played.problems).toEqual([]);
}

test("every consumer of a random graph gets exactly its messages in order, ends once, and leaves every slot and cell free", async () => {
  for (let seed = FIRST; seed < FIRST + COUNT; seed += 1) await playSeed(seed, {});
});

test("deaths at any step of the channel, the commit and the recovery lose and repeat nothing", async () => {
  const labels = new Map<string, number>();
  let parts = 0;
  for (let seed = FIRST + 10_000; seed < FIRST + 10_000 + COUNT; seed += 1) {
    const { played } = await playSeed(seed, seed % 2 === 0 ? { deaths: 0.05 } : { deaths: 0.05, partSize: 1 + (seed % 3) });
    for (const [label, times] of played.deaths) labels.set(label, (labels.get(label) ?? 0) + times);
    parts += played.parts;
  }
  expect([...labels.keys()].sort()).toEqual(STEPS);
  expect(parts).toBeGreaterThan(COUNT / 3);
});

test("incarnations that make way, dying on the way or not, lose and repeat nothing", async () => {
  const labels = new Set<string>();
  let retired = 0;
  for (let seed = FIRST + 30_000; seed < FIRST + 30_000 + COUNT / 2; seed += 1) {
    const { played } = await playSeed(seed, { deaths: 0.02, retires: 0.1, ...(seed % 2 === 0 ? {} : { partSize: 1 }) });
    retired += played.retired;
    for (const label of played.deaths.keys()) labels.add(label);
  }
  expect(retired).toBeGreaterThan(100);
  expect([...labels]).toContain("left");
});

test("replicas that come and go, dying on the way or not, lose and repeat nothing", async () => {
  const labels = new Set<string>();
  let scaled = 0;
  for (let seed = FIRST + 40_000; seed < FIRST + 40_000 + COUNT; seed += 1) {
    const { played } = await playSeed(seed, {
      ...(seed % 2 === 0 ? { deaths: 0.03 } : {}),
      retires: 0.02,
      scales: 0.1,
      ...(seed % 3 === 0 ? { partSize: 1 } : {}),
    });
    scaled += played.scaled;
    for (const label of played.deaths.keys()) labels.add(label);
  }
  expect(scaled).toBeGreaterThan(COUNT);
  expect(SCALING_STEPS.filter((label) => !labels.has(label))).toEqual([]);
});

test("in realtime every consumer of a random graph gets some of its messages, each once and in order, through deaths at any step", async () => {
  const labels = new Set<string>();
  for (let seed = FIRST + 20_000; seed < FIRST + 20_000 + COUNT; seed += 1) {
    const { played } = await playSeed(seed, { deaths: 0.03, retires: 0.05, scales: 0.05 }, "Realtime");
    for (const label of played.deaths.keys()) labels.add(label);
  }
  expect(REALTIME_STEPS.filter((label) => !labels.has(label))).toEqual([]);
});
