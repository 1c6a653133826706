// One producer of 1080p frames with four consumers that check them in place, against one consumer: fan-out copies nothing, and all see
// each frame in the place where the producer wrote it.
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
      log(
        `one consumer ${rounded(seen.one[i])}, four ${rounded(seen.four[i])} frames/s each, all ${count} in the place where the producer wrote them`,
      );
    }
    return { fpsPerConsumer: rounded(median(seen.four)), ratio: rounded(median(seen.four) / median(seen.one)) };
  });
}

/**
 * @returns frames per second at the median consumer.
 * @throws Error if a frame was lost, copied more than once, or seen in another place than the producer's.
 */
function fps(consumers, count, statistics) {
  return withFolder(async (folder) => {
    const outs = Array.from({ length: consumers }, (_, i) => join(folder, `seen-${i}`));
    const places = ["frames", ...outs.keys()].map((name) => join(folder, `places-${name}`));
    const sinks = outs.map((out, i) => consumer(`sink-${i}`, "Located", ["frames"], { out, count, statistics, offsets: places[i + 1] }));
    await runFlow(folder, [frameProducer(count, { statistics, offsets: places[0] }), ...sinks]);
    const all = outs.map(readJson);
    for (const seen of all) checkCounted(seen, count);
    const copied = Math.max(...all.map((seen) => seen.copied));
    if (copied !== count * FRAME.bytes) throw new Error(`${copied} bytes copied for ${count} frames of ${FRAME.bytes}`);
    checkPlaces(places.map(readJson), count);
    return median(all.map(rateOf));
  });
}

/** @param offsets of every frame in the pool file: as the producer's redo record had them, then as mapped in each consumer. */
function checkPlaces([written, ...seen], count) {
  if (written.length !== count) throw new Error(`the places of ${written.length} of ${count} frames are known`);
  for (const [consumer, offsets] of seen.entries()) {
    const frame = written.findIndex((offset, i) => offset !== offsets[i]);
    if (frame < 0) continue;
    throw new Error(`frame ${frame} was written at ${written[frame]}, consumer ${consumer} saw it at ${offsets[frame]}`);
  }
}
