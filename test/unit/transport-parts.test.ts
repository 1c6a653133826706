import { expect, test } from "@jest/globals";
import { openFlowStats, recoverTask } from "../../src/transport/memory.js";
import { openTaskPort } from "../../src/transport/open.js";
import type { DataPlan } from "../../src/transport/plan.js";
import type { PortOptions, TaskPort, Unit } from "../../src/transport/port.js";
import { aNode, aPlan, withMemory } from "../support/transport.js";

const PAIR = aPlan([aNode("a", [], { slots: 2 }), aNode("b", ["a"], { slots: 0 })]);

/** Ports of the first tasks of these nodes. */
function open(dir: string, plan: DataPlan, names: readonly string[], options: PortOptions = {}): TaskPort[] {
  return names.map((name) => openTaskPort(dir, plan, name, 0, options));
}

/** Outputs `from` to `to` of message `seq`. */
function write(port: TaskPort, seq: number, from: number, to: number): void {
  for (let index = from; index < to; index += 1) port.write({ traceId: `t${seq}`, seq, payload: index });
}

function payloads(unit: Unit | undefined): unknown[] {
  return (unit?.inputs[0] ?? []).map((message) => message.payload);
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);

test("outputs beyond one commit come in parts of one position, each when the last one was acknowledged", async () => {
  await withMemory(PAIR, (dir) => {
    const [a, b] = open(dir, PAIR, ["a", "b"]) as [TaskPort, TaskPort];
    write(a, 1, 0, 64);
    expect(a.isFull).toBe(true);
    a.commitPart();
    expect([a.committed, a.outputsDone, a.hasRoomForMore()]).toEqual([0, 64, false]);
    const first = b.take();
    expect([first?.position, payloads(first)]).toEqual([0, range(0, 64)]);
    b.commit();
    expect([b.take(), a.hasRoomForMore()]).toEqual([undefined, true]);
    write(a, 1, 64, 70);
    a.commit();
    const second = b.take();
    expect([second?.position, payloads(second), a.committed]).toEqual([0, range(64, 70), 1]);
    b.commit();
    write(a, 2, 0, 1);
    a.commit();
    expect(b.take()?.position).toBe(1);
    for (const port of [a, b]) port.close();
  });
});

test.each(["outputs noted", "applied"])("what is out when a task dies at %j is not given again", async (label) => {
  await withMemory(PAIR, (dir) => {
    const [b] = open(dir, PAIR, ["b"]) as [TaskPort];
    const die = (at: string) => {
      if (at === label) throw new Error("dead");
    };
    const [a] = open(dir, PAIR, ["a"], { step: die }) as [TaskPort];
    write(a, 1, 0, 64);
    expect(() => a.commitPart()).toThrow("dead");
    recoverTask(dir, PAIR, "a", 0);
    const [again] = open(dir, PAIR, ["a"]) as [TaskPort];
    expect([again.committed, again.outputsDone]).toEqual([0, 64]);
    write(again, 1, 0, 64);
    expect([again.isFull, again.reserve()]).toEqual([false, false]);
    expect(payloads(b.take())).toEqual(range(0, 64));
    b.commit();
    write(again, 1, 64, 66);
    again.commit();
    expect(payloads(b.take())).toEqual([64, 65]);
    expect(again.outputsDone).toBe(0);
    for (const port of [again, b]) port.close();
  });
});

test("what was given up of a call in the middle counts as given, so the calls after it lose nothing", async () => {
  await withMemory(PAIR, (dir) => {
    const [a, b] = open(dir, PAIR, ["a", "b"], { partSize: 2 }) as [TaskPort, TaskPort];
    write(a, 1, 0, 2);
    a.commitPart();
    b.take();
    b.commit();
    a.discard();
    expect(a.outputIndex).toBe(0);
    a.passOutputs(2);
    write(a, 1, 7, 8);
    a.commit();
    expect(payloads(b.take())).toEqual([7]);
    for (const port of [a, b]) port.close();
  });
});

test("a frame that is allocated beyond a part is written by copy", async () => {
  await withMemory(PAIR, (dir) => {
    const [a, b] = open(dir, PAIR, ["a", "b"]) as [TaskPort, TaskPort];
    const frames = range(0, 80).map((index) => {
      const frame = a.allocate([2], "uint8");
      frame.data.fill(index);
      return frame;
    });
    const seen: number[] = [];
    for (const payload of frames) {
      if (a.isFull) {
        a.commitPart();
        seen.push(...range(0, b.take()?.inputs[0]?.length ?? 0));
        b.commit();
      }
      a.write({ traceId: "t", seq: 1, payload });
    }
    a.commit();
    expect([seen.length, b.take()?.inputs[0]?.length]).toEqual([64, 16]);
    expect(openFlowStats(dir, PAIR).tasks()[0]?.copiedBytes).toBe((80 - 63) * 2);
    for (const port of [a, b]) port.close();
  });
});

test("a node passes parts on as parts, and a position whose last part is empty ends all the same", async () => {
  const plan = aPlan([aNode("a"), aNode("b", ["a"]), aNode("c", ["b"], { slots: 0 })]);
  await withMemory(plan, (dir) => {
    const [a, b, c] = open(dir, plan, ["a", "b", "c"], { partSize: 2 }) as [TaskPort, TaskPort, TaskPort];
    write(a, 1, 0, 2);
    a.commitPart();
    expect(payloads(b.take())).toEqual([0, 1]);
    b.write({ traceId: "t1", seq: 1, payload: "one" });
    b.commit();
    a.commit(); // Nothing more.
    expect(payloads(c.take())).toEqual(["one"]);
    c.commit();
    expect([b.take(), c.take()]).toEqual([undefined, undefined]);
    write(a, 2, 0, 1);
    a.commit();
    expect(b.take()?.position).toBe(1);
    b.commit();
    const edges = openFlowStats(dir, plan).edges();
    expect(edges.map(({ produced, marksProduced }) => [produced, marksProduced])).toEqual([
      [3, 1],
      [1, 2],
    ]);
    for (const port of [a, b, c]) port.close();
  });
});

test("replicas that compete go on with a position after the one that had its first part died", async () => {
  const plan = aPlan([aNode("a"), aNode("b", ["a"], { tasks: 2 }), aNode("c", ["b"], { slots: 0 })]);
  await withMemory(plan, (dir) => {
    const [a] = open(dir, plan, ["a"], { partSize: 1 }) as [TaskPort];
    const [first, second] = [0, 1].map((task) => openTaskPort(dir, plan, "b", task)) as [TaskPort, TaskPort];
    write(a, 1, 0, 1);
    a.commitPart();
    expect(first.take()?.position).toBe(0);
    expect(second.take()).toBeUndefined();
    first.commit();
    recoverTask(dir, plan, "b", 0); // Between two parts it has nothing in hand.
    write(a, 1, 1, 2);
    a.commit();
    expect(payloads(second.take())).toEqual([1]);
    second.commit();
    for (const port of [a, first, second]) port.close();
  });
});

test("all parts of a position belong to one replica of a partitioned node", async () => {
  const plan = aPlan([aNode("a"), aNode("b", ["a"], { slots: 0, tasks: 2, partitionBy: "key" })]);
  await withMemory(plan, (dir) => {
    const [a] = open(dir, plan, ["a"]) as [TaskPort];
    const ports = [0, 1].map((task) => openTaskPort(dir, plan, "b", task));
    const keyed = (key: string) => ({ traceId: "t", seq: 1, payload: key, metadata: { key } });
    a.write(keyed("k"));
    a.commitPart();
    const owner = ports.find((port) => port.take() !== undefined) as TaskPort;
    const other = ports.find((port) => port !== owner) as TaskPort;
    owner.commit();
    const strange = range(0, 50).map((number) => `x${number}`);
    expect(() => {
      for (const key of strange) {
        a.discard();
        a.passOutputs(1);
        a.write(keyed(key));
        a.commitPart();
        owner.take();
        owner.commit();
      }
    }).toThrow("PARTITION_KEY_MIXED");
    a.discard();
    a.commit();
    expect([other.take(), owner.take()]).toEqual([undefined, undefined]);
    expect(openFlowStats(dir, plan).edges()[0]).toMatchObject({ inFlight: 0, marks: 1 });
    for (const port of [a, ...ports]) port.close();
  });
});

test("a join, and a node that acknowledges later, refuse parts", async () => {
  const plan = aPlan([aNode("a"), aNode("b", ["a"]), aNode("j", ["a", "b"], { slots: 0, join: "Trace" }), aNode("w", ["a"], { slots: 0 })]);
  await withMemory(plan, (dir) => {
    const [a, b, j, w] = open(dir, plan, ["a", "b", "j", "w"]) as [TaskPort, TaskPort, TaskPort, TaskPort];
    write(a, 1, 0, 1);
    a.commitPart();
    b.take();
    write(b, 1, 0, 1);
    b.commit();
    expect(() => j.take()).toThrow(/JOIN_TRACE_AMBIGUOUS.*input "a" has more than 64 outputs of one trace/);
    w.take();
    expect(() => w.setAside()).toThrow(/OUTPUTS_TOO_MANY.*node "a" gave more than 64 outputs.*w, which acknowledges its inputs later/);
    for (const port of [a, b, j, w]) port.close();
  });
});

test("realtime gives up what is beyond one commit, and counts it", async () => {
  const plan = aPlan([aNode("a", [], { slots: 70 }), aNode("b", ["a"], { slots: 0 })], {}, "Realtime");
  await withMemory(plan, (dir) => {
    const [a, b] = open(dir, plan, ["a", "b"]) as [TaskPort, TaskPort];
    write(a, 1, 0, 70);
    expect(a.isFull).toBe(false);
    a.commit();
    expect(payloads(b.take())).toEqual(range(0, 64));
    b.commit();
    const stats = openFlowStats(dir, plan);
    expect(stats.tasks()[0]?.dropped).toBe(6);
    expect(stats.edges()[0]).toMatchObject({ produced: 64, acknowledged: 64, dropped: 0 });
    for (const port of [a, b]) port.close();
  });
});
