import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { eventually, NODES, type Workplace, workplace, writeManifest } from "../support/flow-process.js";

const COUNT = 600;
let place: Workplace;
beforeEach(() => {
  place = workplace();
});
afterEach(() => place.remove());

/** Bytes of all files below a folder. */
function bytesBelow(folder: string): number {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return entries.reduce((sum, entry) => sum + statSync(join(entry.parentPath ?? entry.path, entry.name)).blocks * 512, 0);
}

/** FRAMES and drops of a node in the report. */
function framesOf(node: string, report: string): { frames: number; dropped: number } {
  const [, frames = "", dropped = "0"] = new RegExp(`^${node} +\\d+ +(\\d+)(?: \\(-(\\d+)\\))?`, "m").exec(report) ?? [];
  return { frames: Number(frames), dropped: Number(dropped) };
}

test("a realtime diamond joins as many as its slow branch passes, never holds up its source, and keeps its memory", async () => {
  const file = writeManifest(
    place,
    [
      {
        name: "source",
        role: "Producer",
        component: `${NODES}#Metronome`,
        params: { perSecond: 100, count: COUNT },
      },
      { name: "slow", role: "Processor", component: `${NODES}#Slow`, inputs: ["source"], params: { ms: 25 } },
      { name: "both", role: "Processor", component: "Joiner", inputs: ["source", "slow"] },
      { name: "sink", role: "Consumer", component: `${NODES}#Collector`, inputs: ["both"], params: { path: place.path("pairs.json") } },
    ],
    { flowType: "Realtime" },
  );
  const flow = place.run(file);
  await eventually(
    () => `messages: ${flow.output}`,
    () => /sink [1-9]/.test(flow.output),
  );
  const early = bytesBelow(place.shm);
  await eventually(
    () => `a hundred messages: ${flow.output}`,
    () => /source [1-5]\d\d /.test(flow.output),
  );
  const late = bytesBelow(place.shm);
  const { code, out } = await flow.ended;
  const pairs = place.json<[number, number][]>("pairs.json");
  const [source, slow] = [framesOf("source", out), framesOf("slow", out)];

  expect(code).toBe(0);
  expect([source.frames, source.dropped > 0, slow.frames < COUNT]).toEqual([COUNT, true, true]);
  expect(pairs.every(([left, right]) => left === right)).toBe(true);
  expect(pairs.map(([left]) => left)).toEqual(pairs.map(([left]) => left).toSorted((a, b) => a - b));
  expect(pairs.length).toBeGreaterThanOrEqual(0.8 * slow.frames);
  expect([early > 0, late]).toEqual([true, early]);
  expect(place.leftovers()).toEqual([]);
});
