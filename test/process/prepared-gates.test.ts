import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { INCARNATION_MARKER } from "../../src/base/keeper-protocol.js";
import { readEnvironment } from "../../src/base/process-identity.js";
import { listProcesses } from "../../src/base/process-table.js";
import { eachWithKeeper } from "../support/each-with-keeper.js";
import { runs, type TestKeeper, until, type Workshop } from "../support/processes.js";

let workshop: Workshop;
let keeper: TestKeeper;
eachWithKeeper((fresh) => {
  ({ workshop, keeper } = fresh);
});

const file = (name: string) => join(workshop.dir, name);

/** The child of the keeper that carries the id, whether somebody has asked for it or not. */
function childOf(id: string): number | undefined {
  const children = listProcesses().filter(({ parentPid }) => parentPid === keeper.client.pid);
  return children.find(({ pid }) => readEnvironment(pid)?.get(INCARNATION_MARKER) === id)?.pid;
}

/** Runs a task whose successor was named, until its end was told. @returns what its successor must be started with to be the same. */
async function endOf(name: string, script: string) {
  const log = { logFile: file(`${name}.log`) };
  await keeper.spawn(`${name}.0`, script, { ...log, next: `${name}.1` });
  keeper.client.go(`${name}.0`);
  await keeper.exitOf(`${name}.0`);
  return log;
}

const countRuns = (name: string) => `echo run >>${file(name)}; exit 3`;
const runsOf = (name: string) => readFileSync(file(name), "utf8").trim().split("\n").length;

test("the gate of the next process is there when a death is told, and runs nothing before go", async () => {
  const log = await endOf("ready", countRuns("ready"));
  const gate = await until(() => childOf("ready.1"));
  const { pid } = await keeper.spawn("ready.1", countRuns("ready"), log);
  expect(pid).toBe(gate);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(runsOf("ready")).toBe(1);
  keeper.client.go("ready.1");
  expect(await keeper.exitOf("ready.1")).toMatchObject({ code: 3, started: true, treeDead: true });
  expect(runsOf("ready")).toBe(2);
});

test("a gate that nobody asks for is killed within seconds, and no end of it is told", async () => {
  await endOf("unwanted", countRuns("unwanted"));
  const gate = await until(() => childOf("unwanted.1"));
  await until(() => !runs(gate));
  await until(() => childOf("unwanted.1") === undefined);
  expect(keeper.exits.map(({ id }) => id)).toEqual(["unwanted.0"]);
  expect(runsOf("unwanted")).toBe(1);
});

const OTHERS = [
  { what: "other variables", more: { env: { PATH: process.env["PATH"] as string, MORE: "1" } } },
  { what: "another folder", more: { cwd: "/" } },
  { what: "something to read", more: { input: "{}" } },
];

test.each(OTHERS)("P1: who asks for $what gets a process of its own, after the gate is dead", async ({ what, more }) => {
  const name = what.replaceAll(" ", "-");
  const log = await endOf(name, countRuns(name));
  const gate = await until(() => childOf(`${name}.1`));
  const { pid } = await keeper.spawn(`${name}.1`, countRuns(name), { ...log, ...more });
  expect([pid === gate, runs(gate)]).toEqual([false, false]);
  keeper.client.go(`${name}.1`);
  expect(await keeper.exitOf(`${name}.1`)).toMatchObject({ code: 3, started: true });
  expect(runsOf(name)).toBe(2);
});

test("a process does not write into the log that was set aside while its gate was shut", async () => {
  const log = await endOf("aside", "echo here; exit 3");
  await until(() => childOf("aside.1"));
  renameSync(log.logFile, `${log.logFile}.1`);
  await keeper.spawn("aside.1", "echo here; exit 3", log);
  keeper.client.go("aside.1");
  await keeper.exitOf("aside.1");
  expect([log.logFile, `${log.logFile}.1`].map((path) => readFileSync(path, "utf8"))).toEqual(["here\n", "here\n"]);
});

test("nothing is prepared after an end that was ordered, a good one, or one that nothing shall follow", async () => {
  const log = { logFile: file("none.log") };
  await keeper.spawn("killed.0", "exec sleep 60", { ...log, next: "killed.1" });
  await keeper.spawn("done.0", "exit 0", { ...log, next: "done.1" });
  await keeper.spawn("retired.0", "exit 75", { ...log, next: "retired.1", finalCodes: [65, 75] });
  const ids = ["killed.0", "done.0", "retired.0"];
  for (const id of ids) keeper.client.go(id);
  keeper.client.kill("killed.0");
  for (const id of ids) await keeper.exitOf(id);
  expect(["killed.1", "done.1", "retired.1"].map((id) => childOf(id))).toEqual([undefined, undefined, undefined]);
});

test("a death that leaves its gate behind is not mistaken for a process that the next death leaves", async () => {
  const log = await endOf("twice", "exit 3");
  writeFileSync(file("sibling"), "");
  await keeper.spawn("sibling", `rm ${file("sibling")}; exit 4`, log);
  const gate = await until(() => childOf("twice.1"));
  keeper.client.go("sibling");
  expect(await keeper.exitOf("sibling")).toMatchObject({ code: 4, treeDead: true });
  expect([runs(gate), existsSync(file("sibling"))]).toEqual([true, false]);
});
