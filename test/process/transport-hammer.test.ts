import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { build } from "esbuild";
import { Prng } from "../../src/base/prng.js";
import { createFlowMemory, openFlowStats, recoverTask, removeFlowMemory } from "../../src/transport/memory.js";
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
