import { expect, test } from "@jest/globals";
import { Prng } from "../../src/base/prng.js";
import { withMemory } from "../support/transport.js";
import { expectedOf, type RandomFlow, randomFlow, withState } from "../support/transport-dag.js";
import { type Played, type PlayOptions, play } from "../support/transport-player.js";

const FIRST = Number(process.env["DAG_SEED"] ?? 30_000);
const COUNT = Number(process.env["DAG_COUNT"] ?? (process.env["DAG_SEED"] === undefined ? 40 : 1));

const TIMEOUT_MS = 180_000;

/** Steps that only state and late acknowledgement have; the others are hit without them as well. */
const STEPS = [
  "acknowledged",
  "bits taken back",
  "committed",
  "offered again",
  "prepared",
  "redo written",
  "set aside",
  "slots freed",
  "state written",
  "totals copied",
];

type Check = (flow: RandomFlow, played: Played) => void;

const CHECK: Readonly<Record<"Batch" | "Realtime", Check>> = {
  Batch: (flow, { received }) => {
    for (const [consumer, lines] of expectedOf(flow)) expect([consumer, received.get(consumer) ?? []]).toEqual([consumer, lines]);
  },
  Realtime: (_flow, { received }) => {
    for (const lines of received.values()) expect(positionsOf(lines)).toEqual(positionsOf(lines).toSorted((a, b) => a - b));
    for (const lines of received.values()) expect(new Set(lines).size).toBe(lines.length);
  },
};

function positionsOf(lines: readonly string[]): number[] {
  return lines.map((line) => Number(line.split(" ")[0]));
}

/** @returns the labels of the steps at which something died. */
async function playSeeds(deaths: number, flowType: "Batch" | "Realtime", options: Omit<PlayOptions, "deaths"> = {}): Promise<Set<string>> {
  const labels = new Set<string>();
  for (let seed = FIRST; seed < FIRST + COUNT; seed += 1) {
    const prng = new Prng(seed);
    const flow = withState(randomFlow(prng, flowType));
    await withMemory(flow.plan, (dir) => {
      try {
        const played = play(dir, flow, prng, { deaths, ...options });
        for (const label of played.deaths.keys()) labels.add(label);
        CHECK[flowType](flow, played);
        expect([played.slotsInUse, played.inFlight, played.problems]).toEqual([0, 0, []]);
      } catch (cause) {
        throw new Error(`DAG_SEED=${seed}: ${(cause as Error).message}\n${JSON.stringify(flow.plan)}`, { cause });
      }
    });
  }
  return labels;
}

test(
  "running checksums and late acknowledgements are exactly those of the model",
  async () => {
    expect(await playSeeds(0, "Batch")).toEqual(new Set());
  },
  TIMEOUT_MS,
);

test(
  "after a death at any step the state is the fold of the committed inputs, and what was set aside comes again",
  async () => {
    const labels = await playSeeds(0.05, "Batch", { retires: 0.02 });
    expect(STEPS.filter((label) => !labels.has(label))).toEqual([]);
  },
  TIMEOUT_MS,
);

test(
  "outputs that go out in parts carry the state of their whole unit, through deaths at any step",
  async () => {
    expect([...(await playSeeds(0.05, "Batch", { partSize: 1, retires: 0.01 }))]).toContain("outputs noted");
  },
  TIMEOUT_MS,
);

test(
  "in realtime inputs that are acknowledged late come once and in order through deaths",
  async () => {
    const labels = await playSeeds(0.03, "Realtime");
    expect([...labels]).toContain("set aside");
  },
  TIMEOUT_MS,
);
