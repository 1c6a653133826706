import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { identityOf, readEnvironment, readStat } from "../../src/base/process-identity.js";
import { eachWithKeeper } from "../support/each-with-keeper.js";
import { runs, type TestKeeper, until, type Workshop } from "../support/processes.js";

let workshop: Workshop;
let keeper: TestKeeper;
eachWithKeeper((fresh) => {
  ({ workshop, keeper } = fresh);
});

const file = (name: string) => join(workshop.dir, name);
/** A process of its own session that ignores SIGTERM, whose pid is in the file. */
const daemon = (pidFile: string) => `setsid sh -c 'trap "" TERM; echo $$ > ${pidFile}; while :; do sleep 1; done' &`;
const pidIn = async (path: string) => Number(await until(() => existsSync(path) && readFileSync(path, "utf8").trim()));

test("nothing of a task runs before go, and its pid and start time are known", async () => {
  const identity = await keeper.spawn("gated", `touch ${file("gated-ran")}`);
  expect(identityOf(identity.pid)).toEqual(identity);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(existsSync(file("gated-ran"))).toBe(false);
  keeper.client.go("gated");
  const record = await keeper.exitOf("gated");
  expect(record).toMatchObject({ code: 0, signal: null, ordered: false, started: true, treeDead: true, identity });
  expect(existsSync(file("gated-ran"))).toBe(true);
});

test("the program keeps the pid that was recorded behind the gate", async () => {
  const identity = await keeper.spawn("pid", "echo $$");
  keeper.client.go("pid");
  await keeper.exitOf("pid");
  expect(keeper.logOf("pid").trim()).toBe(String(identity.pid));
});

test("a stop behind the gate ends the task without running it", async () => {
  await keeper.spawn("shut", `touch ${file("shut-ran")}`);
  keeper.client.stop("shut", 1000);
  keeper.client.go("shut");
  expect(await keeper.exitOf("shut")).toMatchObject({ ordered: true, started: false });
  expect(existsSync(file("shut-ran"))).toBe(false);
});

test("P5: of many starts at once each waits its turn, and one that is ended meanwhile never runs", async () => {
  const ids = ["turn-a", "turn-b", "turn-c", "turn-d"];
  const asked = ids.map((id) => keeper.spawn(id, `echo ${id} >>${file("turns")}`));
  keeper.client.kill("turn-c");
  const answers = await Promise.allSettled(asked);
  for (const id of ids) keeper.client.go(id);
  for (const id of ["turn-a", "turn-b", "turn-d"]) await keeper.exitOf(id);
  expect(readFileSync(file("turns"), "utf8").trim().split("\n").sort()).toEqual(["turn-a", "turn-b", "turn-d"]);
  expect(answers.filter(({ status }) => status === "fulfilled").length).toBeGreaterThanOrEqual(3);
});

test("P2: a gate whose keeper is killed ends without running anything", async () => {
  const { pid } = await keeper.spawn("orphan", `touch ${file("orphan-ran")}`);
  process.kill(keeper.client.pid as number, "SIGKILL");
  await until(() => !runs(pid));
  expect(existsSync(file("orphan-ran"))).toBe(false);
});

test("the kernel kills a running task when its keeper is killed", async () => {
  const { pid } = await keeper.spawn("bereft", "exec sleep 60");
  keeper.client.go("bereft");
  await until(() => readFileSync(`/proc/${pid}/cmdline`, "utf8").startsWith("sleep"));
  process.kill(keeper.client.pid as number, "SIGKILL");
  await until(() => !runs(pid));
  await until(() => keeper.client.isLost);
});

test("exit codes and signals are recorded, also on disk", async () => {
  const exitFile = file("code.json");
  await keeper.spawn("code", "exit 78", { exitFile });
  await keeper.spawn("signal", "kill -SEGV $$");
  for (const id of ["code", "signal"]) keeper.client.go(id);
  expect(await keeper.exitOf("code")).toMatchObject({ code: 78, signal: null });
  expect(await keeper.exitOf("signal")).toMatchObject({ code: null, signal: "SIGSEGV" });
  expect(JSON.parse(readFileSync(exitFile, "utf8"))).toMatchObject({ id: "code", code: 78, ordered: false });
});

test("a task has its own session, the given environment and folder, and a private log", async () => {
  const { pid } = await keeper.spawn("env", "exec sleep 60", { env: { PATH: process.env["PATH"] as string, CUDA_VISIBLE_DEVICES: "-1" } });
  keeper.client.go("env");
  await until(() => readFileSync(`/proc/${pid}/cmdline`, "utf8").startsWith("sleep"));
  const names = [...(readEnvironment(pid)?.keys() ?? [])].filter(
    (name) => name !== "_" && name !== "PWD" && name !== "OLDPWD" && name !== "SHLVL",
  );
  expect(names.sort()).toEqual(["CUDA_VISIBLE_DEVICES", "PATH", "VF_INCARNATION", "VF_KEEPER"]);
  expect(readStat(pid)).toMatchObject({ sessionId: pid, groupId: pid, parentPid: keeper.client.pid });
  expect(statSync(file("env.log")).mode & 0o777).toBe(0o600);
  expect(readdirSync(`/proc/${pid}/fd`)).not.toContain("3");
});

test("stop sends SIGTERM first, and a task that obeys ends with its own code", async () => {
  await keeper.spawn("polite", `trap 'exit 7' TERM; touch ${file("polite-on")}; while :; do sleep 0.05; done`);
  keeper.client.go("polite");
  await until(() => existsSync(file("polite-on")));
  keeper.client.stop("polite", 30_000);
  expect(await keeper.exitOf("polite")).toMatchObject({ code: 7, ordered: true });
});

test("stop kills a deaf task and its whole tree after the grace", async () => {
  await keeper.spawn("deaf", `trap '' TERM; ${daemon(file("deaf-pid"))} while :; do sleep 0.05; done`);
  keeper.client.go("deaf");
  const daemonPid = await pidIn(file("deaf-pid"));
  keeper.client.stop("deaf", 50);
  expect(await keeper.exitOf("deaf")).toMatchObject({ signal: "SIGKILL", ordered: true, treeDead: true });
  expect(runs(daemonPid)).toBe(false);
});

test("a death is told only after the orphans that the task left behind are dead and reaped", async () => {
  await keeper.spawn("parent", `${daemon(file("left-pid"))} while [ ! -s ${file("left-pid")} ]; do sleep 0.02; done; exit 3`);
  keeper.client.go("parent");
  expect(await keeper.exitOf("parent")).toMatchObject({ code: 3, treeDead: true });
  const orphan = await pidIn(file("left-pid"));
  expect(runs(orphan)).toBe(false);
  await until(() => readStat(orphan) === undefined);
});

test("an orphan that ends by itself is reaped", async () => {
  await keeper.spawn("forker", `(setsid sh -c 'echo $$ > ${file("short-pid")}' &) ; exec sleep 60`);
  keeper.client.go("forker");
  const pid = await pidIn(file("short-pid"));
  await until(() => readStat(pid) === undefined);
  expect(keeper.exits).toEqual([]);
});

test("one task's death leaves its sibling alone", async () => {
  const sibling = await keeper.spawn("sibling", "exec sleep 60");
  await keeper.spawn("dying", "exit 1");
  for (const id of ["sibling", "dying"]) keeper.client.go(id);
  await keeper.exitOf("dying");
  expect(runs(sibling.pid)).toBe(true);
});

test("closing kills everything and removes the folders that the keeper owns", async () => {
  const { pid } = await keeper.spawn("last", `${daemon(file("last-pid"))} trap '' TERM HUP INT; while :; do sleep 1; done`);
  mkdirSync(file("memory"));
  keeper.client.own(file("memory"));
  keeper.client.go("last");
  const daemonPid = await pidIn(file("last-pid"));
  await keeper.client.close();
  expect([runs(pid), runs(daemonPid), existsSync(file("memory"))]).toEqual([false, false, false]);
});

test("the keeper is deaf to the terminal's signals", async () => {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.kill(keeper.client.pid as number, signal);
  await keeper.spawn("after", "exit 0");
  keeper.client.go("after");
  expect(await keeper.exitOf("after")).toMatchObject({ code: 0 });
});

test("a folder that is not there is a clear refusal", async () => {
  await expect(keeper.spawn("nowhere", "exit 0", { cwd: "/no/such/folder" })).rejects.toThrow(
    /TASK_SPAWN: .*there is no folder \/no\/such\/folder/,
  );
});
