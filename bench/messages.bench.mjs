// 100-byte messages from one producer to one consumer, unthrottled, each committed and acknowledged; against a bare ring.
import { join } from "node:path";
import { ringPerSecond } from "./bare.mjs";
import { checkCounted, consumer, producer, rateOf, readJson, runFlow, WIDE } from "./flows.mjs";
import { median, rounded, withFolder } from "./measure.mjs";

export async function run({ smoke, runs, log }) {
  const count = smoke ? 2000 : 500_000;
  const seen = { flow: [], ring: [] };
  for (let i = 0; i < runs; i += 1) {
    seen.ring.push(await ringPerSecond(count));
    seen.flow.push(await withFolder((folder) => flowPerSecond(folder, count)));
    log(`flow ${Math.round(seen.flow[i])}, bare ring ${Math.round(seen.ring[i])} messages/s`);
  }
  return { messagesPerSecond: rounded(median(seen.flow), 0), ringMessagesPerSecond: rounded(median(seen.ring), 0) };
}

async function flowPerSecond(folder, count) {
  const out = join(folder, "seen");
  await runFlow(folder, [
    producer("source", "Burst", { count }, { buffer: WIDE }),
    consumer("sink", "Counter", ["source"], { out, count }),
  ]);
  const seen = readJson(out);
  checkCounted(seen, count);
  return rateOf(seen);
}
