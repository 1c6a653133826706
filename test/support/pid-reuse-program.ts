/**
 * Runs as process 1 of a PID namespace with few pids: node <this>. Records a process, lets it die, gives its pid to a stranger, then
 * tries to end the recorded one by every way that the agent has. Prints what became of the stranger, as JSON.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { killTreeOf } from "../../src/agent/leftovers.js";
import { identityOf, isAlive, type ProcessIdentity } from "../../src/base/process-identity.js";
import { signalProcess } from "../../src/base/process-signal.js";

const PIDS = 340; // The kernel takes no less than 301.
/** Lower pids are not given again once all have been used. */
const FIRST_REUSED = 300;
const MAX_SPAWNS = 1_000;

const start = (command: string, ...args: string[]) => spawn(command, args, { stdio: "ignore" });
const ended = (child: ChildProcess) => new Promise((resolve) => child.once("exit", resolve));

async function die(child: ChildProcess): Promise<void> {
  const end = ended(child);
  child.kill("SIGKILL");
  await end;
}

/** Starts processes until one of them has a wanted pid. */
async function processWith(isWanted: (pid: number) => boolean): Promise<ChildProcess | undefined> {
  for (let spawns = 0; spawns < MAX_SPAWNS; spawns += 1) {
    const child = start("sleep", "60");
    if (isWanted(child.pid as number)) return child;
    await die(child);
  }
  return undefined;
}

writeFileSync("/proc/sys/kernel/pid_max", String(PIDS));
const task = (await processWith((pid) => pid > FIRST_REUSED)) as ChildProcess;
const recorded = identityOf(task.pid as number) as ProcessIdentity;
await die(task);
await new Promise((resume) => setTimeout(resume, 50)); // Start times count in ticks of 10 ms.
const stranger = await processWith((pid) => pid === recorded.pid);
const outcome = stranger === undefined ? "none" : signalProcess(recorded, "SIGKILL");
await killTreeOf(recorded);
await new Promise((resume) => setTimeout(resume, 100));
const lives = stranger?.pid !== undefined && isAlive(identityOf(stranger.pid) as ProcessIdentity);
process.stdout.write(JSON.stringify({ reused: stranger?.pid === recorded.pid, outcome, lives }));
if (stranger !== undefined) await die(stranger);
