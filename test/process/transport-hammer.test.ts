import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { build } from "esbuild";
import { EXIT_RETIRED } from "../../src/api/launch.js";
import { Prng } from "../../src/base/prng.js";
import {
  clearRetire,
  createFlowMemory,
  openFlowStats,
  recoverTask,
  removeFlowMemory,
  requestRetire,
  setTasks,
} from "../../src/transport/memory.js";
import type { DataPlan } from "../../src/transport/plan.js";
import { aNode, aPlan } from "../support/transport.js";
import type { WorkerOrders } from "../support/transport-worker.js";

const root = mkdtempSync(`${tmpdir()}/videoflow-hammer-`);
const worker = `${process.cwd()}/node_modules/.cache/transport-worker-${process.pid}.mjs`;

beforeAll(async () => {
  await build({
    entryPoints: ["test/support/transport-worker.ts"],
    outfile: worker,
    bundle: true,
    format: "esm",
    platform: "node",
    external: ["koffi"],
    logLevel: "error",
  });
});

afterAll(() => {
  rmSync(worker, { force: true });
  rmSync(root, { recursive: true, force: true });
});

const { NODE_EXTRA_CA_CERTS: _dropped, ...ENVIRONMENT } = process.env;

/** @returns the process, and its exit: a code or the signal that killed it. */
function start(
  dir: string,
  node: string,
  index: number,
  orders: WorkerOrders,
): { readonly child: ChildProcess; readonly exit: Promise<number | string> } {
  const child = spawn(process.execPath, [worker, dir, node, String(index), JSON.stringify(orders)], {
    stdio: ["ignore", "ignore", "inherit"],
    env: ENVIRONMENT,
  });
  const exit = new Promise<number | string>((resolve) => child.once("exit", (code, signal) => resolve(code ?? signal ?? "?")));
  return { child, exit };
}

async function withFlow(plan: DataPlan, body: (dir: string) => Promise<void>): Promise<void> {
  const dir = mkdtempSync("/dev/shm/videoflow-test-");
  rmSync(dir, { recursive: true });
  createFlowMemory(dir, plan);
  try {
    await body(dir);
  } finally {
    removeFlowMemory(dir);
  }
  expect(existsSync(dir)).toBe(false);
}

function expectAtRest(dir: string, plan: DataPlan): void {
  const stats = openFlowStats(dir, plan);
  expect(stats.slotsInUse()).toBe(0);
  expect(stats.edges().map((edge) => edge.inFlight)).toEqual(plan.edges.map(() => 0));
  stats.close();
}

test("two processes hammer one channel of two cells: every message arrives once, in order", async () => {
  const plan = aPlan([aNode("a", [], { slots: 2 }), aNode("b", ["a"], { slots: 0 })], { cells: 2 });
  const log = `${root}/hammer.log`;
  const orders = { messages: 20_000, sizeBytes: 100, log, gapMs: 0 };
  await withFlow(plan, async (dir) => {
    const exits = await Promise.all([start(dir, "b", 0, orders).exit, start(dir, "a", 0, orders).exit]);
    expect(exits).toEqual([0, 0]);
    expectAtRest(dir, plan);
  });
  const lines = readFileSync(log, "utf8").split("\n");
  expect(lines).toEqual(Array.from({ length: orders.messages }, (_, position) => `${position}:${position & 0xff}:100:trace-${position}`));
});

test("a busy reader is never rung", async () => {
  const plan = aPlan([aNode("a", [], { slots: 64 }), aNode("b", ["a"], { slots: 0 })], { cells: 64 });
  await withFlow(plan, async (dir) => {
    const orders = { messages: 50, sizeBytes: 10, log: "", gapMs: 0 };
    expect(await start(dir, "a", 0, orders).exit).toBe(0);
    expect(await start(dir, "b", 0, orders).exit).toBe(0);
    const stats = openFlowStats(dir, plan);
    expect(stats.tasks().map((task) => [task.messagesIn, task.messagesOut, task.rings])).toEqual([
      [0, 50, 0],
      [50, 0, 0],
    ]);
    stats.close();
  });
});

test("processes that come, make way and are killed while the number of replicas changes lose and repeat nothing", async () => {
  const plan = aPlan([aNode("a"), aNode("b", ["a"], { capacity: 4 }), aNode("c", ["b"], { slots: 0 })], { cells: 8 });
  const log = `${root}/scaled.log`;
  const orders = { messages: 600, sizeBytes: 2_000, log: "", gapMs: 1 };
  const prng = new Prng(11);
  const seen: (number | string)[] = [];
  const ended = new Set<string>();
  let live = 1;
  await withFlow(plan, async (dir) => {
    const consumer = start(dir, "c", 0, { ...orders, log, gapMs: 0 });
    /** As an agent does: the next process, as long as the task is wanted and its stream is not over. */
    const keep = async (node: string, index: number, isWanted: () => boolean): Promise<void> => {
      while (isWanted()) {
        const { child, exit } = start(dir, node, index, orders);
        const timer = prng.chance(0.3) ? setTimeout(() => child.kill("SIGKILL"), prng.range(80, 300)) : undefined;
        const result = await exit;
        clearTimeout(timer);
        seen.push(result);
        if (result === 0) return void ended.add(`${node}.${index}`);
        if (result !== EXIT_RETIRED) recoverTask(dir, plan, node, index);
        clearRetire(dir, plan, node, index);
      }
    };
    const replicas = new Map<number, Promise<void>>();
    const scale = (count: number): void => {
      live = setTasks(dir, plan, "b", count);
      for (let index = 0; index < live; index += 1) {
        const before = replicas.get(index) ?? Promise.resolve();
        replicas.set(
          index,
          before.then(() => keep("b", index, () => index < live && !ended.has(`b.${index}`))),
        );
      }
    };
    const producer = keep("a", 0, () => true);
    scale(1);
    const stats = openFlowStats(dir, plan);
    const changes = [
      () => scale(3),
      () => requestRetire(dir, plan, "a", 0),
      () => scale(1),
      () => requestRetire(dir, plan, "b", 0),
      () => scale(4),
    ];
    for (let next = 50, change = 0; !ended.has("a.0"); change += 1, next += 50) {
      while (!ended.has("a.0") && (stats.tasks()[0]?.committed ?? 0) < next) await new Promise((resolve) => setTimeout(resolve, 10));
      changes[change % changes.length]?.();
    }
    stats.close();
    clearRetire(dir, plan, "b", 0);
    await Promise.all([producer, ...replicas.values()]);
    expect(await consumer.exit).toBe(0);
    expectAtRest(dir, plan);
  });
  expect(seen.filter((exit) => exit === EXIT_RETIRED).length).toBeGreaterThan(1);
  const lines = readFileSync(log, "utf8").split("\n");
  expect(lines).toEqual(Array.from({ length: orders.messages }, (_, position) => `${position}:${position & 0xff}:2000:trace-${position}`));
});

test("processes killed at any moment, producer and replicas alike, lose and repeat nothing", async () => {
  const plan = aPlan([aNode("a"), aNode("b", ["a"], { tasks: 2 }), aNode("c", ["b"], { slots: 0 })], { cells: 8 });
  const log = `${root}/kills.log`;
  const orders = { messages: 400, sizeBytes: 20_000, log: "", gapMs: 1 };
  const prng = new Prng(7);
  let kills = 0;
  await withFlow(plan, async (dir) => {
    const consumer = start(dir, "c", 0, { ...orders, log, gapMs: 0 });
    const keep = async (node: string, index: number): Promise<void> => {
      for (let life = 0; ; life += 1) {
        const { child, exit } = start(dir, node, index, orders);
        const timer = setTimeout(() => child.kill("SIGKILL"), life < 5 ? prng.range(60, 250) : 100_000);
        const result = await exit;
        clearTimeout(timer);
        if (result === 0) return;
        kills += 1;
        recoverTask(dir, plan, node, index);
      }
    };
    await Promise.all([keep("a", 0), keep("b", 0), keep("b", 1)]);
    expect(await consumer.exit).toBe(0);
    expectAtRest(dir, plan);
  });
  expect(kills).toBeGreaterThan(5);
  const lines = readFileSync(log, "utf8").split("\n");
  expect(lines).toEqual(Array.from({ length: orders.messages }, (_, position) => `${position}:${position & 0xff}:20000:trace-${position}`));
});
