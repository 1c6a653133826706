// From the end of the producer to the end of the command: a chain of 8 processors.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { consumer, processor, producer, runFlow } from "./flows.mjs";
import { median, rounded, withFolder } from "./measure.mjs";

const DEPTH = 8;

export async function run({ smoke, runs, log }) {
  const tails = [];
  for (let i = 0; i < runs; i += 1) {
    tails.push(await withFolder((folder) => tailMs(folder, smoke ? 5 : 50)));
    log(`${rounded(tails[i])} ms in all`);
  }
  return { tailMsPerHop: rounded(median(tails) / DEPTH) };
}

async function tailMs(folder, count) {
  const ended = join(folder, "ended");
  const chain = Array.from({ length: DEPTH }, (_, i) => processor(`same-${i + 1}`, "Same", [i === 0 ? "source" : `same-${i}`]));
  const source = producer("source", "Paced", { count, perSecond: 50, ended });
  const endMs = await runFlow(folder, [source, ...chain, consumer("sink", "=VoidConsumer", [`same-${DEPTH}`])]);
  return endMs - Number(readFileSync(ended, "utf8")) / 1e6;
}
