// What a realtime flow of 5 tasks costs while nothing comes: CPU of all of them over 10 s, memory of each.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { consumer, flowName, liveTasks, processor, producer, runFlow } from "./flows.mjs";
import { median, rounded, withFolder } from "./measure.mjs";

const TASKS = 5;
const TICKS_PER_SECOND = Number(execFileSync("getconf", ["CLK_TCK"]));
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export async function run({ smoke, runs, log }) {
  const seconds = smoke ? 1 : 10;
  const seen = { cpu: [], rss: [], own: [] };
  for (let i = 0; i < runs; i += 1) {
    const figures = await withFolder((folder) => idle(folder, seconds));
    seen.cpu.push(figures.cpuSeconds);
    seen.rss.push(figures.rssMb);
    seen.own.push(figures.privateMb);
    log(JSON.stringify(figures));
  }
  const [cpuSeconds, rssMb, privateMb] = Object.values(seen).map(median);
  return { cpuSeconds: rounded(cpuSeconds), rssMb: rounded(rssMb, 1), privateMb: rounded(privateMb, 1) };
}

async function idle(folder, seconds) {
  const name = flowName();
  const chain = [1, 2, 3].map((i) => processor(`same-${i}`, "Same", [i === 1 ? "source" : `same-${i - 1}`]));
  const nodes = [producer("source", "Silent", { seconds: seconds + 3 }), ...chain, consumer("sink", "=VoidConsumer", ["same-3"])];
  const flow = runFlow(folder, nodes, { flowType: "Realtime", name });
  const pids = await opened(name);
  await sleep(seconds < 5 ? 500 : 1500); // The start is over.
  const before = cpuSecondsOf(pids);
  await sleep(seconds * 1000);
  const cpuSeconds = cpuSecondsOf(pids) - before;
  const memory = pids.map(memoryOf);
  await flow;
  return { cpuSeconds, rssMb: median(memory.map(({ rss }) => rss)), privateMb: median(memory.map(({ own }) => own)) };
}

async function opened(name) {
  for (;;) {
    const tasks = liveTasks(name);
    if (tasks.length === TASKS) return tasks.map(({ pid }) => pid);
    await sleep(20);
  }
}

function cpuSecondsOf(pids) {
  return pids.reduce((sum, pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /, "")
      .split(" ");
    return sum + (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  }, 0);
}

/** Megabytes: resident, and of these private to the process. */
function memoryOf(pid) {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const kb = (name) => Number(new RegExp(`^${name}: *(\\d+)`, "m").exec(text)[1]);
  return { rss: kb("Rss") / 1024, own: (kb("Private_Clean") + kb("Private_Dirty")) / 1024 };
}
