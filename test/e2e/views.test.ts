import { resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { readLetters } from "../../src/base/dead-letters.js";
import { type Workplace, workplace, writeManifest } from "../support/flow-process.js";

const VIEWS = resolve("test/fixtures/components/view-nodes.mjs");
const PATIENT = { restart: { initialBackoffSeconds: 0, maxBackoffSeconds: 0.05 } };
/** The frames go round the buffers of the source many times. */
const FRAMES = 60;
const KEPT = 3;

let place: Workplace;
beforeEach(() => {
  place = workplace();
});
afterEach(() => place.remove());

const node = (name: string, component: string, params: object = {}, more: object = {}) => [
  { name, role: "Processor", component: `${VIEWS}#${component}`, inputs: ["frames"], params, ...more },
  { name: `${name}-lines`, role: "Consumer", component: "FileAppender", inputs: [name], params: { path: `${name}.jsonl` } },
];
const frames = { name: "frames", role: "Producer", component: `${VIEWS}#Frames`, params: { count: FRAMES } };
const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, i) => from + i);
const seen = (name: string) => place.lines(`${name}.jsonl`).map((line) => (JSON.parse(line) as { payload: unknown }).payload);

test("of one fan-out one node changes its frames, one retains them, one forgets to, and each sees what it is promised", async () => {
  const nodes = [frames, ...node("painter", "Painter"), ...node("hoarder", "Hoarder", { kept: KEPT }), ...node("forgetful", "Forgetful")];

  const { code, out } = await place.run(writeManifest(place, nodes)).ended;

  expect([code, out]).toEqual([0, expect.stringContaining("Succeeded")]);
  expect(seen("painter")).toEqual(numbers(FRAMES).map((number) => `${number} became ${255 - number}`));
  expect(seen("hoarder")).toEqual(
    numbers(FRAMES).map((number) => ({
      kept: numbers(Math.min(KEPT, number + 1), Math.max(0, number + 1 - KEPT)),
      gone: number < KEPT ? undefined : "MESSAGE_RELEASED",
    })),
  );
  expect(seen("forgetful")).toEqual(numbers(FRAMES - 1).map((number) => ({ neglected: "MESSAGE_RELEASED", copied: number })));
  expect(place.leftovers()).toEqual([]);
});

test("a node that writes into a frame that is not its own dies of it, and run, status and dead letter say what to do", async () => {
  const vandal = node("vandal", "Vandal", { at: [7] }, { ...PATIENT, retries: 1 });
  const file = writeManifest(place, [frames, ...vandal, ...node("hoarder", "Hoarder", { kept: KEPT })]);

  const { code, out, err } = await place.run(file, ["--dead-letters", place.path("letters")]).ended;

  const advice = /SIGSEGV: .*wrote into an input frame, copy it, or declare changesInputs/;
  expect([code, out]).toEqual([0, expect.stringContaining("1 dead letters")]);
  expect(err.split("\n").filter((line) => line.includes("Restarting"))).toEqual(Array(2).fill(expect.stringMatching(advice)));
  expect(readLetters(place.path("letters"))).toEqual([
    expect.objectContaining({ node: "vandal", position: 7, attempts: 2, cause: "Death", error: expect.stringMatching(advice) }),
  ]);
  expect(seen("vandal")).toEqual(numbers(FRAMES).filter((number) => number !== 7));
  expect(seen("hoarder").flatMap((one) => (one as { kept: unknown[] }).kept)).not.toContain("torn");
});

test("a flow that ends because of it ends with that advice", async () => {
  const vandal = node("vandal", "Vandal", { at: numbers(FRAMES) }, { restart: { maxRestarts: 1, initialBackoffSeconds: 0.05 } });

  const { code, err } = await place.run(writeManifest(place, [frames, ...vandal])).ended;

  expect([code, err]).toEqual([1, expect.stringMatching(/error: RestartBudgetSpent: .*copy it, or declare changesInputs/s)]);
  expect(place.leftovers()).toEqual([]);
});
