// A diamond whose join blocks 20 ms and is partitioned by a key over 1, 2 and 4 tasks; the ideal is bounded by the largest partition.
import { join } from "node:path";
import { stageMs } from "./bare.mjs";
import { consumer, processor, producer, readJson, readyFolder, runFlow, WIDE } from "./flows.mjs";
import { median, rounded, withFolder } from "./measure.mjs";

const STAGE_MS = 20;

export async function run({ smoke, runs, log }) {
  const [counts, messages] = smoke ? [[1, 2], 8] : [[1, 2, 4], 600];
  const seen = new Map(counts.map((tasks) => [tasks, []]));
  const bare = [];
  for (let i = 0; i < runs; i += 1) {
    bare.push(await stageMs(STAGE_MS, smoke ? 5 : 50));
    for (const tasks of counts) seen.get(tasks).push(await withFolder((folder) => joined(folder, tasks, messages)));
    log([...seen].map(([tasks, results]) => `${tasks}: ${rounded(results[i].perSecond)}/s, share ${results[i].share}`).join(", "));
  }
  const each = (figure) => Object.fromEntries([...seen].map(([tasks, results]) => [tasks, rounded(median(results.map(figure)), 3)]));
  const ideal = ({ share }) => 1000 / (share * median(bare));
  return {
    perSecond: each(({ perSecond }) => perSecond),
    efficiency: each((result) => result.perSecond / ideal(result)),
    share: each(({ share }) => share),
    correct: each(({ correct }) => correct),
  };
}

/** @returns messages per second, the largest partition's share of the messages, and how many arrived in order with both their halves. */
async function joined(folder, tasks, messages) {
  const [out, ready] = [join(folder, "seen"), readyFolder(folder)];
  const stage = { stageMs: STAGE_MS, ready };
  await runFlow(folder, [
    producer("source", "Keyed", { count: messages, ready, tasks }, { buffer: WIDE }),
    processor("left", "Same", ["source"], {}, { buffer: WIDE }),
    processor("right", "Same", ["source"], {}, { buffer: WIDE }),
    processor("pair", "Pair", ["left", "right"], stage, { nbTasks: tasks, partitionBy: "key", buffer: WIDE }),
    consumer("sink", "Sink", ["pair"], { out }),
  ]);
  const seen = readJson(out);
  const shares = Array.from({ length: tasks }, (_, task) => seen.tasks.filter((by) => by === task).length / messages);
  const inOrder = seen.numbers.filter((number, i) => number === i).length;
  const perSecond = (messages / (seen.lastNs - seen.firstMadeNs)) * 1e9;
  return { perSecond, share: Math.max(...shares), correct: Math.min(inOrder, seen.pairs) };
}
