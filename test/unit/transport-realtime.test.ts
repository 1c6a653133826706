import { expect, test } from "@jest/globals";
import { openFlowStats } from "../../src/transport/memory.js";
import { openTaskPort } from "../../src/transport/open.js";
import type { DataPlan } from "../../src/transport/plan.js";
import type { TaskPort, Unit } from "../../src/transport/port.js";
import { aNode, anEdge, withMemory } from "../support/transport.js";

const DIAMOND: DataPlan = {
  version: 1,
  flowType: "Realtime",
  nodes: [aNode("camera"), aNode("detector", ["camera"]), aNode("join", ["camera", "detector"], { slots: 0, join: "Trace" })],
  edges: [
    anEdge("camera", "detector", { cells: 64, releases: [{ from: "camera", to: "join" }] }),
    anEdge("camera", "join", { cells: 64, keep: 4 }),
    anEdge("detector", "join", { cells: 64, keep: 2 }),
  ],
};

function send(port: TaskPort, payload: unknown): void {
  const seq = port.committed + 1;
  port.write({ traceId: `t${seq}`, seq, payload });
  port.commit();
}

/** A task that is busy for some milliseconds with each unit. */
class Busy {
  unit: Unit | undefined;
  #until = 0;
  readonly port: TaskPort;
  readonly busyMs: number;
  constructor(port: TaskPort, busyMs: number) {
    this.port = port;
    this.busyMs = busyMs;
  }
  tick(nowMs: number): void {
    this.#finish(nowMs);
    this.#start(nowMs);
  }
  #finish(nowMs: number): void {
    const done = this.unit !== undefined && nowMs >= this.#until;
    for (const message of done ? (this.unit?.inputs[0] ?? []) : [])
      this.port.write({ traceId: message.traceId, seq: message.seq, payload: null });
    done && this.port.commit();
    this.unit = done ? undefined : this.unit;
  }
  #start(nowMs: number): void {
    const unit = this.unit === undefined ? this.port.take() : undefined;
    this.unit ??= unit?.kind === "data" ? unit : undefined;
    this.#until = unit === undefined ? this.#until : nowMs + this.busyMs;
  }
}

test("100 messages a second through a detector of 40 a second and a join of both give at least 36 complete groups a second", async () => {
  await withMemory(DIAMOND, (dir) => {
    const camera = openTaskPort(dir, DIAMOND, "camera", 0);
    const detector = new Busy(openTaskPort(dir, DIAMOND, "detector", 0), 25);
    const join = openTaskPort(dir, DIAMOND, "join", 0);
    const groups: number[] = [];
    const stats = openFlowStats(dir, DIAMOND);
    let mostSlots = 0;
    for (let nowMs = 0; nowMs < 10_000; nowMs += 1) {
      nowMs % 10 === 0 && send(camera, nowMs);
      detector.tick(nowMs);
      for (let unit = join.take(); unit !== undefined; unit = join.take()) {
        expect(unit.inputs.map((half) => half.length)).toEqual([1, 1]);
        expect(unit.inputs[0]?.[0]?.traceId).toBe(unit.inputs[1]?.[0]?.traceId);
        groups.push(unit.position);
        join.commit();
      }
      mostSlots = Math.max(mostSlots, stats.slotsInUse());
    }
    expect(groups.length).toBeGreaterThanOrEqual(360);
    expect([...groups].sort((a, b) => a - b)).toEqual(groups);
    expect(mostSlots).toBeLessThanOrEqual(8);
    const [a, d] = stats.tasks();
    expect((d?.messagesIn ?? 0) + (a?.dropped ?? 0) / 2).toBeGreaterThanOrEqual(990);
    stats.close();
  });
});

const CHAIN: DataPlan = {
  version: 1,
  flowType: "Realtime",
  nodes: [aNode("camera"), aNode("screen", ["camera"], { slots: 0 })],
  edges: [anEdge("camera", "screen", { cells: 8, keep: 1 })],
};

test("the freshest message wins, older ones are dropped and counted, and the stream ends", async () => {
  await withMemory(CHAIN, (dir) => {
    const camera = openTaskPort(dir, CHAIN, "camera", 0);
    const screen = openTaskPort(dir, CHAIN, "screen", 0);
    for (let i = 0; i < 100; i += 1) send(camera, i);
    camera.end();
    expect(screen.take()?.inputs[0]?.[0]?.payload).toBe(99);
    screen.commit();
    expect(screen.take()?.kind).toBe("flush");
    screen.commit();
    expect(screen.take()?.kind).toBe("end");
    const stats = openFlowStats(dir, CHAIN);
    expect(stats.tasks()[0]?.dropped).toBe(99);
    expect(stats.slotsInUse()).toBe(0);
    stats.close();
  });
});

test("a writer is not stopped by a reader that never lets go", async () => {
  await withMemory(CHAIN, (dir) => {
    const camera = openTaskPort(dir, CHAIN, "camera", 0);
    const screen = openTaskPort(dir, CHAIN, "screen", 0);
    send(camera, "held");
    const unit = screen.take();
    for (let i = 0; i < 1_001; i += 1) send(camera, i);
    expect(unit?.inputs[0]?.[0]?.payload).toBe("held");
    screen.commit();
    expect(screen.take()?.inputs[0]?.[0]?.payload).toBe(1_000);
  });
});
