// Two sources of 50 events/s joined by event time; one of them drops every third event, so that every third group has only the other.
import { join } from "node:path";
import { consumer, processor, producer, readJson, runFlow } from "./flows.mjs";
import { median, withFolder } from "./measure.mjs";

const PER_SECOND = 50;
/** Until the tasks have started; events before that come all at once. */
const LEAD_MS = 1500;

export async function run({ smoke, runs, log }) {
  const count = smoke ? 15 : 150;
  const seen = [];
  for (let i = 0; i < runs; i += 1) {
    seen.push(await withFolder((folder) => joined(folder, count, smoke ? 0 : LEAD_MS)));
    log(JSON.stringify(seen[i]));
  }
  const figure = (name) => median(seen.map((groups) => groups[name] ?? 0));
  return {
    complete: figure("complete"),
    onlyA: figure("onlyA"),
    onlyB: figure("onlyB"),
  };
}

async function joined(folder, count, leadMs) {
  const out = join(folder, "seen");
  const events = { count, perSecond: PER_SECOND, startMs: Date.now() + leadMs };
  const rules = { mode: "Time", toleranceMs: 12, timeoutMs: 250, quorum: 1 };
  await runFlow(folder, [
    producer("a", "Events", { ...events, sparse: false }),
    producer("b", "Events", { ...events, sparse: true }),
    processor("halves", "Halves", ["a", "b"], {}, { join: rules }),
    consumer("sink", "Tally", ["halves"], { out }),
  ]);
  const groups = readJson(out);
  if (groups.wrong !== undefined) throw new Error(`${groups.wrong} groups of events that do not belong together`);
  return groups;
}
