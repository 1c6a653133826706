// How long after a task's death its next process is there (spawn), runs its program (its command line is that of the program:
// ours waits behind a gate until it is written down), and works again (ready); in turn with a script of pm2 that does nothing.
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { applyFlow, childrenOf, endDaemon, newChildOf, startAgent } from "./daemon.mjs";
import { consumer, flowName, processor, producer } from "./flows.mjs";
import { bareNodeMs, median, monotonicMs, quietEnvironment, rounded, runCommand, withFolder } from "./measure.mjs";

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
/** The program itself, not the shell that has its command line among its arguments. */
const WORKER = ([program, script]) => /node$/.test(program) && /worker\.js$/.test(script ?? "");
/** Between two deaths: by then messages were done again, so that the next death is made good at once, too. */
const REST_MS = 1_500;
/** Restarts for each of the runs that were asked for: one alone tells little on a machine that does other things beside. */
const RESTARTS_PER_RUN = 3;

export async function run({ smoke, runs, log }) {
  const restarts = smoke ? 1 : runs * RESTARTS_PER_RUN;
  const [own, pm2] = await withFolder((folder) => withFolder((other) => inTurn(folder, smoke ? undefined : other, restarts)));
  log(`spawn ${own.spawn} ms, ready ${own.ready} ms after death`);
  return {
    deathToSpawnMs: own.spawn,
    deathToProgramMs: own.program,
    deathToReadyMs: own.ready,
    bareNodeMs: rounded(await bareNodeMs(smoke ? 1 : runs), 1),
    ...(pm2 === undefined ? {} : { pm2DeathToSpawnMs: pm2.spawn, pm2DeathToProgramMs: pm2.program }),
  };
}

/** One of ours dies, then one of pm2's, and so on: what else the machine does meets both. */
async function inTurn(folder, pm2Folder, restarts) {
  const subjects = [await ownTask(folder)];
  try {
    if (pm2Folder !== undefined) subjects.push(await pm2Script(pm2Folder));
    const seen = subjects.map(() => []);
    for (let i = 0; i < restarts; i += 1) {
      for (const [at, { restart }] of subjects.entries()) {
        await sleep(REST_MS);
        seen[at].push(await restart());
      }
    }
    return seen.map(medians);
  } finally {
    for (const { end } of subjects) await end();
  }
}

function medians(times) {
  return Object.fromEntries(Object.keys(times[0]).map((key) => [key, rounded(median(times.map((one) => one[key])), 1)]));
}

/** A task of an agent, through which messages pass. */
async function ownTask(folder) {
  const daemon = await startAgent(folder);
  const end = () => endDaemon(daemon);
  try {
    const name = flowName();
    const nodes = [
      producer("source", "Paced", { count: 1e9, perSecond: 10 }),
      processor("same", "Same", ["source"], {}, { restart: { maxRestarts: 1_000 } }),
      consumer("sink", "=VoidConsumer", ["same"]),
    ];
    const tasks = await applyFlow(folder, name, nodes, 3, { flowType: "Realtime" });
    let victim = tasks.find(({ node }) => node === "same").pid;
    const restart = async () => {
      const { pid, ...times } = await killOnce(daemon.keeperPid, victim, folder, name);
      victim = pid;
      return times;
    };
    return { restart, end };
  } catch (error) {
    await end();
    throw error;
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
  return { spawn: spawnMs, program: programMs, ready: monotonicMs() - diedMs, pid };
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

/** A script of pm2 that does nothing. */
async function pm2Script(folder) {
  await runCommand("npm", ["install", "--prefix", folder, "--no-audit", "--no-fund", "--silent", "pm2@6"]);
  const pm2 = join(folder, "node_modules/.bin/pm2");
  const env = { ...quietEnvironment(), PM2_HOME: join(folder, "home") };
  const script = join(folder, "idle.js");
  writeFileSync(script, "setInterval(() => {}, 1000);\n");
  const end = () => runCommand(pm2, ["kill"], { env });
  await runCommand(pm2, ["start", script, "--name", "idle"], { env });
  let [{ pid }] = JSON.parse(await runCommand(pm2, ["jlist"], { env }));
  const daemon = parentOf(pid);
  const ofDaemon = commandLine(daemon).join(" ");
  const restart = async () => {
    const known = new Set(childrenOf(daemon));
    const diedMs = monotonicMs();
    process.kill(pid, "SIGKILL");
    pid = await newChildOf(daemon, known);
    const spawn = monotonicMs() - diedMs;
    await programIn(pid, (line) => line.join(" ") !== ofDaemon);
    return { spawn, program: monotonicMs() - diedMs };
  };
  return { restart, end };
}
