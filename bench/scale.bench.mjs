// 240 messages through a stage that blocks 20 ms, as 1, 2, 4 and 8 tasks, against the bare stage. The clock starts when every task has done its first.
import { join } from "node:path";
import { stageMs } from "./bare.mjs";
import { consumer, processor, producer, readJson, readyFolder, runFlow } from "./flows.mjs";
import { median, rounded, withFolder } from "./measure.mjs";

export const STAGE_MS = 20;

export async function run({ smoke, runs, log }) {
  const [counts, messages] = smoke ? [[1, 2], 8] : [[1, 2, 4, 8], 240];
  const seen = new Map(counts.map((tasks) => [tasks, []]));
  const bare = [];
  for (let i = 0; i < runs; i += 1) {
    bare.push(await stageMs(STAGE_MS, smoke ? 5 : 50));
    for (const tasks of counts) seen.get(tasks).push(steadyPerSecond(await scaled(tasks, tasks + messages), tasks));
    log([...seen].map(([tasks, values]) => `${tasks}: ${rounded(values[i])}/s`).join(", "));
  }
  const perSecond = Object.fromEntries([...seen].map(([tasks, values]) => [tasks, rounded(median(values))]));
  const ideal = 1000 / median(bare);
  const efficiency = Object.fromEntries([...seen].map(([tasks, values]) => [tasks, rounded(median(values) / (tasks * ideal), 3)]));
  return { perSecond, efficiency };
}

/** Messages per second after the first round, in which each task compiles its code. */
function steadyPerSecond({ arrivalsMs }, tasks) {
  return ((arrivalsMs.length - tasks) / (arrivalsMs.at(-1) - arrivalsMs[tasks - 1])) * 1000;
}

/** Runs the flow once. @returns numbers and times of what arrived, and milliseconds from the first message made to the last arrival. */
export function scaled(tasks, messages, { victim, options, stageMs: ms = STAGE_MS } = {}) {
  return withFolder(async (folder) => {
    const [out, ready] = [join(folder, "seen"), readyFolder(folder)];
    const params = { stageMs: ms, ready, ...(victim === undefined ? {} : { victim: victim(folder) }) };
    const nodes = [
      producer("source", "Burst", { count: messages, ready, tasks }),
      processor("stage", "Stage", ["source"], params, { nbTasks: tasks }),
      consumer("sink", "Sink", ["stage"], { out }),
    ];
    await runFlow(folder, nodes, options);
    const { numbers, arrivalsMs, firstMadeNs, lastNs } = readJson(out);
    if (numbers.some((number, i) => number !== i) && victim === undefined) throw new Error(`arrived as ${numbers}`);
    return { numbers, arrivalsMs, ms: (lastNs - firstMadeNs) / 1e6 };
  });
}
