import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants, writeFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { identityOf, isAlive, type ProcessIdentity } from "../../src/base/process-identity.js";
import { type DaemonPlace, daemonPlace, endAfter, keeperIdentity, readSmall, smallArrivals, writeSmallFlow } from "../support/daemon.js";
import { eventually, liveTasks, type Workplace, workplace } from "../support/flow-process.js";
import { runs } from "../support/processes.js";

/** The kernel gives the next process the pid after this one. */
const LAST_PID = "/proc/sys/kernel/ns_last_pid";
const TRIES = 300;

let place: Workplace;
let daemon: DaemonPlace;
const strangers: ChildProcess[] = [];
beforeEach(() => {
  place = workplace();
  daemon = daemonPlace(place);
});
afterEach(async () => {
  for (const stranger of strangers.splice(0)) stranger.kill("SIGKILL");
  await daemon.destroy();
  await place.remove();
});

const isWritable = (() => {
  try {
    accessSync(LAST_PID, constants.W_OK);
    writeFileSync(LAST_PID, String(process.pid)); // Root of a container may be told that it may, and then may not.
    return true;
  } catch {
    return false;
  }
})();
if (!isWritable) process.stderr.write(`SKIPPED: a stranger with the pid of a task needs the right to write ${LAST_PID}\n`);

/** A process of somebody else with this pid; undefined if others were always faster. */
function takePid(pid: number): ChildProcess | undefined {
  for (let tries = 0; tries < TRIES; tries += 1) {
    if (runs(pid)) return undefined;
    writeFileSync(LAST_PID, String(pid - 1));
    const stranger = spawn("sleep", ["1000"], { stdio: "ignore", detached: true, env: {} });
    if (stranger.pid === pid) return stranger;
    stranger.kill("SIGKILL");
  }
  return undefined;
}

(isWritable ? test : test.skip)(
  "P4: whoever has the pid that is recorded of a task, of the agent or of the keeper is left alone, and the flow goes on without loss",
  async () => {
    await daemon.start();
    await daemon.apply(writeSmallFlow(place));
    await daemon.reached("Running");
    await eventually("messages", () => readSmall(place).length > 5);
    const tasks = liveTasks(place.flow).map(({ pid }) => pid);
    const keeper = (keeperIdentity(daemon.stateDir) as ProcessIdentity).pid;
    const pids = [...tasks, keeper, daemon.agent.child.pid as number];
    await daemon.killAgent();
    process.kill(keeper, "SIGKILL");
    await eventually("nobody", () => pids.every((pid) => !runs(pid) && identityOf(pid) === undefined));

    strangers.push(...pids.flatMap((pid) => takePid(pid) ?? []));
    const taken = strangers.map(({ pid }) => identityOf(pid as number) as ProcessIdentity);
    process.stderr.write(`strangers with recorded pids: ${taken.length} of ${pids.length}\n`);
    expect(taken.length).toBeGreaterThan(0);
    await daemon.start();
    await daemon.reached("Running");
    const messages = (readSmall(place).at(-1) ?? 0) + 200;
    endAfter(place, messages);
    expect((await daemon.reached("Succeeded", "Failed")).status).toMatchObject({ state: "Succeeded" });
    expect(readSmall(place)).toEqual(smallArrivals(messages));
    expect(taken.map((identity) => isAlive(identity))).toEqual(taken.map(() => true));
  },
  90_000,
);
