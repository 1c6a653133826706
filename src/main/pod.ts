/**
 * The first process of an agent's Pod: `pod.js --state-dir DIR …` is the keeper, and `videoflow agent` with these arguments its child,
 * started again when it dies. When the Pod is replaced, the agent ends first, then the tasks: asked, and with this process for certain.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { exitsDir } from "../base/keeper-places.js";
import { makeFolder } from "../base/make-folder.js";
import { listProcesses } from "../base/process-table.js";
import { serveAgents } from "../keeper/service.js";
import { programPath } from "./keeper-process.js";
import { prepareRecovery, recover } from "./recover-memory.js";

const RESTART_MS = 1_000;
/** Tasks that were asked to end get this long; kubelet's own patience must be longer. */
const GRACE_MS = 10_000;
const LOOK_MS = 100;

const args = process.argv.slice(2);
const stateDir = args[args.indexOf("--state-dir") + 1] ?? "";
const siblings = new Set<number>();
let agent: ChildProcess | undefined;
let isEnding = false;

if (!args.includes("--state-dir") || stateDir === "") {
  process.stderr.write("pod.js needs --state-dir DIR: it hands its arguments to videoflow agent\n");
  process.exit(2);
}
process.title = "videoflow: keeper";
process.on("SIGHUP", () => {});
for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => void end());
makeFolder(exitsDir(stateDir), 0o700);
void serveAgents(stateDir, recover, siblings, prepareRecovery, () => void endBehindAgent()).then(startAgent);

function startAgent(): void {
  const child = spawn(process.execPath, [programPath("cli"), "agent", ...args], { stdio: "inherit" });
  agent = child;
  if (child.pid !== undefined) siblings.add(child.pid);
  child.on("error", (error) => process.stderr.write(`the agent does not start: ${error.message}\n`));
  child.on("close", (code, signal) => {
    if (child.pid !== undefined) siblings.delete(child.pid);
    agent = undefined;
    if (isEnding) return;
    process.stderr.write(`the agent ended (${signal ?? `code ${code}`}); it is started again, its tasks run on\n`);
    setTimeout(startAgent, RESTART_MS);
  });
}

async function end(): Promise<void> {
  if (isEnding) return;
  isEnding = true;
  agent?.kill("SIGTERM");
  const endMs = performance.now() + GRACE_MS;
  while (agent !== undefined && performance.now() < endMs) await pause();
  if (below().length > 0) process.stderr.write("the Pod ends: its tasks are asked to end, and end with it\n");
  for (const { pid } of below()) process.kill(pid, "SIGTERM");
  while (below().length > 0 && performance.now() < endMs) await pause();
  process.exit(0); // The kernel ends what is left of the Pod with its first process.
}

/** An agent without tasks has let its keeper go: it is this process's child, and ends in order before the Pod does. */
async function endBehindAgent(): Promise<void> {
  isEnding = true;
  const endMs = performance.now() + GRACE_MS;
  while (agent !== undefined && performance.now() < endMs) await pause();
  process.exit(0);
}

function below() {
  return listProcesses().filter(({ parentPid }) => parentPid === process.pid);
}

function pause(): Promise<void> {
  return new Promise((resume) => setTimeout(resume, LOOK_MS));
}
