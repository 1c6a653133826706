// One producer of 1080p frames with four consumers that check them in place, against one consumer: fan-out copies nothing.
import { join } from "node:path";
import { checkCounted, consumer, rateOf, readJson, runFlow } from "./flows.mjs";
import { FRAME, frameProducer } from "./frames.bench.mjs";
import { median, rounded, withFolder } from "./measure.mjs";
import { withStatistics } from "./statistics.mjs";

export function run({ smoke, runs, log }) {
  return withStatistics(async (statistics) => {
    const count = smoke ? 24 : 1500;
    const seen = { one: [], four: [] };
    for (let i = 0; i < runs; i += 1) {
      seen.one.push(await fps(1, count, statistics));
      seen.four.push(await fps(4, count, statistics));
      log(`one consumer ${rounded(seen.one[i])}, four ${rounded(seen.four[i])} frames/s each`);
    }
    return { fpsPerConsumer: rounded(median(seen.four)), ratio: rounded(median(seen.four) / median(seen.one)) };
  });
}

/** @returns frames per second at the median consumer. @throws Error if a frame was lost or copied more than once. */
function fps(consumers, count, statistics) {
  return withFolder(async (folder) => {
    const outs = Array.from({ length: consumers }, (_, i) => join(folder, `seen-${i}`));
    const sinks = outs.map((out, i) => consumer(`sink-${i}`, "Handover", ["frames"], { out, count, statistics }));
    await runFlow(folder, [frameProducer(count), ...sinks]);
    const all = outs.map(readJson);
    for (const seen of all) checkCounted(seen, count);
    const copied = Math.max(...all.map((seen) => seen.copied));
    if (copied !== count * FRAME.bytes) throw new Error(`${copied} bytes copied for ${count} frames of ${FRAME.bytes}`);
    return median(all.map(rateOf));
  });
}
