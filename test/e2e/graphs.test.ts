import { resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { NODES, type Workplace, workplace, writeManifest } from "../support/flow-process.js";

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);
let place: Workplace;
beforeEach(() => {
  place = workplace();
});
afterEach(() => place.remove());

const ticker = (count: number) => ({ name: "source", role: "Producer", component: `${NODES}#Ticker`, params: { count, everyMs: 0 } });
const processor = (name: string, component: string, inputs: string[], rest: object = {}) => ({
  name,
  role: "Processor",
  component: component.startsWith("#") ? `${NODES}${component}` : component,
  inputs,
  ...rest,
});
const collector = (input: string) => ({
  name: "sink",
  role: "Consumer",
  component: `${NODES}#Collector`,
  inputs: [input],
  params: { path: place.path("seen.json") },
});

/** Runs a flow to its end. @returns what its sink saw. */
async function outputOf(nodes: readonly object[]): Promise<unknown[]> {
  const { code, out, err } = await place.run(writeManifest(place, nodes)).ended;
  expect([code, out + err]).toEqual([0, expect.stringContaining("Succeeded")]);
  expect(place.leftovers()).toEqual([]);
  return place.json("seen.json");
}

test("of a batch flow only tasks that share their parent with other nodes let it finish its turn", async () => {
  const scheduled = (name: string, inputs: string[]) => processor(name, "#Scheduled", inputs);
  const seen = await outputOf([
    ticker(2),
    scheduled("alone", ["source"]),
    scheduled("left", ["alone"]),
    scheduled("right", ["alone"]),
    processor("told", "Joiner", ["left", "right"]),
    collector("told"),
  ]);
  expect(seen).toEqual([
    [3, 3],
    [3, 3],
  ]);
  expect(await outputOf([ticker(1), scheduled("alone", ["source"]), collector("alone")])).toEqual([0]);
});

describe("a batch flow gives exactly its outputs, in order", () => {
  test("where branches of several tasks, one of them a filter, meet again", async () => {
    const seen = await outputOf([
      ticker(120),
      processor("more", "#Adder", ["source"], { params: { by: 1000 }, nbTasks: 3 }),
      processor("even", "#Multiples", ["source"], { params: { of: 2 }, nbTasks: 2 }),
      processor("both", "Joiner", ["source", "more", "even"]),
      collector("both"),
    ]);

    expect(seen).toEqual(numbers(60).map((n) => [2 * n, 2 * n + 1000, 2 * n]));
  });

  test("where two tasks give none to three outputs each, and more when their input ends", async () => {
    const seen = await outputOf([
      ticker(90),
      processor("many", "#Repeater", ["source"], { nbTasks: 2 }),
      processor("next", "Identity", ["many"], { nbTasks: 2 }),
      collector("next"),
    ]);
    const repeated = numbers(90).flatMap((n) => numbers(n % 4).map((k) => [n, k]));

    expect(seen.slice(0, -2)).toEqual(repeated);
    expect(seen.slice(-2).toSorted()).toEqual(["flushed 0", "flushed 1"]);
  });

  test("where each key belongs to one of three tasks", async () => {
    const seen = (await outputOf([
      { name: "source", role: "Producer", component: `${NODES}#Keyed`, params: { count: 90 } },
      processor("teller", "#KeyTeller", ["source"], { nbTasks: 3, partitionBy: "key" }),
      collector("teller"),
    ])) as { value: number; key: string; task: number }[];
    const owners = new Set(seen.map(({ key, task }) => `${key} ${task}`));

    expect(seen.map(({ value, key }) => [value, key])).toEqual(numbers(90).map((n) => [n, `k${n % 3}`]));
    expect(owners.size).toBe(3);
  });

  test("where functions and a fused module run in tasks of their own", async () => {
    place.install();
    const env = { SEEN: place.path("seen.json"), FLOW: place.flow };
    const flow = place.run(resolve("test/fixtures/flows/fused.ts"), [], { env });
    const { code, out, err } = await flow.ended;

    expect([code, out + err]).toEqual([0, expect.stringContaining("Succeeded")]);
    expect(place.json("seen.json")).toEqual(
      numbers(60)
        .map((n) => 10 * n + 1)
        .filter((n) => n % 3 === 0)
        .map((n) => ({ n })),
    );
    expect(place.leftovers()).toEqual([]);
  });
});
