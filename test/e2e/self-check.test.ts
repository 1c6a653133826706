import { resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { gpus, gpuUuid, NODES, type Workplace, workplace, writeManifest } from "../support/flow-process.js";
import { describePython } from "../support/python.js";

let place: Workplace;
beforeEach(() => {
  place = workplace();
});
afterEach(() => place.remove());

/** A flow whose one processor takes a GPU by itself. */
async function run(component: string, more: object) {
  const file = writeManifest(place, [
    { name: "ticker", role: "Producer", component: `${NODES}#Ticker` },
    { name: "thief", role: "Processor", component, inputs: ["ticker"], restart: { maxRestarts: 0 }, ...more },
    { name: "sink", role: "Consumer", component: `${NODES}#Collector`, inputs: ["thief"] },
  ]);
  return place.run(file, gpus(place, 2)).ended;
}

describe("code that a node imports", () => {
  const component = `${resolve("test/fixtures/components/thief.mjs")}#Thief`;

  test.each([
    ["with a GPU of its own", { deviceType: "GPU" }, gpuUuid(0)],
    ["on the CPU", {}, "-1"],
  ])("cannot take another GPU than the one granted, %s: the task never gets ready", async (_name, more, granted) => {
    const { code, err } = await run(component, more);

    expect(code).toBe(1);
    expect(err).toContain(`node "thief" was granted CUDA_VISIBLE_DEVICES=${granted}, but its process sees 0`);
  });
});

describePython("Python code", () => {
  test("cannot take one either", async () => {
    const { code, err } = await run(`python:nodes:Thief`, { workingDir: resolve("test/fixtures/python") });

    expect(code).toBe(1);
    expect(err).toContain("CUDA_VISIBLE_DEVICES is 0, but the task was granted -1");
  });
});
