import { expect, test } from "@jest/globals";
import { AWAKE, NAPS, WANTS_INPUT } from "../../src/transport/bells.js";
import { openControl } from "../../src/transport/files.js";
import { type Layout, TASK } from "../../src/transport/layout.js";
import { openFlowStats } from "../../src/transport/memory.js";
import { openTaskPort } from "../../src/transport/open.js";
import type { DataPlan } from "../../src/transport/plan.js";
import type { PortOptions, TaskPort } from "../../src/transport/port.js";
import { aNode, aPlan, withMemory } from "../support/transport.js";

function produce(port: TaskPort): void {
  port.write({ traceId: "t", seq: port.committed + 1, payload: 1 });
  port.commit();
}

function fill(port: TaskPort): number {
  let count = 0;
  for (; port.reserve(); count += 1) produce(port);
  return count;
}

/** What the task sleeps for. */
function sleepWord(dir: string, plan: DataPlan, name: string): number {
  const { i32, layout, unmap } = openControl(dir, plan);
  const word = Atomics.load(i32, regionOf(layout, name) + TASK.sleep);
  unmap();
  return word;
}

function regionOf({ nodes }: Layout, name: string): number {
  const region = nodes.find(({ plan }) => plan.name === name)?.tasks[0]?.region;
  if (region === undefined) throw new Error(`no task of ${name}`);
  return region;
}

function rings(dir: string, plan: DataPlan): number[] {
  const stats = openFlowStats(dir, plan);
  const each = stats.tasks().map((task) => task.rings);
  stats.close();
  return each;
}

test.each([
  ["one reader, once half of the slots are free", 1, 3],
  ["replicas, once half of the slots are free, shared among them", 3, 1],
])("a writer with fewer slots than places is rung by %s", async (_name, tasks, before) => {
  const plan = aPlan([aNode("a", [], { slots: 6 }), aNode("b", ["a"], { slots: 0, tasks })], { cells: 32 });
  await withPorts(plan, {}, async (dir, a, b) => {
    expect(fill(a)).toBe(6);
    const space = a.waitForSpace();
    for (let taken = 1; taken <= before; taken += 1) {
      expect(rings(dir, plan)[1]).toBe(0);
      expect(b.take()?.kind).toBe("data");
      b.commit();
    }
    expect(rings(dir, plan)[1]).toBe(1);
    await space;
    expect(fill(a)).toBe(before);
  });
});

/** Takes what there is, message after message, until the reader naps. A machine that is busy with something else makes it sleep instead. */
async function beginNap(dir: string, plan: DataPlan, a: TaskPort, b: TaskPort): Promise<{ readonly over: Promise<void> }> {
  for (let tries = 0; tries < 1_000; tries += 1) {
    const over = b.waitForInput();
    if (sleepWord(dir, plan, "b") === NAPS) return { over };
    produce(a);
    await over;
    if (b.take() !== undefined) b.commit();
  }
  throw new Error("it never naps");
}

const PAIR = aPlan([aNode("a"), aNode("b", ["a"], { slots: 0 })]);

function withPair(body: (dir: string, a: TaskPort, b: TaskPort) => Promise<void>): Promise<void> {
  return withPorts(PAIR, { naps: true }, body);
}

/** Writer `a` and reader `b`, which wake only when somebody rings. */
async function withPorts(
  plan: DataPlan,
  options: PortOptions,
  body: (dir: string, a: TaskPort, b: TaskPort) => Promise<void>,
): Promise<void> {
  await withMemory(plan, async (dir) => {
    const lookMs = 1_000_000;
    const [a, b] = [openTaskPort(dir, plan, "a", 0, { lookMs }), openTaskPort(dir, plan, "b", 0, { ...options, lookMs })];
    try {
      await body(dir, a, b);
    } finally {
      for (const port of [a, b]) port.close(); // What sleeps would keep the process.
    }
  });
}

test("a message that comes during a nap costs its writer no ring, and is found when the nap is over", async () => {
  await withPair(async (dir, a, b) => {
    const { over } = await beginNap(dir, PAIR, a, b);
    const [before] = rings(dir, PAIR);
    produce(a);
    expect(rings(dir, PAIR)[0]).toBe(before);
    await over;
    expect(b.take()?.kind).toBe("data");
    b.commit();
  });
});

test("a reader sleeps after a nap in which nothing came: the next message wakes it", async () => {
  await withPair(async (dir, a, b) => {
    await (await beginNap(dir, PAIR, a, b)).over;
    const before = rings(dir, PAIR)[0] as number;
    const sleep = b.waitForInput();
    expect(sleepWord(dir, PAIR, "b")).toBe(WANTS_INPUT);
    produce(a);
    expect(rings(dir, PAIR)[0]).toBe(before + 1);
    await sleep;
    expect(b.take()?.kind).toBe("data");
    b.commit();
  });
});

test("a writer without space ends the naps of its readers", async () => {
  await withPair(async (dir, a, b) => {
    const { over } = await beginNap(dir, PAIR, a, b);
    const before = rings(dir, PAIR)[0] as number;
    expect(fill(a)).toBe(4);
    const space = a.waitForSpace();
    expect([rings(dir, PAIR)[0], sleepWord(dir, PAIR, "b")]).toEqual([before + 1, AWAKE]);
    await over;
    for (let taken = 0; taken < 2; taken += 1) {
      expect(b.take()?.kind).toBe("data");
      b.commit();
    }
    await space;
  });
});
