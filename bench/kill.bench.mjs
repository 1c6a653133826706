// The stage of `scale` as 2 tasks, one of them killed in the middle of its 40th message, against a clean run.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { flowName, liveTasks } from "./flows.mjs";
import { median, monotonicMs, rounded } from "./measure.mjs";
import { scaled } from "./scale.bench.mjs";

const TASKS = 2;

export async function run({ smoke, runs, log }) {
  const [messages, call] = smoke ? [30, 4] : [240, 40];
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

async function killOne(messages, call) {
  const name = flowName();
  let [diedMs, backMs] = [0, 0];
  const victim = (folder) => {
    const files = { call, here: join(folder, "here"), died: join(folder, "died"), back: join(folder, "back") };
    watch(files, name, (ms) => {
      diedMs = ms;
    }).then((ms) => {
      backMs = ms;
    });
    return files;
  };
  const result = await scaled(TASKS, messages, { victim, options: { name } });
  return { ...result, recoveryMs: backMs - diedMs };
}

/** Kills task 0 as soon as it says that it is there. @returns when its replacement had its first message, in milliseconds. */
async function watch({ here, died, back }, flow, onDeath) {
  const pid = Number(await written(here));
  const task = liveTasks(flow).find((candidate) => candidate.pid === pid);
  if (task?.node !== "stage" || task.index !== 0) throw new Error(`process ${pid} is not task 0 of ${flow}`);
  writeFileSync(died, "");
  onDeath(monotonicMs());
  process.kill(pid, "SIGKILL");
  return Number(await written(back)) / 1e6;
}

async function written(file) {
  for (;;) {
    const text = existsSync(file) ? readFileSync(file, "utf8") : "";
    if (text !== "") return text;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
