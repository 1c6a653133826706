// The stage of `scale` as 2 tasks, one of them killed in the middle of its 40th message, against a clean run.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { flowName, liveTasks } from "./flows.mjs";
import { median, monotonicMs, rounded } from "./measure.mjs";
import { scaled } from "./scale.bench.mjs";

const TASKS = 2;

export async function run({ smoke, runs, log }) {
  const [messages, call] = smoke ? [60, 4] : [240, 40];
  const seen = { delivered: [], duplicates: [], recovery: [], ratio: [] };
  for (let i = 0; i < runs; i += 1) {
    const clean = await scaled(TASKS, messages);
    const killed = await killOne(messages, call);
    const distinct = new Set(killed.numbers).size;
    seen.delivered.push(distinct);
    seen.duplicates.push(killed.numbers.length - distinct);
    seen.recovery.push(killed.recoveryMs);
    seen.ratio.push(killed.ms / clean.ms);
    log(`${distinct} delivered, back after ${rounded(killed.recoveryMs)} ms, ${rounded(seen.ratio[i])} of a clean run`);
  }
  return {
    delivered: median(seen.delivered),
    duplicates: Math.max(...seen.duplicates),
    recoveryMs: rounded(median(seen.recovery), 1),
    wallRatio: rounded(median(seen.ratio), 3),
  };
}

/** Kills task 0 in its message number `call`. Where the sibling did all the rest meanwhile, recovery counts as long as that took. */
async function killOne(messages, call) {
  const name = flowName();
  const over = new AbortController();
  let watched;
  const victim = (folder) => {
    const files = { call, here: join(folder, "here"), died: join(folder, "died"), back: join(folder, "back") };
    watched = watch(files, name, over.signal);
    return files;
  };
  try {
    const result = await scaled(TASKS, messages, { victim, options: { name } });
    over.abort();
    return { ...result, recoveryMs: await watched };
  } finally {
    over.abort();
  }
}

/** @returns milliseconds from the death of task 0 to the first message of its replacement. */
async function watch({ here, died, back }, flow, over) {
  const pid = Number(await written(here, over));
  const task = liveTasks(flow).find((candidate) => candidate.pid === pid);
  if (task?.node !== "stage" || task.index !== 0) throw new Error(`process ${pid} is not task 0 of ${flow}`);
  writeFileSync(died, "");
  const diedMs = monotonicMs();
  process.kill(pid, "SIGKILL");
  const backNs = await written(back, over);
  return (backNs === "" ? monotonicMs() : Number(backNs) / 1e6) - diedMs;
}

/** The content of a file as soon as there is one; nothing if the flow is over before. */
async function written(file, over) {
  for (;;) {
    const text = existsSync(file) ? readFileSync(file, "utf8") : "";
    if (text !== "" || over.aborted) return text;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
