// How long after a task's death its next process is there, and works again; beside pm2 with a script that does nothing.
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { applyFlow, childrenOf, endDaemon, newChildOf, startAgent } from "./daemon.mjs";
import { consumer, flowName, processor, producer } from "./flows.mjs";
import { bareNodeMs, median, monotonicMs, quietEnvironment, rounded, runCommand, withFolder } from "./measure.mjs";

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
/** A process that lived so long is started again at once. */
const GOOD_RUN_MS = 10_500;

export async function run({ smoke, runs, log }) {
  const own = await withFolder((folder) => ownRestarts(folder, smoke ? 1 : runs, smoke));
  log(`spawn ${own.spawnMs} ms, ready ${own.readyMs} ms after death`);
  const pm2 = smoke ? {} : { pm2DeathToSpawnMs: rounded(await withFolder((folder) => pm2Restarts(folder, runs)), 1) };
  return {
    deathToSpawnMs: rounded(own.spawnMs, 1),
    deathToReadyMs: rounded(own.readyMs, 1),
    bareNodeMs: rounded(await bareNodeMs(smoke ? 1 : runs), 1),
    ...pm2,
  };
}

async function ownRestarts(folder, runs, smoke) {
  const daemon = await startAgent(folder);
  try {
    const name = flowName();
    const seconds = 3600;
    const nodes = [
      producer("source", "Silent", { seconds }),
      processor("same", "Same", ["source"]),
      consumer("sink", "=VoidConsumer", ["same"]),
    ];
    const tasks = await applyFlow(folder, name, nodes, 3, { flowType: "Realtime" });
    let victim = tasks.find(({ node }) => node === "same").pid;
    const seen = { spawn: [], ready: [] };
    for (let i = 0; i < runs; i += 1) {
      if (!smoke) await sleep(GOOD_RUN_MS);
      const { spawnMs, readyMs, pid } = await killOnce(daemon.keeperPid, victim, folder, name);
      victim = pid;
      seen.spawn.push(spawnMs);
      seen.ready.push(readyMs);
    }
    return { spawnMs: median(seen.spawn), readyMs: median(seen.ready) };
  } finally {
    await endDaemon(daemon);
  }
}

async function killOnce(keeperPid, victim, folder, name) {
  const known = new Set(childrenOf(keeperPid));
  const report = reportOf(folder, name);
  const diedMs = monotonicMs();
  process.kill(victim, "SIGKILL");
  const pid = await newChildOf(keeperPid, known);
  const spawnMs = monotonicMs() - diedMs;
  const before = statSync(report, { throwIfNoEntry: false })?.mtimeMs; // Of the process before, if it is still there.
  while (!existsSync(report) || statSync(report).mtimeMs === before) await new Promise((resolve) => setImmediate(resolve));
  return { spawnMs, readyMs: monotonicMs() - diedMs, pid };
}

/** The file in which the only `same` of the only flow reports that it is ready. */
function reportOf(folder, flow) {
  const [run] = readdirSync(join(folder, "run"));
  return join(folder, "run", run, `${flow}.same.0.report.json`);
}

function parentOf(pid) {
  return Number(/\) \S (\d+) /.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))[1]);
}

async function pm2Restarts(folder, runs) {
  await runCommand("npm", ["install", "--prefix", folder, "--no-audit", "--no-fund", "--silent", "pm2@6"]);
  const pm2 = join(folder, "node_modules/.bin/pm2");
  const env = { ...quietEnvironment(), PM2_HOME: join(folder, "home") };
  const script = join(folder, "idle.js");
  writeFileSync(script, "setInterval(() => {}, 1000);\n");
  await runCommand(pm2, ["start", script, "--name", "idle"], { env });
  try {
    const seen = [];
    for (let i = 0; i < runs; i += 1) {
      await sleep(2_000);
      const [{ pid }] = JSON.parse(await runCommand(pm2, ["jlist"], { env }));
      const daemon = parentOf(pid);
      const known = new Set(childrenOf(daemon));
      const diedMs = monotonicMs();
      process.kill(pid, "SIGKILL");
      await newChildOf(daemon, known);
      seen.push(monotonicMs() - diedMs);
    }
    return median(seen);
  } finally {
    await runCommand(pm2, ["kill"], { env });
  }
}
