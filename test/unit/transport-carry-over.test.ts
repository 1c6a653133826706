import { mkdtempSync, rmSync } from "node:fs";
import { expect, test } from "@jest/globals";
import { readWholePlan } from "../../src/transport/files.js";
import { ledgerProblems } from "../../src/transport/ledger-check.js";
import { carryOver, createFlowMemory, openFlowStats, quiesce, requestPause } from "../../src/transport/memory.js";
import { openTaskPort } from "../../src/transport/open.js";
import type { DataPlan } from "../../src/transport/plan.js";
import type { TaskPort } from "../../src/transport/port.js";
import { aNode, aPlan } from "../support/transport.js";

const OLD = aPlan([aNode("a"), aNode("b", ["a"]), aNode("c", ["b"], { slots: 0 })], { cells: 4 });
/** Another node between a and b, another consumer, longer rings. */
const NEW = aPlan(
  [aNode("a"), aNode("x", ["a"], { tasks: 2 }), aNode("b", ["x"]), aNode("c", ["b"], { slots: 0 }), aNode("d", ["x"], { slots: 0 })],
  { cells: 8 },
);

async function withBoth(body: (oldDir: string, newDir: string) => void | Promise<void>): Promise<void> {
  const root = mkdtempSync("/dev/shm/videoflow-test-");
  try {
    createFlowMemory(`${root}/old`, OLD);
    await body(`${root}/old`, `${root}/new`);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function produce(port: TaskPort, count: number): void {
  for (let i = 0; i < count; i += 1) {
    if (!port.reserve()) throw new Error("no room");
    port.write({ traceId: `t${port.committed}`, seq: port.committed + 1, payload: port.committed });
    port.commit();
  }
}

/** Works on all that is there, with a running sum for a state. @returns what came, and how it ended. */
function work(port: TaskPort, stateful: boolean): { readonly got: unknown[]; readonly kind: string | undefined } {
  const got: unknown[] = [];
  for (;;) {
    const unit = port.take();
    if (unit === undefined || unit.kind === "end" || unit.kind === "retire") return { got, kind: unit?.kind };
    const values = (unit.inputs[0] ?? []).map(({ payload }) => payload);
    got.push(...values);
    for (const value of values) port.write({ traceId: "t", seq: 1, payload: value });
    const sum = (port.state?.[0] ?? 0) + values.reduce<number>((total, value) => total + (value as number), 0);
    port.commit(stateful ? { state: Uint8Array.of(sum) } : undefined);
  }
}

/** Six messages through the old flow. */
function runOld(dir: string): void {
  const [a, b, c] = ["a", "b", "c"].map((node) => openTaskPort(dir, OLD, node, 0)) as [TaskPort, TaskPort, TaskPort];
  for (const count of [2, 3, 1]) {
    produce(a, count);
    work(b, true);
    work(c, false);
  }
  for (const port of [a, b, c]) port.close();
}

test("what was committed counts in the changed flow: producers, states and ledgers go on, nothing is lost or repeated", async () => {
  await withBoth((oldDir, newDir) => {
    runOld(oldDir);
    carryOver(oldDir, OLD, newDir, NEW);
    const open = (node: string, index = 0) => openTaskPort(newDir, NEW, node, index);
    const [a, x0, x1, b, c, d] = [open("a"), open("x"), open("x", 1), open("b"), open("c"), open("d")];
    expect([a.committed, b.state, x0.state]).toEqual([6, Uint8Array.of(15), undefined]);
    const seen = { b: [] as unknown[], c: [] as unknown[], d: [] as unknown[] };
    const turn = () => {
      for (const port of [x0, x1]) work(port, false);
      seen.b.push(...work(b, true).got);
      seen.c.push(...work(c, false).got);
      seen.d.push(...work(d, false).got);
    };
    for (let i = 0; i < 5; i += 1) {
      produce(a, 3);
      turn();
    }
    a.end();
    for (let i = 0; i < 3; i += 1) turn();
    const later = Array.from({ length: 15 }, (_, i) => 6 + i);
    expect(seen).toEqual({ b: later, c: later, d: later });
    expect(b.state).toEqual(Uint8Array.of(210));
    expect([x0, x1, b, c, d].map((port) => port.take()?.kind)).toEqual(new Array(5).fill("end"));
    const stats = openFlowStats(newDir, NEW);
    expect([stats.slotsInUse(), stats.rest(), ledgerProblems(stats.edges())]).toEqual([0, "free", []]);
    stats.close();
  });
});

test("nodes that were replaced begin anew", async () => {
  await withBoth((oldDir, newDir) => {
    runOld(oldDir);
    carryOver(oldDir, OLD, newDir, NEW, { nodes: new Set(["a", "c"]) });
    expect([openTaskPort(newDir, NEW, "b", 0).state, openTaskPort(newDir, NEW, "a", 0).committed]).toEqual([undefined, 6]);
  });
});

/** The words of the new memory that a flow finds, and the state of b. */
function carried(dir: string): unknown {
  const b = openTaskPort(dir, NEW, "b", 0);
  const { state } = b;
  b.close();
  const stats = openFlowStats(dir, NEW);
  const words = { plan: readWholePlan(dir), tasks: stats.tasks(), edges: stats.edges(), rest: stats.rest(), state };
  stats.close();
  return JSON.parse(JSON.stringify(words, (key, value) => (key === "lastProgressMs" ? undefined : value)));
}

test("a death at any step leaves memory that nobody takes for whole, and the next attempt makes it as if nothing had happened", async () => {
  await withBoth((oldDir, newDir) => {
    runOld(oldDir);
    carryOver(oldDir, OLD, `${newDir}-undisturbed`, NEW);
    const expected = carried(`${newDir}-undisturbed`);
    const died: string[] = [];
    for (let steps = 0; ; steps += 1) {
      let left = steps;
      const step = (label: string) => {
        left -= 1;
        if (left >= 0) return;
        died.push(label);
        throw new Error("death");
      };
      try {
        carryOver(oldDir, OLD, newDir, NEW, { step });
        break;
      } catch (error) {
        expect((error as Error).message).toBe("death");
        if (died.at(-1) !== "carried over") expect(() => readWholePlan(newDir)).toThrow("SHM_INVALID");
      }
      if (steps % 3 === 0) carryOver(oldDir, OLD, newDir, NEW); // Else a later attempt dies on the remains of this one.
    }
    expect([...new Set(died)].sort()).toEqual([
      "carried over",
      "edge begun",
      "files made",
      "ledger carried",
      "node carried",
      "state copied",
      "totals carried",
    ]);
    expect(carried(newDir)).toEqual(expected);
  });
});

test("a flow in which something moves, or has ended, is not carried over", async () => {
  await withBoth(async (oldDir, newDir) => {
    const [a, b] = ["a", "b"].map((node) => openTaskPort(oldDir, OLD, node, 0)) as [TaskPort, TaskPort];
    produce(a, 1);
    expect(() => carryOver(oldDir, OLD, newDir, NEW)).toThrow("under way");
    b.take();
    expect(await quiesce(oldDir, OLD, 1)).toBe("moving");
    b.commit();
    work(openTaskPort(oldDir, OLD, "c", 0), false);
    expect(await quiesce(oldDir, OLD, 10_000)).toBe("free");
    a.end();
    b.take();
    expect(() => carryOver(oldDir, OLD, newDir, NEW)).toThrow('"b" has ended');
  });
});

test("a producer that may give a message moves, and one that is paused does not", async () => {
  await withBoth((dir) => {
    const a = openTaskPort(dir, OLD, "a", 0);
    const stats = openFlowStats(dir, OLD);
    expect([a.reserve(), stats.rest()]).toEqual([true, "moving"]);
    requestPause(dir, OLD, true);
    expect(stats.rest()).toBe("moving");
    produceReserved(a);
    const c = openTaskPort(dir, OLD, "c", 0);
    work(openTaskPort(dir, OLD, "b", 0), false);
    c.take();
    c.setAside();
    expect([a.reserve(), stats.rest()]).toEqual([false, "held"]);
    c.settle(1);
    expect(stats.rest()).toBe("free");
    stats.close();
  });
});

function produceReserved(port: TaskPort): void {
  port.write({ traceId: "t", seq: 1, payload: 1 });
  port.commit();
}

test("joins whose inputs would not begin together are refused", async () => {
  const joined: DataPlan = aPlan([...OLD.nodes, aNode("p"), aNode("j", ["b", "p"], { slots: 0, join: "Trace" })]);
  await withBoth((oldDir, newDir) => {
    runOld(oldDir);
    expect(() => carryOver(oldDir, OLD, newDir, joined)).toThrow('inputs of node "j" would begin at 6, 0');
  });
});
