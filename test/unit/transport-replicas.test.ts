import { existsSync } from "node:fs";
import { expect, test } from "@jest/globals";
import { layoutOf } from "../../src/transport/layout.js";
import { openFlowStats, recoverTask, requestRetire, setTasks } from "../../src/transport/memory.js";
import { openTaskPort } from "../../src/transport/open.js";
import type { DataPlan } from "../../src/transport/plan.js";
import type { TaskPort } from "../../src/transport/port.js";
import { aNode, aPlan, withMemory } from "../support/transport.js";

const ROOMY = aPlan([aNode("a", [], { slots: 4 }), aNode("b", ["a"], { slots: 4, capacity: 3 }), aNode("c", ["b"], { slots: 0 })]);
const KEYED = aPlan([aNode("a"), aNode("b", ["a"], { tasks: 2, capacity: 3, partitionBy: "trace_id" }), aNode("c", ["b"], { slots: 0 })]);

function produce(port: TaskPort, count: number): void {
  for (let i = 0; i < count; i += 1) {
    const seq = port.committed + 1;
    port.write({ traceId: `t${seq}`, seq, payload: seq });
    port.commit();
  }
}

/** Passes the unit in hand on. */
function forward(port: TaskPort): void {
  port.write({ traceId: "t", seq: 1, payload: 1 });
  port.commit();
}

/** How many messages a producer can give before it is blocked. */
function room(port: TaskPort): number {
  let given = 0;
  for (; port.reserve(); given += 1) produce(port, 1);
  return given;
}

test("a plan with room for more replicas has files, buffers and budget for those it begins with", async () => {
  const plain = aPlan([aNode("a", [], { slots: 4 }), aNode("b", ["a"], { slots: 4 }), aNode("c", ["b"], { slots: 0 })]);
  await withMemory(ROOMY, (dir) => {
    expect([0, 1].map((index) => existsSync(`${dir}/pool-b-${index}`))).toEqual([true, false]);
    expect(room(openTaskPort(dir, ROOMY, "a", 0))).toBe(4);
    expect(openFlowStats(dir, ROOMY).nodes()).toContainEqual({ node: "b", tasks: 1, capacity: 3, isFinal: false });
  });
  const pools = (plan: DataPlan) => layoutOf(plan).budgetBytes - layoutOf(plan).controlBytes;
  expect(pools(ROOMY) - pools(plain)).toBeLessThan(64 * 1024);
});

test("replicas that are added work at once, and the nodes before them may give more", async () => {
  await withMemory(ROOMY, (dir) => {
    const a = openTaskPort(dir, ROOMY, "a", 0);
    expect(room(a)).toBe(4);
    expect(setTasks(dir, ROOMY, "b", 3)).toBe(3);
    const replicas = [0, 1, 2].map((index) => openTaskPort(dir, ROOMY, "b", index));
    expect(replicas.map((port) => port.take()?.position)).toEqual([0, 1, 2]);
    expect(room(a)).toBe(4); // 2 slots for each of 2 replicas; the ring has 4 + 10 places.
    expect(
      openFlowStats(dir, ROOMY)
        .tasks()
        .filter(({ node }) => node === "b"),
    ).toHaveLength(3);
  });
});

test("a replica that is one too many finishes what it has in hand, and leaves", async () => {
  await withMemory(ROOMY, (dir) => {
    produce(openTaskPort(dir, ROOMY, "a", 0), 3);
    setTasks(dir, ROOMY, "b", 2);
    const [b0, b1] = [0, 1].map((index) => openTaskPort(dir, ROOMY, "b", index)) as [TaskPort, TaskPort];
    b0.take();
    b1.take();
    expect(setTasks(dir, ROOMY, "b", 1)).toBe(1);
    forward(b1);
    expect(b1.take()?.kind).toBe("retire");
    b1.leave();
    forward(b0);
    expect(b0.take()?.position).toBe(2);
    const c = openTaskPort(dir, ROOMY, "c", 0);
    c.take();
    c.commit();
    expect(c.take()?.position).toBe(1);
  });
});

test("once the end is seen the number stays, and each replica flushes at its own position", async () => {
  await withMemory(ROOMY, (dir) => {
    const a = openTaskPort(dir, ROOMY, "a", 0);
    a.end();
    setTasks(dir, ROOMY, "b", 2);
    const [b0, b1] = [0, 1].map((index) => openTaskPort(dir, ROOMY, "b", index)) as [TaskPort, TaskPort];
    expect(b0.take()).toMatchObject({ kind: "flush", position: 0 });
    expect([setTasks(dir, ROOMY, "b", 3), setTasks(dir, ROOMY, "b", 1)]).toEqual([2, 2]);
    b0.commit();
    expect(b1.take()).toMatchObject({ kind: "flush", position: 1 });
    b1.commit();
    expect([b0.take()?.kind, b1.take()?.kind]).toEqual(["end", "end"]);
    expect(openFlowStats(dir, ROOMY).nodes()[1]).toMatchObject({ tasks: 2, isFinal: true });
  });
});

test.each(["Batch", "Realtime"] as const)(
  "in %s siblings wait for the last unit of one that is one too many, and take it if that dies",
  async (flowType) => {
    const plan: DataPlan = { ...ROOMY, flowType, edges: ROOMY.edges.map((edge) => ({ ...edge, keep: 3 })) };
    await withMemory(plan, (dir) => {
      const a = openTaskPort(dir, plan, "a", 0);
      setTasks(dir, plan, "b", 2);
      const [b0, b1] = [0, 1].map((index) => openTaskPort(dir, plan, "b", index)) as [TaskPort, TaskPort];
      produce(a, 1);
      a.end();
      expect(b1.take()?.position).toBe(0);
      setTasks(dir, plan, "b", 1);
      expect(b0.take()?.kind).toBe("flush");
      b0.commit();
      expect(b0.take()).toBe(undefined);
      recoverTask(dir, plan, "b", 1);
      expect(b0.take()).toMatchObject({ kind: "data", position: 0 });
      forward(b0);
      expect(b0.take()?.kind).toBe("end");
    });
  },
);

test("keys change hands only while no replica of the node works", async () => {
  await withMemory(KEYED, (dir) => {
    const a = openTaskPort(dir, KEYED, "a", 0);
    const [b0, b1] = [0, 1].map((index) => openTaskPort(dir, KEYED, "b", index)) as [TaskPort, TaskPort];
    expect(() => setTasks(dir, KEYED, "b", 3)).toThrow("REPLICAS_BUSY");
    for (const index of [0, 1]) requestRetire(dir, KEYED, "b", index);
    expect([b0.take()?.kind, b1.take()?.kind]).toEqual(["retire", "retire"]);
    b0.leave();
    expect(() => setTasks(dir, KEYED, "b", 3)).toThrow("replica 1 works");
    recoverTask(dir, KEYED, "b", 1); // It died instead of leaving: nothing is in its hands either.
    produce(a, 4);
    expect(setTasks(dir, KEYED, "b", 3)).toBe(3);
  });
});

test("a number of replicas beyond the capacity, or none, is refused", async () => {
  await withMemory(ROOMY, (dir) => {
    expect(() => setTasks(dir, ROOMY, "b", 4)).toThrow("1 to 3 replicas");
    expect(() => setTasks(dir, ROOMY, "b", 0)).toThrow("1 to 3 replicas");
    expect(() => setTasks(dir, ROOMY, "x", 1)).toThrow("no node x");
  });
});

test.each([0, 1, 15, 16, 17, 31, 32, 33, 200])(
  "a replica whose sibling has finished %d positions meanwhile takes the next one",
  async (count) => {
    const plan = aPlan([aNode("a", [], { slots: 40 }), aNode("b", ["a"], { slots: 0, tasks: 2 })], { cells: 32 });
    await withMemory(plan, (dir) => {
      const [a, slow, fast] = [openTaskPort(dir, plan, "a", 0), openTaskPort(dir, plan, "b", 0), openTaskPort(dir, plan, "b", 1)];
      produce(a, 1);
      expect(slow.take()?.position).toBe(0);
      slow.commit();
      for (let position = 1; position <= count; position += 1) {
        produce(a, 1);
        expect(fast.take()?.position).toBe(position);
        fast.commit();
      }
      produce(a, 3);
      expect(fast.take()?.position).toBe(count + 1);
      expect(slow.take()?.position).toBe(count + 2);
      slow.commit();
      expect(slow.take()?.position).toBe(count + 3);
      for (const port of [a, slow, fast]) port.close();
    });
  },
);
