// A daemon for the benchmarks: `videoflow agent` on a folder of its own, and flows applied to it as users do.
import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { liveTasks } from "./flows.mjs";
import { CLI, quietEnvironment, runCommand } from "./measure.mjs";

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Starts an agent and waits until it answers. @returns {child, keeperPid} */
export async function startAgent(stateDir) {
  const child = spawn(process.execPath, [CLI, "agent", "--state-dir", stateDir], {
    env: quietEnvironment(),
    stdio: ["ignore", "ignore", "pipe"],
  });
  let log = "";
  child.stderr.on("data", (chunk) => (log += chunk));
  while (!log.includes(" answers on ")) {
    if (child.exitCode !== null) throw new Error(`the agent ended: ${log}`);
    await sleep(1);
  }
  return { child, keeperPid: JSON.parse(readFileSync(join(stateDir, "keeper.json"), "utf8")).identity.pid };
}

/** Applies a flow and waits until all of its tasks have opened. */
export async function applyFlow(stateDir, name, nodes, tasks, spec = {}) {
  mkdirSync(join(stateDir, "flows"), { recursive: true });
  const file = join(stateDir, "flows", `${name}.json`);
  writeFileSync(
    file,
    JSON.stringify({ apiVersion: "videoflow.io/v1alpha1", kind: "VideoFlow", metadata: { name }, spec: { ...spec, nodes } }),
  );
  await runCommand(process.execPath, [CLI, "apply", "-f", file, "--state-dir", stateDir]);
  await runCommand(process.execPath, [CLI, "wait", `vf/${name}`, "--for", "condition=Ready", "--timeout", "120s", "--state-dir", stateDir]);
  const found = liveTasks(name);
  if (found.length !== tasks) throw new Error(`${found.length} of ${tasks} tasks run`);
  return found;
}

/** Children of a process, the cheapest way to see a new one. */
export function childrenOf(pid) {
  return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").split(" ").filter(Boolean).map(Number),
  );
}

/** Waits, looking all the time, until a process has a child that it had not. @returns its pid. */
export async function newChildOf(parent, known) {
  for (;;) {
    const found = childrenOf(parent).find((pid) => !known.has(pid));
    if (found !== undefined) return found;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Ends agent, keeper and all tasks, whatever state they are in. */
export async function endDaemon({ child, keeperPid }) {
  const ended = new Promise((resolve) => child.once("exit", resolve));
  if (child.exitCode === null && child.signalCode === null) {
    child.kill("SIGKILL");
    await ended;
  }
  try {
    process.kill(keeperPid, "SIGKILL"); // Its children die with it.
  } catch {
    // It ended by itself.
  }
}
