// 1080p frames from producer to consumer, each copied once into its slot: checked in place (handover), or copied out again (readOut).
import { join } from "node:path";
import { memcpyPerSecond } from "./bare.mjs";
import { checkCounted, consumer, producer, rateOf, readJson, runFlow } from "./flows.mjs";
import { median, rounded, withFolder } from "./measure.mjs";
import { withStatistics } from "./statistics.mjs";

export const FRAME = { width: 1920, height: 1080, bytes: 1920 * 1080 * 3 };

export function run({ smoke, runs, log }) {
  return withStatistics(async (statistics) => {
    const count = smoke ? 24 : 1500;
    const seen = { memcpy: [], handover: [], readOut: [], copies: [] };
    for (let i = 0; i < runs; i += 1) {
      seen.memcpy.push(await memcpyPerSecond(FRAME.bytes, count));
      const handover = await frames("Handover", count, statistics);
      seen.handover.push(handover.fps);
      seen.copies.push(handover.copiesPerFrame);
      seen.readOut.push((await frames("ReadOut", count, statistics)).fps);
      log(`memcpy ${rounded(seen.memcpy[i])}, handover ${rounded(seen.handover[i])}, readOut ${rounded(seen.readOut[i])} frames/s`);
    }
    const [memcpyFps, handoverFps, readOutFps, copiesPerFrame] = Object.values(seen).map(median);
    return {
      handoverFps: rounded(handoverFps),
      readOutFps: rounded(readOutFps),
      memcpyFps: rounded(memcpyFps),
      handoverRatio: rounded(handoverFps / memcpyFps),
      readOutRatio: rounded(readOutFps / memcpyFps),
      copiesPerFrame: rounded(copiesPerFrame),
    };
  });
}

function frames(component, count, statistics) {
  return withFolder(async (folder) => {
    const out = join(folder, "seen");
    await runFlow(folder, [frameProducer(count), consumer("sink", component, ["frames"], { out, count, statistics })]);
    const seen = readJson(out);
    checkCounted(seen, count);
    return { fps: rateOf(seen), copiesPerFrame: seen.copied / (count * FRAME.bytes) };
  });
}

export function frameProducer(count, more = {}) {
  return producer("frames", "Frames", { count, width: FRAME.width, height: FRAME.height, ...more });
}
