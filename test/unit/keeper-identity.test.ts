import { type ChildProcess, spawn } from "node:child_process";
import { afterEach, expect, test } from "@jest/globals";
import fc from "fast-check";
import { identityOf, isAlive, type ProcessIdentity, type ProcessStat, parseStat, sameProcess } from "../../src/base/process-identity.js";
import { signalProcess } from "../../src/base/process-signal.js";
import { descendantsOf } from "../../src/base/process-table.js";
import { gatedCommand } from "../../src/keeper/gate.js";
import { treeOf } from "../../src/keeper/tree.js";
import { runs, until } from "../support/processes.js";

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});
function aProcess(): ProcessIdentity {
  const child = spawn("sleep", ["60"], { stdio: "ignore" });
  children.push(child);
  return identityOf(child.pid as number) as ProcessIdentity;
}

const line = (name: string) => `42 (${name}) S 7 40 39 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 1000 2 184467\n`;

test.each(["node", "a b", ") S 1 (", "((", "))", ""])("the start time is read behind the name %p", (name) => {
  expect(parseStat(line(name))).toEqual({ pid: 42, state: "S", parentPid: 7, groupId: 40, sessionId: 39, startTime: "987654" });
});

test("whatever a process calls itself, its line is read the same", () => {
  fc.assert(fc.property(fc.string({ maxLength: 15 }), (name) => expect(parseStat(line(name))?.startTime).toBe("987654")));
});

test("text that is no such line is nothing", () => {
  expect([parseStat(""), parseStat("42 (x) S 1"), parseStat("x")]).toEqual([undefined, undefined, undefined]);
});

test("a process is the same only if boot, pid and start time agree", () => {
  const identity = { bootId: "b", pid: 1, startTime: "2" };
  const others = [
    { ...identity, bootId: "c" },
    { ...identity, pid: 2 },
    { ...identity, startTime: "3" },
  ];
  expect([identity, ...others].map((other) => sameProcess(identity, other))).toEqual([true, false, false, false]);
});

test.each([
  { what: "start time", change: { startTime: "1" } },
  { what: "boot", change: { bootId: "another boot" } },
])("P4: a process of another $what is never signalled", ({ change }) => {
  const identity = aProcess();
  expect(signalProcess({ ...identity, ...change }, "SIGKILL")).toBe("gone");
  expect(runs(identity.pid)).toBe(true);
});

test("P4: the verified process gets its signal, and a second one finds nobody", async () => {
  const identity = aProcess();
  expect(signalProcess(identity, "SIGKILL")).toBe("sent");
  await until(() => !isAlive(identity));
  expect(signalProcess(identity, "SIGKILL")).toBe("gone");
});

const stat = (pid: number, parentPid: number, more: Partial<ProcessStat> = {}): ProcessStat => ({
  pid,
  parentPid,
  state: "S",
  groupId: pid,
  sessionId: pid,
  startTime: "1",
  ...more,
});
const pids = (found: readonly ProcessStat[]) => found.map((process) => process.pid);

test("descendants are found through any number of generations, once each, even if the table has a loop", () => {
  const table = [stat(4, 3), stat(2, 1), stat(3, 2), stat(9, 8), stat(8, 9), stat(1, 4)];
  expect(pids(descendantsOf(table, 1))).toEqual([2, 3, 4]);
});

const KEEPER = 10;
const table = [
  stat(20, KEEPER), // Root of a.
  stat(21, 20),
  stat(22, KEEPER, { sessionId: 20 }), // Orphan of a, still in its session.
  stat(23, KEEPER), // Orphan of a with its marker.
  stat(24, 23), // Child of that orphan, marker inherited.
  stat(30, KEEPER), // Root of b.
  stat(31, KEEPER, { sessionId: 20 }), // Of b, in a session number that a had before.
  stat(32, 20, { state: "Z" }),
  stat(40, 1, { sessionId: 20 }), // A stranger of the same session number.
];
const MARKERS: Record<number, string> = { 20: "a", 21: "a", 23: "a", 24: "a", 30: "b", 31: "b", 40: "a" };

test("a task's tree is its descendants, its session and its marked orphans among the keeper's own, and nobody else", () => {
  expect(pids(treeOf(table, KEEPER, 20, "a", (pid) => MARKERS[pid]))).toEqual([20, 22, 23, 21, 24]);
  expect(pids(treeOf(table, KEEPER, 30, "b", (pid) => MARKERS[pid]))).toEqual([30, 31]);
});

test("the gate stands inside setpriv, so that it too dies with the keeper", () => {
  expect(gatedCommand(["node", "w.js"], "/usr/bin/setpriv").slice(0, 6)).toEqual([
    "/usr/bin/setpriv",
    "--pdeathsig",
    "KILL",
    "--",
    "/bin/sh",
    "-c",
  ]);
  expect(gatedCommand(["node", "w.js"], undefined).slice(-3)).toEqual(["videoflow-gate", "node", "w.js"]);
});
