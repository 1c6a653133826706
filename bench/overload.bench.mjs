// 100 messages/s into a stage that does 40/s: batch delivers all of them, realtime keeps its latency.
import { join } from "node:path";
import { consumer, processor, producer, readJson, runFlow } from "./flows.mjs";
import { median, rounded, withFolder } from "./measure.mjs";

const STAGE_MS = 25;
const PER_SECOND = 100;

export async function run({ smoke, runs, log }) {
  const count = smoke ? 20 : 300;
  const seen = { batch: [], realtime: [], medianMs: [], maxMs: [] };
  for (let i = 0; i < runs; i += 1) {
    seen.batch.push((await latenciesMs("Batch", count)).length);
    const realtime = await latenciesMs("Realtime", count);
    seen.realtime.push(realtime.length);
    seen.medianMs.push(median(realtime));
    seen.maxMs.push(Math.max(...realtime));
    log(`batch ${seen.batch[i]}, realtime ${realtime.length}, median ${rounded(seen.medianMs[i])} ms, max ${rounded(seen.maxMs[i])} ms`);
  }
  const realtime = { delivered: median(seen.realtime), medianMs: rounded(median(seen.medianMs)), maxMs: rounded(median(seen.maxMs)) };
  return { batch: { delivered: median(seen.batch) }, realtime };
}

function latenciesMs(flowType, count) {
  return withFolder(async (folder) => {
    const out = join(folder, "seen");
    const nodes = [
      producer("source", "Paced", { count, perSecond: PER_SECOND }),
      processor("stage", "Stage", ["source"], { stageMs: STAGE_MS }),
      consumer("sink", "Sink", ["stage"], { out }),
    ];
    await runFlow(folder, nodes, { flowType });
    return readJson(out).latenciesMs;
  });
}
