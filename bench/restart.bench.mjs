// How long after a task's death its next process is there (spawn), runs its program (its command line is that of the program:
// ours waits behind a gate until it is written down), and works again (ready); beside pm2 with a script that does nothing.
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { applyFlow, childrenOf, endDaemon, newChildOf, startAgent } from "./daemon.mjs";
import { consumer, flowName, processor, producer } from "./flows.mjs";
import { bareNodeMs, median, monotonicMs, quietEnvironment, rounded, runCommand, withFolder } from "./measure.mjs";

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
/** The program itself, not the shell that has its command line among its arguments. */
const WORKER = ([program, script]) => /node$/.test(program) && /worker\.js$/.test(script ?? "");
/** A process that lived so long is started again at once. */
const GOOD_RUN_MS = 10_500;

export async function run({ smoke, runs, log }) {
  const own = await withFolder((folder) => ownRestarts(folder, smoke ? 1 : runs, smoke));
  log(`spawn ${own.spawnMs} ms, ready ${own.readyMs} ms after death`);
  const pm2 = smoke ? {} : await withFolder((folder) => pm2Restarts(folder, runs));
  return {
    deathToSpawnMs: rounded(own.spawnMs, 1),
    deathToProgramMs: rounded(own.programMs, 1),
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
    const seen = { spawn: [], program: [], ready: [] };
    for (let i = 0; i < runs; i += 1) {
      if (!smoke) await sleep(GOOD_RUN_MS);
      const { spawnMs, programMs, readyMs, pid } = await killOnce(daemon.keeperPid, victim, folder, name);
      victim = pid;
      seen.spawn.push(spawnMs);
      seen.program.push(programMs);
      seen.ready.push(readyMs);
    }
    return { spawnMs: median(seen.spawn), programMs: median(seen.program), readyMs: median(seen.ready) };
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
  await programIn(pid, WORKER);
  const programMs = monotonicMs() - diedMs;
  const before = statSync(report, { throwIfNoEntry: false })?.mtimeMs; // Of the process before, if it is still there.
  while (!existsSync(report) || statSync(report).mtimeMs === before) await new Promise((resolve) => setImmediate(resolve));
  return { spawnMs, programMs, readyMs: monotonicMs() - diedMs, pid };
}

/** Waits, looking all the time, until a process has become a program: until then it is its parent's copy, or a gate. */
async function programIn(pid, isProgram) {
  while (!isProgram(commandLine(pid))) await new Promise((resolve) => setImmediate(resolve));
}

function commandLine(pid) {
  return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
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
    const seen = { spawn: [], program: [] };
    for (let i = 0; i < runs; i += 1) {
      await sleep(2_000);
      const [{ pid }] = JSON.parse(await runCommand(pm2, ["jlist"], { env }));
      const daemon = parentOf(pid);
      const known = new Set(childrenOf(daemon));
      const ofDaemon = commandLine(daemon).join(" ");
      const diedMs = monotonicMs();
      process.kill(pid, "SIGKILL");
      const next = await newChildOf(daemon, known);
      seen.spawn.push(monotonicMs() - diedMs);
      await programIn(next, (line) => line.join(" ") !== ofDaemon);
      seen.program.push(monotonicMs() - diedMs);
    }
    return {
      pm2DeathToSpawnMs: rounded(median(seen.spawn), 1),
      pm2DeathToProgramMs: rounded(median(seen.program), 1),
    };
  } finally {
    await runCommand(pm2, ["kill"], { env });
  }
}
