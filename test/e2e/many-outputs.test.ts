import { readFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { EdgeSnapshot } from "../../src/api/snapshot.js";
import { readLetters } from "../../src/base/dead-letters.js";
import { type Ended, NODES, type Workplace, workplace, writeManifest } from "../support/flow-process.js";
import { describePython } from "../support/python.js";

const VALUES = 4;
/** Two whole parts and one that is not full. */
const OUTPUTS = 150;

let place: Workplace;
beforeEach(() => {
  place = workplace();
});
afterEach(() => place.remove());

const ticker = { name: "source", role: "Producer", component: `${NODES}#Ticker`, params: { count: VALUES, everyMs: 0 } };
const burst = (more: object) => ({ name: "burst", role: "Processor", component: `${NODES}#Burster`, inputs: ["source"], ...more });
const lines = (input: string) => ({
  name: "lines",
  role: "Consumer",
  component: "FileAppender",
  inputs: [input],
  params: { path: "lines" },
});
const burstOf = (value: number) => Array.from({ length: OUTPUTS }, (_, k) => value * 1000 + k);
const values = Array.from({ length: VALUES }, (_, value) => value);
const payloads = () => place.lines("lines").map((line) => (JSON.parse(line) as { payload: number }).payload);

/** From the last line of `run --json`. */
function edgesOf({ out }: Ended): Pick<EdgeSnapshot, "from" | "produced" | "acknowledged" | "deadLettered" | "dropped" | "marks">[] {
  const result = JSON.parse(out.trimEnd().split("\n").at(-1) ?? "") as { edges: EdgeSnapshot[] };
  return result.edges.map(({ from, produced, acknowledged, deadLettered, dropped, marks }) => ({
    from,
    produced,
    acknowledged,
    deadLettered,
    dropped,
    marks,
  }));
}

test("150 outputs of one input arrive in order behind two tasks, and the ledger of every edge adds up", async () => {
  const file = writeManifest(place, [
    ticker,
    burst({ params: { count: OUTPUTS }, nbTasks: 2 }),
    { name: "plus", role: "Processor", component: `${NODES}#Adder`, inputs: ["burst"], params: { by: 0.5 }, nbTasks: 2 },
    lines("plus"),
  ]);

  const ended = await place.run(file, ["--json"]).ended;

  expect([ended.code, ended.err]).toEqual([0, ""]);
  expect(payloads()).toEqual(values.flatMap(burstOf).map((value) => value + 0.5));
  const all = { deadLettered: 0, dropped: 0 };
  expect(edgesOf(ended).toSorted((a, b) => a.from.localeCompare(b.from))).toEqual([
    { from: "burst", ...all, produced: VALUES * OUTPUTS, acknowledged: VALUES * OUTPUTS, marks: 2 },
    { from: "plus", ...all, produced: VALUES * OUTPUTS, acknowledged: VALUES * OUTPUTS, marks: 4 },
    { from: "source", ...all, produced: VALUES, acknowledged: VALUES, marks: 0 },
  ]);
  expect(place.leftovers()).toEqual([]);
});

test("an input that fails at its 71st output goes to the dead letters; what was out stays, and the others are whole", async () => {
  const file = writeManifest(place, [ticker, burst({ params: { count: OUTPUTS, bad: 70, of: 1 }, retries: 2 }), lines("burst")]);

  const { code, out } = await place.run(file, ["--dead-letters", place.path("letters")]).ended;

  expect([code, out]).toEqual([0, expect.stringContaining("ledger: 518 messages on 2 edges: 517 acknowledged, 1 dead letters")]);
  expect(payloads()).toEqual(values.flatMap((value) => burstOf(value).slice(0, value === 1 ? 64 : OUTPUTS)));
  expect(readLetters(place.path("letters")).map(({ position, attempts }) => [position, attempts])).toEqual([[1, 3]]);
});

describePython("a node in Python", () => {
  test("gives 150 outputs of one input too", async () => {
    place.write("nodes.py", readFileSync("test/fixtures/python/nodes.py", "utf8"));
    const file = writeManifest(place, [ticker, burst({ component: "python:nodes:Burster", params: { count: OUTPUTS } }), lines("burst")]);

    expect((await place.run(file).ended).code).toBe(0);
    expect(payloads()).toEqual(values.flatMap(burstOf));
  });
});
