import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { openControl, readPlan } from "../../src/transport/files.js";
import { eventually, liveTasks, memoryOf, NODES, type Workplace, workplace, writeManifest } from "../support/flow-process.js";

let place: Workplace;
beforeEach(() => {
  place = workplace();
});
afterEach(() => place.remove());

test("a run whose ledger does not add up has not succeeded, although every task finished", async () => {
  const file = writeManifest(place, [
    { name: "source", role: "Producer", component: `${NODES}#Ticker`, params: { count: 30, everyMs: 50 } },
    { name: "sink", role: "Consumer", component: "VoidConsumer", inputs: ["source"] },
  ]);
  const flow = place.run(file);
  const dir = await eventually("a task at work", () => liveTasks(place.flow).flatMap(({ pid }) => memoryOf(pid) ?? [])[0]);
  const control = openControl(dir, readPlan(dir));
  const acknowledged = (control.layout.edges[0]?.ledger ?? 0) / 2;
  await eventually("a message", () => (control.f64[acknowledged] as number) > 2);
  control.f64[acknowledged] = (control.f64[acknowledged] as number) - 1; // As if a message had been lost.
  control.unmap();

  const { code, out, err } = await flow.ended;

  expect([code, out]).toEqual([1, expect.stringContaining(`${place.flow}: Failed`)]);
  expect(err).toContain("edge source -> sink: 30 messages produced, 29 settled: 29 acknowledged, 0 dead letters, 0 dropped");
  expect(err).toContain("LedgerMismatch");
  expect(place.leftovers()).toEqual([]);
});
