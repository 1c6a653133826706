import { writeFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { type Workplace, workplace, writeManifest } from "../support/flow-process.js";

let place: Workplace;
beforeEach(() => {
  place = workplace();
});
afterEach(() => place.remove());

test("a file that is no video ends the flow, whose other tasks wait for its frames", async () => {
  writeFileSync(place.path("noise.mp4"), "this is no video".repeat(100));
  const file = writeManifest(place, [
    { name: "reader", role: "Producer", component: "VideoFileReader", params: { path: "noise.mp4" } },
    { name: "same", role: "Processor", component: "Identity", inputs: ["reader"], nbTasks: 2 },
    { name: "nothing", role: "Consumer", component: "VoidConsumer", inputs: ["same"] },
  ]);

  const { code, err } = await place.run(file).ended;

  expect([code, err]).toEqual([1, expect.stringMatching(/error: task .* failed: VIDEO_UNREADABLE: .*noise\.mp4/)]);
  expect(place.leftovers()).toEqual([]);
});
