import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "@jest/globals";
import type { DaemonPlace } from "../support/daemon.js";
import { eachWithDaemon } from "../support/each-with-daemon.js";
import { eventually, liveTasks, memoryOf, NODES, type Workplace, writeManifest } from "../support/flow-process.js";
import { atPace } from "../support/pace.js";
import { runs } from "../support/processes.js";

const STUCK = resolve("test/fixtures/components/stuck-nodes.mjs");
let place: Workplace;
let daemon: DaemonPlace;
eachWithDaemon(
  (fresh) => {
    ({ place, daemon } = fresh);
  },
  () => {
    for (const pid of littered().filter(runs)) process.kill(pid, "SIGKILL"); // Of a test that failed.
  },
);

const cli = (...args: readonly string[]) => daemon.cli(...args);

const tick = { name: "tick", role: "Producer", component: `${NODES}#Ticker`, params: { everyMs: 5 } };
const processor = (name: string, input: string, component: string, params: object, more: object = {}) => ({
  ...{ name, role: "Processor", inputs: [input], component: `${STUCK}#${component}`, params, ...more },
});
const file = (from: string) => ({
  name: "file",
  role: "Consumer",
  component: "FileAppender",
  inputs: [from],
  params: { path: place.path("out") },
});

/** The one event by which the agent tells that it starts task work no more. It may come after the status. */
async function tellsOfEnd(): Promise<string> {
  for (;;) {
    const events = await daemon.withStore((store) => store.list("Event"));
    const told = events.filter(({ involvedObject, reason }) => involvedObject.name.includes(".work.") && reason === "RestartBudgetSpent");
    if (told.length > 1) throw new Error(`told ${told.length} times`);
    if (told[0] !== undefined) return told[0].message;
    await new Promise((resume) => setTimeout(resume, 50));
  }
}

const LOOP = "while :; do sleep 0.2; done";
/** What tasks leave beside them; each writes its pid into a file of its own. */
const LITTER = {
  session: `setsid sh -c 'echo $$ > pid.session; ${LOOP}'`,
  daemon: `(setsid env -i PATH=/usr/bin:/bin sh -c 'trap "" TERM HUP INT; echo $$ > pid.daemon; ${LOOP}' &)`,
  deaf: `trap "" TERM HUP INT; echo $$ > pid.deaf; ${LOOP}`,
};
const littered = () =>
  readdirSync(place.dir)
    .filter((name) => name.startsWith("pid."))
    .map((name) => Number(readFileSync(join(place.dir, name), "utf8")))
    .filter((pid) => pid > 0);

test("P2: Terminate: 2 s after the daemon's SIGKILL nothing is left of what tasks have started, nor of tasks before their first line", async () => {
  await daemon.start();
  const nodes = Object.entries(LITTER).map(([name, script], index, all) =>
    processor(name, all[index - 1]?.[0] ?? "tick", "Litter", { script, dir: place.dir }),
  );
  await cli("apply", "-f", writeManifest(place, [tick, ...nodes, file("deaf")], { onAgentLoss: "Terminate" }));
  await eventually("all that they start", () => littered().length === 3);
  const tasks = liveTasks(place.flow).map(({ pid }) => pid);
  const memory = memoryOf(tasks[0] as number) as string;
  const all = [...tasks, ...littered()];
  expect([littered().every(runs), existsSync(memory)]).toEqual([true, true]);
  const limitMs = atPace(2_000);
  await daemon.killAgent();
  await eventually("nothing", () => !all.some(runs) && !existsSync(memory), limitMs);
  await daemon.start();
  const early = await eventually("a task behind its gate", () => {
    const found = liveTasks(place.flow);
    return found.length > 0 && found;
  });
  await daemon.killAgent();
  await eventually("nothing", () => !early.some(({ pid }) => runs(pid)) && liveTasks(place.flow).length === 0);
});

test("Keep: a task that ended while there was no agent is told of with its code, and goes on", async () => {
  await daemon.start();
  const when = place.path("leave");
  await cli("apply", "-f", writeManifest(place, [tick, processor("work", "tick", "Leaver", { when, code: 42 }), file("work")]));
  await eventually("messages", () => place.lines("out").length > 20);
  await daemon.killAgent();
  place.write("leave", "");
  await eventually("its end is written down", () => readdirSync(join(daemon.stateDir, "exits")).length === 1);
  await daemon.start();
  const { status } = await daemon.task("work", (task) => task.status?.restarts === 1 && task.status.phase === "Running");
  expect(status?.lastExit).toMatchObject({ code: 42, reason: "Crashed" });
  const before = place.lines("out").length;
  await eventually("further messages", () => place.lines("out").length > before + 20);
  const values = place.lines("out").map((line) => (JSON.parse(line) as { payload: number }).payload);
  expect(values).toEqual(values.map((_, index) => index));
});

test("a crash loop under the daemon ends at its budget, with the last 20 lines of its log in the event; its siblings run on until then", async () => {
  await daemon.start();
  const restart = { initialBackoffSeconds: 0.3, maxBackoffSeconds: 60, maxRestarts: 3, windowSeconds: 600 };
  await cli("apply", "-f", writeManifest(place, [tick, processor("work", "tick", "CrashLoop", {}, { restart }), file("work")]));
  const { status } = await daemon.reached("Failed");
  expect(status?.reason).toBe("RestartBudgetSpent");
  const tasks = await daemon.tasks();
  expect(tasks.map(({ spec, status: own }) => [spec.node, own?.restarts])).toEqual([
    ["file", 0],
    ["tick", 0],
    ["work", 3],
  ]);
  const lines = (await tellsOfEnd()).split("\n").filter((line) => /^line \d+ of/.test(line));
  expect([lines.length, lines.at(-1)?.startsWith("line 30 of")]).toEqual([20, true]);
});

test("a crash loop that reports its error ends at its budget with the error and the last 20 lines of its log in the event", async () => {
  await daemon.start();
  const restart = { initialBackoffSeconds: 0, maxRestarts: 1, windowSeconds: 600 };
  await cli(
    "apply",
    "-f",
    writeManifest(place, [tick, processor("work", "tick", "CrashLoop", { throws: true }, { restart }), file("work")]),
  );
  expect((await daemon.reached("Failed")).status?.reason).toBe("RestartBudgetSpent");
  const [first, ...lines] = (await tellsOfEnd()).split("\n");
  expect(first).toMatch(/it cannot open/);
  expect(lines).toHaveLength(20);
  const log = join(daemon.stateDir, "logs/default", place.flow, `${place.flow}.work.0.log`);
  expect(lines).toEqual(readFileSync(log, "utf8").trimEnd().split("\n").slice(-20));
});
