import { expect, test } from "@jest/globals";
import { edgeSnapshot } from "../../src/main/flow-snapshot.js";
import { ledgerProblems } from "../../src/transport/ledger-check.js";
import { openFlowStats, recoverTask } from "../../src/transport/memory.js";
import { openTaskPort } from "../../src/transport/open.js";
import type { EdgeStats, TaskPort } from "../../src/transport/port.js";
import { aNode, aPlan, withMemory } from "../support/transport.js";

const PAIR = aPlan([aNode("a"), aNode("b", ["a"], { slots: 0 })]);
const JOIN = aPlan([aNode("a"), aNode("b", ["a"]), aNode("j", ["a", "b"], { slots: 0, join: "Trace" })]);

function produce(port: TaskPort, messages: number): void {
  const seq = port.committed + 1;
  for (let i = 0; i < messages; i += 1) port.write({ traceId: `t${seq}`, seq, payload: i });
  port.commit();
}

const fates = ({ produced, marksProduced, acknowledged, deadLettered, dropped, marks }: EdgeStats) => [
  [produced, marksProduced],
  [acknowledged, deadLettered, dropped, marks],
];

test("messages are acknowledged or dead letters, marks stand apart", async () => {
  await withMemory(PAIR, (dir) => {
    const [a, b] = ["a", "b"].map((node) => openTaskPort(dir, PAIR, node, 0)) as [TaskPort, TaskPort];
    const stats = openFlowStats(dir, PAIR);
    produce(a, 3);
    produce(a, 0);
    b.take();
    b.bury(1);
    b.commit();
    expect(b.take()).toBeUndefined(); // The mark is acknowledged at once.
    const [edge] = stats.edges() as [EdgeStats];
    expect(fates(edge)).toEqual([
      [3, 1],
      [2, 1, 0, 1],
    ]);
    expect(ledgerProblems([edge])).toEqual([]);
    produce(a, 1);
    expect(ledgerProblems(stats.edges())).toEqual([
      "edge a -> b: 4 messages produced, 3 settled: 2 acknowledged, 1 dead letters, 0 dropped",
    ]);
    stats.close();
    for (const port of [a, b]) port.close();
  });
});

test("what is in flight is told in messages: one position may have many, a mark has none", async () => {
  await withMemory(PAIR, (dir) => {
    const [a, b] = ["a", "b"].map((node) => openTaskPort(dir, PAIR, node, 0)) as [TaskPort, TaskPort];
    const stats = openFlowStats(dir, PAIR);
    const told = () => {
      const { produced, acknowledged, inFlight, marks } = edgeSnapshot(stats.edges()[0] as EdgeStats);
      return [produced, acknowledged, inFlight, marks];
    };
    produce(a, 3);
    produce(a, 0);
    expect(told()).toEqual([3, 0, 3, 0]);
    b.take();
    b.commit();
    expect(told()).toEqual([3, 3, 0, 0]);
    expect(b.take()).toBeUndefined();
    expect(told()).toEqual([3, 3, 0, 1]);
    stats.close();
    for (const port of [a, b]) port.close();
  });
});

test("what a join cannot pair is dropped by the rules of the flow", async () => {
  await withMemory(JOIN, (dir) => {
    const [a, b, j] = ["a", "b", "j"].map((node) => openTaskPort(dir, JOIN, node, 0)) as [TaskPort, TaskPort, TaskPort];
    produce(a, 1);
    b.take();
    b.commit();
    expect(j.take()).toBeUndefined();
    produce(a, 1);
    b.take();
    b.write({ traceId: "t2", seq: 2, payload: 0 });
    b.commit();
    j.take();
    j.bury(1);
    j.commit();
    const edges = openFlowStats(dir, JOIN).edges();
    expect(edges.map(fates)).toEqual([
      [
        [2, 0],
        [2, 0, 0, 0],
      ],
      [
        [2, 0],
        [0, 1, 1, 0],
      ],
      [
        [1, 1],
        [0, 1, 0, 1],
      ],
    ]);
    expect(ledgerProblems(edges)).toEqual([]);
    for (const port of [a, b, j]) port.close();
  });
});

test.each(["redo written", "prepared", "committed", "acknowledged", "ledger written", "totals copied"])(
  "a death at %j counts each message once",
  async (label) => {
    await withMemory(PAIR, (dir) => {
      const a = openTaskPort(dir, PAIR, "a", 0);
      const step = (at: string) => {
        if (at === label) throw new Error("dead");
      };
      produce(a, 2);
      const dying = openTaskPort(dir, PAIR, "b", 0, { step });
      dying.take();
      expect(() => dying.commit()).toThrow("dead");
      recoverTask(dir, PAIR, "b", 0);
      recoverTask(dir, PAIR, "b", 0);
      const b = openTaskPort(dir, PAIR, "b", 0);
      if (b.take() !== undefined) b.commit();
      expect(openFlowStats(dir, PAIR).edges().map(fates)).toEqual([
        [
          [2, 0],
          [2, 0, 0, 0],
        ],
      ]);
      for (const port of [a, b]) port.close();
    });
  },
);

test("what is set aside counts when it is settled", async () => {
  await withMemory(PAIR, (dir) => {
    const [a, b] = ["a", "b"].map((node) => openTaskPort(dir, PAIR, node, 0)) as [TaskPort, TaskPort];
    for (let unit = 0; unit < 3; unit += 1) {
      produce(a, 2);
      b.take();
      if (unit === 1) b.bury(1);
      b.setAside();
    }
    const stats = openFlowStats(dir, PAIR);
    expect(stats.edges().map(fates)).toEqual([
      [
        [6, 0],
        [0, 0, 0, 0],
      ],
    ]);
    b.settle(2);
    expect(stats.edges().map(fates)).toEqual([
      [
        [6, 0],
        [3, 1, 0, 0],
      ],
    ]);
    stats.close();
    for (const port of [a, b]) port.close();
  });
});
