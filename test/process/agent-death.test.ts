import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { descendantsOf, listProcesses } from "../../src/base/process-table.js";
import { atPace } from "../support/pace.js";
import { openWorkshop, runs, until, type Workshop } from "../support/processes.js";

let workshop: Workshop;
let keeperProgram: string;
let agentProgram: string;

beforeAll(() => {
  workshop = openWorkshop();
  keeperProgram = workshop.bundle("src/main/keeper.ts");
  agentProgram = workshop.bundle("test/support/processes-agent-program.ts");
});
afterAll(() => workshop.remove());

interface Case {
  readonly what: string;
  /** Each process of the task writes its pid into a file of its own. */
  readonly script: string;
  readonly pids: number;
}

const LOOP = "while :; do sleep 0.2; done";
const cases: Case[] = [
  { what: "a plain task", script: `echo $$ > pid.1; ${LOOP}`, pids: 1 },
  { what: "a task that ignores SIGTERM, SIGINT and SIGHUP", script: `trap "" TERM INT HUP; echo $$ > pid.1; ${LOOP}`, pids: 1 },
  { what: "a child in a session of its own", script: `setsid sh -c 'echo $$ > pid.2; ${LOOP}' & echo $$ > pid.1; ${LOOP}`, pids: 2 },
  {
    what: "a daemon: double fork, own session, empty environment, deaf",
    script: `(setsid env -i PATH=/usr/bin:/bin sh -c 'trap "" TERM HUP; echo $$ > pid.2; ${LOOP}' &) ; echo $$ > pid.1; ${LOOP}`,
    pids: 2,
  },
];

function startAgent(dir: string, script: string): ChildProcess {
  return spawn(process.execPath, [agentProgram, keeperProgram, dir, script], { stdio: ["ignore", "inherit", "inherit"] });
}

const pidsIn = (dir: string) =>
  readdirSync(dir)
    .filter((name) => name.startsWith("pid."))
    .map((name) => Number(readFileSync(join(dir, name), "utf8")))
    .filter((pid) => pid > 0);

test.each(cases)("P2: 2 s after the agent's SIGKILL nothing is left of $what, nor of its keeper and memory", async ({ script, pids }) => {
  const dir = mkdtempSync(join(workshop.dir, "death-"));
  const agent = startAgent(dir, script);
  await until(() => pidsIn(dir).length === pids);
  const all = descendantsOf(listProcesses(), agent.pid as number).map((stat) => stat.pid);
  const memory = join(dir, `videoflow-${userInfo().uid}`, "uid-1");
  expect([existsSync(memory), all.length > pids]).toEqual([true, true]);
  const limitMs = atPace(2_000);
  agent.kill("SIGKILL");
  await until(() => [...all, ...pidsIn(dir)].every((pid) => !runs(pid)) && !existsSync(memory), limitMs);
});

test("P2: an agent that is killed before its task has reached its first line leaves nothing", async () => {
  const dir = mkdtempSync(join(workshop.dir, "early-"));
  const agent = startAgent(dir, `touch ran; ${LOOP}`);
  const found = await until(() => {
    const below = descendantsOf(listProcesses(), agent.pid as number);
    return below.length > 0 && below;
  });
  agent.kill("SIGKILL");
  await until(() => found.every((stat) => !runs(stat.pid)));
});
