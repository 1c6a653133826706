// Payloads of 1 KiB to 6 MiB from producer to consumer, checked in place, against copies of 6 MiB from private to shared memory.
import { join } from "node:path";
import { memcpyPerSecond } from "./bare.mjs";
import { checkCounted, consumer, producer, rateOf, readJson, runFlow, WIDE } from "./flows.mjs";
import { median, rounded, withFolder } from "./measure.mjs";

const KIB = 1024;
const LARGEST = 6 * KIB * KIB;
const SIZES = [KIB, 16 * KIB, 64 * KIB, 256 * KIB, KIB * KIB, LARGEST];
/** Enough for a second of work. */
const BYTES = 3 * KIB * KIB * KIB;
const MOST = 100_000;

export async function run({ smoke, runs, log }) {
  const sizes = smoke ? [KIB, LARGEST] : SIZES;
  const seen = new Map(sizes.map((bytes) => [bytes, []]));
  const memcpy = [];
  for (let i = 0; i < runs; i += 1) {
    memcpy.push(megabytes(LARGEST, await memcpyPerSecond(LARGEST, smoke ? 24 : 500)));
    for (const bytes of sizes) seen.get(bytes).push(await mbPerSecond(bytes, smoke ? 20 : Math.min(MOST, Math.ceil(BYTES / bytes))));
    log([...seen].map(([bytes, values]) => `${bytes} bytes ${rounded(values[i])} MB/s`).join(", "));
  }
  const perSize = Object.fromEntries([...seen].map(([bytes, values]) => [bytes, rounded(median(values))]));
  return { mbPerSecond: perSize, memcpyMbPerSecond: rounded(median(memcpy)) };
}

function mbPerSecond(bytes, count) {
  return withFolder(async (folder) => {
    const out = join(folder, "seen");
    const buffer = bytes < KIB * KIB ? { buffer: WIDE } : {};
    await runFlow(folder, [producer("source", "Burst", { count, bytes }, buffer), consumer("sink", "Counter", ["source"], { out, count })]);
    const seen = readJson(out);
    checkCounted(seen, count);
    return megabytes(bytes, rateOf(seen));
  });
}

function megabytes(bytes, perSecond) {
  return (bytes * perSecond) / 1e6;
}
