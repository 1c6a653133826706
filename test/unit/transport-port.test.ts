import { statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { Tensor } from "../../src/base/tensor.js";
import { clearRetire, openFlowStats, recoverTask, requestPause, requestRetire, requestStop } from "../../src/transport/memory.js";
import { openTaskPort } from "../../src/transport/open.js";
import type { TaskPort, Unit } from "../../src/transport/port.js";
import { PROCESS_BOUNDS_US, processBucket } from "../../src/transport/process-times.js";
import { aNode, aPlan, withMemory } from "../support/transport.js";

const CHAIN = aPlan([aNode("a"), aNode("b", ["a"]), aNode("c", ["b"], { slots: 0 })]);

function produce(port: TaskPort, payload: unknown): void {
  const seq = port.committed + 1;
  port.write({ traceId: `t${seq}`, seq, payload });
  port.commit();
}

test("a message passes through a chain and the stream ends", async () => {
  await withMemory(CHAIN, (dir) => {
    const [a, b, c] = ["a", "b", "c"].map((node) => openTaskPort(dir, CHAIN, node, 0)) as [TaskPort, TaskPort, TaskPort];
    produce(a, { hello: ["world", 1n, Number.NaN] });
    a.end();
    const unit = b.take();
    expect(unit?.inputs[0]?.[0]?.payload).toEqual({ hello: ["world", 1n, Number.NaN] });
    b.attempt();
    b.write({ traceId: "t1", seq: 1, payload: Uint8Array.of(1, 2, 3) });
    b.commit();
    expect(b.take()?.kind).toBe("flush");
    b.commit();
    expect(b.take()?.kind).toBe("end");
    b.end();
    expect(c.take()?.inputs[0]?.[0]?.payload).toEqual(Uint8Array.of(1, 2, 3));
    c.commit();
    expect(c.take()).toMatchObject({ kind: "flush", position: 2 });
    c.commit();
    expect(c.take()?.kind).toBe("end");
    c.end();
    const stats = openFlowStats(dir, CHAIN);
    expect(stats.slotsInUse()).toBe(0);
    expect(stats.edges().map((edge) => edge.inFlight)).toEqual([0, 0]);
    expect(stats.tasks().map((task) => [task.node, task.state, task.messagesIn, task.messagesOut])).toEqual([
      ["a", "ended", 0, 1],
      ["b", "ended", 1, 1],
      ["c", "ended", 1, 0],
    ]);
    for (const port of [a, b, c]) port.close();
  });
});

test("an allocated tensor is not copied, all readers see its slot, and it is invalid after the commit", async () => {
  await withMemory(CHAIN, (dir) => {
    const a = openTaskPort(dir, CHAIN, "a", 0);
    const b = openTaskPort(dir, CHAIN, "b", 0);
    const frame = a.allocate([2, 3, 3], "uint8");
    frame.data.fill(7);
    produce(a, { frame, boxes: Tensor.from("float32", [1, 2], [1, 2]) });
    expect(() => frame.data).toThrow("MESSAGE_RELEASED");
    const stats = openFlowStats(dir, CHAIN);
    expect(stats.tasks()[0]?.copiedBytes).toBe(8);
    for (const task of stats.tasks()) expect(stats.task(task.node, task.taskIndex)).toEqual(task);
    expect([stats.task("none", 0), stats.task(stats.tasks()[0]?.node ?? "", 99)]).toEqual([undefined, undefined]);
    const message = b.take()?.inputs[0]?.[0];
    const payload = message?.payload as { frame: Tensor<"uint8">; boxes: Tensor<"float32"> };
    expect([...payload.frame.data]).toEqual(new Array(18).fill(7));
    expect([...payload.boxes.data]).toEqual([1, 2]);
    expect(payload.frame.shape).toEqual([2, 3, 3]);
    b.commit();
    expect(() => payload.frame.data).toThrow("MESSAGE_RELEASED");
    a.close();
    b.close();
  });
});

function firstPayload(inputs: Unit["inputs"]): Tensor<"uint8"> {
  return inputs[0]?.[0]?.payload as Tensor<"uint8">;
}

const JOIN = aPlan([aNode("a"), aNode("b", ["a"]), aNode("j", ["a", "b"], { slots: 0, join: "Trace" })]);

test.each<[string, number, string]>([
  ["several outputs of one input", 2, "has 2 outputs of one trace"],
  ["what a flush gave", 0, "flush"],
])("a join refuses %s on one branch", async (_name, outputs, problem) => {
  await withMemory(JOIN, (dir) => {
    const [a, b, j] = ["a", "b", "j"].map((node) => openTaskPort(dir, JOIN, node, 0)) as [TaskPort, TaskPort, TaskPort];
    produce(a, 1);
    a.end();
    b.take();
    for (let i = 0; i < outputs; i += 1) b.write({ traceId: "t1", seq: 1, payload: i });
    b.commit();
    b.take();
    b.write({ traceId: "flushed", seq: 0, payload: 2 });
    b.commit();
    expect(() => j.take()).toThrow(problem);
    j.close();
    const again = openTaskPort(dir, JOIN, "j", 0);
    expect(() => again.take()).toThrow("JOIN_TRACE_AMBIGUOUS");
  });
});

test("a retained message outlives its commit and counts against the buffer of its writer", async () => {
  const plan = aPlan([aNode("a", [], { slots: 1 }), aNode("b", ["a"], { slots: 0 })]);
  await withMemory(plan, (dir) => {
    const a = openTaskPort(dir, plan, "a", 0);
    const b = openTaskPort(dir, plan, "b", 0);
    produce(a, Tensor.from("uint8", [2], [3, 4]));
    const { inputs } = b.take() as Unit;
    const tensor = firstPayload(inputs).retain();
    b.commit();
    expect([...tensor.data]).toEqual([3, 4]);
    expect(a.reserve()).toBe(false);
    tensor.release();
    expect(() => tensor.data).toThrow("MESSAGE_RELEASED");
    expect(a.reserve()).toBe(true);
  });
});

test("what a dead task had retained is free, and what it had in hand is offered again with its attempts", async () => {
  await withMemory(CHAIN, (dir) => {
    const a = openTaskPort(dir, CHAIN, "a", 0);
    const b = openTaskPort(dir, CHAIN, "b", 0);
    produce(a, "kept");
    produce(a, "in hand");
    b.take()?.inputs[0]?.[0]?.retain();
    b.commit();
    b.take()?.inputs[0]?.[0]?.retain();
    b.attempt();
    recoverTask(dir, CHAIN, "b", 0);
    const unit = openTaskPort(dir, CHAIN, "b", 0).take();
    expect(unit).toMatchObject({ position: 1, attempts: 1 });
    expect(unit?.inputs[0]?.[0]?.payload).toBe("in hand");
    expect(openFlowStats(dir, CHAIN).slotsInUse()).toBe(1);
    expect(openFlowStats(dir, CHAIN).tasks()[1]?.retained).toBe(0);
  });
});

test("an attempt that an ordered death ended does not count", async () => {
  await withMemory(CHAIN, (dir) => {
    produce(openTaskPort(dir, CHAIN, "a", 0), 1);
    const b = openTaskPort(dir, CHAIN, "b", 0);
    b.take();
    b.attempt();
    recoverTask(dir, CHAIN, "b", 0, { ordered: true });
    expect(openTaskPort(dir, CHAIN, "b", 0).take()?.attempts).toBe(0);
  });
});

test("private inputs are copies", async () => {
  await withMemory(CHAIN, (dir) => {
    produce(openTaskPort(dir, CHAIN, "a", 0), Tensor.from("uint8", [2], [3, 4]));
    const b = openTaskPort(dir, CHAIN, "b", 0, { private: true });
    const tensor = b.take()?.inputs[0]?.[0]?.payload as Tensor<"uint8">;
    tensor.data[0] = 9;
    b.commit();
    expect([...tensor.data]).toEqual([9, 4]);
  });
});

test("a sleeper wakes when it is rung, and a stop is seen", async () => {
  await withMemory(CHAIN, async (dir) => {
    const a = openTaskPort(dir, CHAIN, "a", 0);
    const b = openTaskPort(dir, CHAIN, "b", 0, { lookMs: 60_000 });
    expect(b.take()).toBe(undefined);
    const waiting = b.waitForInput();
    produce(a, 1);
    await waiting;
    expect(b.take()?.kind).toBe("data");
    requestStop(dir, CHAIN);
    expect(a.stopRequested).toBe(true);
    a.close();
    b.close();
  });
});

test("a task that makes way takes nothing more, and its next incarnation goes on", async () => {
  await withMemory(CHAIN, async (dir) => {
    const a = openTaskPort(dir, CHAIN, "a", 0);
    const b = openTaskPort(dir, CHAIN, "b", 0, { lookMs: 60_000 });
    for (const message of [0, 1]) produce(a, message);
    const inHand = b.take();
    requestRetire(dir, CHAIN, "b", 0);
    b.write({ traceId: "t1", seq: 1, payload: inHand?.inputs[0]?.[0]?.payload });
    b.commit();
    expect(b.take()).toMatchObject({ kind: "retire", inputs: [] });
    b.leave();
    b.close();
    expect(openFlowStats(dir, CHAIN).tasks()[1]).toMatchObject({ state: "retired", committed: 1, inHand: undefined });
    expect(openTaskPort(dir, CHAIN, "b", 0).take()?.kind).toBe("retire");
    clearRetire(dir, CHAIN, "b", 0);
    expect(openTaskPort(dir, CHAIN, "b", 0).take()?.inputs[0]?.[0]?.payload).toBe(1);
  });
});

test("sleepers of all kinds wake when they are to make way, a paused producer too", async () => {
  await withMemory(CHAIN, async (dir) => {
    const a = openTaskPort(dir, CHAIN, "a", 0, { lookMs: 60_000 });
    const b = openTaskPort(dir, CHAIN, "b", 0, { lookMs: 60_000 });
    requestPause(dir, CHAIN, true);
    expect(a.reserve()).toBe(false);
    const sleepers = [a.waitForSpace(), b.waitForInput()];
    requestRetire(dir, CHAIN, "a", 0);
    requestRetire(dir, CHAIN, "b", 0);
    await Promise.all(sleepers);
    expect([a.retiring, b.take()?.kind]).toEqual([true, "retire"]);
    a.close();
    b.close();
  });
});

test("another plan, and a folder without memory, are refused", async () => {
  await withMemory(CHAIN, (dir) => {
    expect(() => openTaskPort(dir, JOIN, "a", 0)).toThrow("SHM_INVALID");
    expect(() => openTaskPort(`${dir}/nothing`, CHAIN, "a", 0)).toThrow("SHM_INVALID");
  });
});

test.each(["control", "pool-a-0"])(
  "a file that somebody has cut is an error, not the end of who opens or recovers it: %s",
  async (file) => {
    await withMemory(CHAIN, (dir) => {
      openTaskPort(dir, CHAIN, "a", 0).close();
      const { size } = statSync(join(dir, file));
      truncateSync(join(dir, file), Math.floor(size / 2));
      expect(() => openTaskPort(dir, CHAIN, "a", 0)).toThrow("SHM_INVALID");
      if (file === "control") expect(() => recoverTask(dir, CHAIN, "a", 0)).toThrow("SHM_INVALID");
    });
  },
);

test("what a dead replica had in hand goes to its sibling at once, before what comes later", async () => {
  const plan = aPlan([aNode("a"), aNode("b", ["a"], { tasks: 2 }), aNode("c", ["b"], { slots: 0 })]);
  await withMemory(plan, (dir) => {
    const a = openTaskPort(dir, plan, "a", 0);
    for (let i = 0; i < 3; i += 1) produce(a, i);
    const [b0, b1] = [0, 1].map((task) => openTaskPort(dir, plan, "b", task)) as [TaskPort, TaskPort];
    expect([b0.take()?.position, b1.take()?.position]).toEqual([0, 1]);
    b1.commit();
    recoverTask(dir, plan, "b", 0);
    expect(b1.take()?.position).toBe(0);
  });
});

test.each([
  [0, 1],
  [1, 1],
  [1.01, 2],
  [2, 2],
  [3, 4],
  [2 ** 20, 2 ** 20],
  [2 ** 20 + 0.5, 2 ** 21],
  [2 ** 30, 2 ** 30],
  [2 ** 30 + 1, Number.POSITIVE_INFINITY],
  [1e300, Number.POSITIVE_INFINITY],
])("a call of %d µs counts below the bound %d and above the one before", (us, bound) => {
  const bucket = processBucket(us);
  expect(PROCESS_BOUNDS_US[bucket]).toBe(bound);
  expect(us > (PROCESS_BOUNDS_US[bucket - 1] ?? -1)).toBe(true);
});

test("every call that returned is in one bucket of its task's histogram, over all its incarnations", async () => {
  await withMemory(CHAIN, (dir) => {
    const calls = () => openFlowStats(dir, CHAIN).tasks()[0]?.processTimes ?? [];
    const call = (port: TaskPort, waitMs: number) => {
      port.attempt();
      for (const endMs = performance.now() + waitMs; performance.now() < endMs; );
      produce(port, 1);
    };
    const first = openTaskPort(dir, CHAIN, "a", 0);
    call(first, 0);
    first.close();
    const second = openTaskPort(dir, CHAIN, "a", 0);
    call(second, 3);
    expect(calls()).toHaveLength(PROCESS_BOUNDS_US.length);
    expect(calls().reduce((sum, value) => sum + value, 0)).toBe(2);
    const slow = PROCESS_BOUNDS_US.reduce((sum, bound, bucket) => sum + (bound > 2_048 ? (calls()[bucket] as number) : 0), 0);
    expect(slow).toBeGreaterThanOrEqual(1);
    second.close();
  });
});
