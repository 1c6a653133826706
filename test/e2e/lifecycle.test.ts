import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterEach, describe, expect, test } from "@jest/globals";
import { eventually, FlowProcess, liveTasks, memoryFolders, NODES, type Workplace, workplace, writeManifest } from "../support/flow-process.js";

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

describe("a flow of processes", () => {
  const places: Workplace[] = [];
  const running: FlowProcess[] = [];

  const place = (): Workplace => {
    const made = workplace();
    places.push(made);
    return made;
  };
  const start = (args: readonly string[], env: Record<string, string> = {}): FlowProcess => {
    const flow = new FlowProcess(args, env);
    running.push(flow);
    return flow;
  };
  const chain = (here: Workplace, ticker: object, nbTasks = 1) =>
    writeManifest(here, [
      { name: "ticker", role: "Producer", component: `${NODES}#Ticker`, params: ticker },
      { name: "work", role: "Processor", component: `${NODES}#CpuOnly`, inputs: ["ticker"], nbTasks },
      { name: "sink", role: "Consumer", component: `${NODES}#Collector`, inputs: ["work"], params: { path: join(here.dir, "seen.json") } },
    ]);
  const seen = (here: Workplace) => JSON.parse(readFileSync(join(here.dir, "seen.json"), "utf8")) as number[];

  afterEach(() => {
    for (const flow of running.splice(0)) flow.child.kill("SIGKILL");
    for (const made of places.splice(0)) made.remove();
  });

  test("runs to its end, in order behind three tasks, and leaves nothing", async () => {
    const before = memoryFolders();
    const here = place();

    const { code, err } = await start(["run", chain(here, { count: 60, everyMs: 1 }, 3), "--plain"]).ended;

    expect([code, err]).toEqual([0, expect.any(String)]);
    expect(seen(here)).toEqual(numbers(60));
    expect(liveTasks(here.flow)).toEqual([]);
    expect(memoryFolders()).toEqual(before);
  });

  test("is one process per task while it runs", async () => {
    const here = place();
    const flow = start(["run", chain(here, {}, 2), "--plain"]);

    const tasks = await eventually("four tasks", () => (liveTasks(here.flow).length === 4 ? liveTasks(here.flow) : undefined));
    flow.child.kill("SIGINT");
    await flow.ended;

    expect(tasks.map(({ node, index }) => `${node}.${index}`)).toEqual(["sink.0", "ticker.0", "work.0", "work.1"]);
  });

  test("drains on Ctrl-C: all that was given out arrives", async () => {
    const before = memoryFolders();
    const here = place();
    const flow = start(["run", chain(here, { everyMs: 2 }, 2), "--plain"]);
    await eventually("four tasks", () => liveTasks(here.flow).length === 4);
    await new Promise((resume) => setTimeout(resume, 1_000));

    flow.child.kill("SIGINT");
    const { code } = await flow.ended;

    expect(code).toBe(130);
    expect(seen(here).length).toBeGreaterThan(10);
    expect(seen(here)).toEqual(numbers(seen(here).length));
    expect([liveTasks(here.flow), memoryFolders()]).toEqual([[], before]);
  });

  test("is gone, memory and all, after kill -9 of its runner", async () => {
    const before = memoryFolders();
    const here = place();
    const flow = start(["run", chain(here, {}, 2), "--plain"]);
    await eventually("four tasks", () => liveTasks(here.flow).length === 4);

    flow.child.kill("SIGKILL");
    await flow.ended;

    await eventually("no task", () => liveTasks(here.flow).length === 0, 5_000);
    await eventually("no memory", () => memoryFolders().join() === before.join(), 5_000);
  });

  test("goes on where it was when a replica is killed", async () => {
    const here = place();
    const flow = start(["run", chain(here, { count: 150, everyMs: 5 }, 2), "--plain"]);
    const victim = await eventually("a replica", () => liveTasks(here.flow).find(({ node }) => node === "work"));
    await new Promise((resume) => setTimeout(resume, 300));

    process.kill(victim.pid, "SIGKILL");
    const { code, err } = await flow.ended;

    expect([code, err]).toEqual([0, expect.any(String)]);
    expect(seen(here)).toEqual(numbers(150));
  });

  test("written in TypeScript runs by plain import and does not start itself again", async () => {
    const here = place();
    const env = { CHAIN_NAME: here.flow, CHAIN_STEPS: "[]", CHAIN_TICKER: "{}" };
    const child = spawn(process.execPath, ["--import", "tsx", resolve("test/fixtures/flows/chain.ts")], { env: { ...process.env, NODE_OPTIONS: "", ...env }, stdio: "ignore" });
    const ended = new Promise((done) => child.on("close", done));

    const tasks = await eventually("two tasks", () => (liveTasks(here.flow).length === 2 ? liveTasks(here.flow) : undefined));
    child.kill("SIGINT");
    await ended;

    expect(tasks.map(({ node }) => node)).toEqual(["sink", "ticker"]);
    expect(liveTasks(here.flow)).toEqual([]);
  });
});
