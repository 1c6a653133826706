import { existsSync, statSync } from "node:fs";
import { expect, test } from "@jest/globals";
import { openFlowStats, recoverTask } from "../../src/transport/memory.js";
import { openTaskPort } from "../../src/transport/open.js";
import type { TaskPort } from "../../src/transport/port.js";
import { aNode, aPlan, withMemory } from "../support/transport.js";

const PAIR = aPlan([aNode("a"), aNode("b", ["a"], { slots: 0 })], { cells: 8 });
const bytes = (...values: number[]) => Uint8Array.from(values);

function produce(port: TaskPort, payload: unknown): void {
  const seq = port.committed + 1;
  port.write({ traceId: `t${seq}`, seq, payload });
  port.commit();
}

function open(dir: string, numbers: number): { readonly a: TaskPort; readonly b: TaskPort } {
  const [a, b] = [openTaskPort(dir, PAIR, "a", 0), openTaskPort(dir, PAIR, "b", 0)];
  for (let n = 0; n < numbers; n += 1) produce(a, n);
  return { a, b };
}

/** Takes units and puts them aside. @returns their payloads. */
function takeAside(port: TaskPort, units: number): unknown[] {
  return Array.from({ length: units }, () => {
    const unit = port.take();
    port.attempt();
    const payload = unit?.inputs[0]?.[0]?.payload;
    port.setAside();
    return payload;
  });
}

test("a task has no state until a commit carries one, and no file for it", async () => {
  await withMemory(PAIR, (dir) => {
    const { b } = open(dir, 2);
    b.take();
    b.commit();
    expect([b.state, existsSync(`${dir}/state-b-0`)]).toEqual([undefined, false]);
    b.take();
    b.commit({ state: bytes() });
    expect(b.state).toEqual(bytes());
  });
});

test("the next incarnation finds the state of the last commit that carried one, whatever its size", async () => {
  await withMemory(PAIR, (dir) => {
    const { b } = open(dir, 5);
    const states = [bytes(1), new Uint8Array(5000).fill(2), new Uint8Array(2 ** 20).fill(3), bytes(4, 5)];
    for (const state of states) {
      b.take();
      b.commit({ state });
      const found = openTaskPort(dir, PAIR, "b", 0).state as Uint8Array;
      expect(Buffer.compare(found, state)).toBe(0); // Element by element takes seconds.
    }
    b.take();
    b.commit();
    expect(b.state).toEqual(bytes(4, 5));
  });
});

test("a state that did not change is not written again", async () => {
  await withMemory(PAIR, (dir) => {
    const steps: string[] = [];
    const { a } = open(dir, 3);
    const b = openTaskPort(dir, PAIR, "b", 0, { step: (label) => steps.push(label) });
    for (const state of [bytes(1, 2), bytes(1, 2), bytes(1, 3)]) {
      b.take();
      b.commit({ state });
    }
    expect(steps.filter((label) => label === "state written")).toHaveLength(2);
    expect(b.state).toEqual(bytes(1, 3));
    a.close();
  });
});

test("a state beyond 1 MiB is refused, and the unit stays in hand", async () => {
  await withMemory(PAIR, (dir) => {
    const { b } = open(dir, 1);
    b.take();
    expect(() => b.commit({ state: new Uint8Array(2 ** 20 + 1) })).toThrow("STATE_TOO_LARGE");
    expect(openFlowStats(dir, PAIR).tasks()[1]?.inHand).toBe(0);
    b.commit({ state: bytes(9) });
    expect(b.state).toEqual(bytes(9));
  });
});

test("a small state takes one page of memory", async () => {
  await withMemory(PAIR, (dir) => {
    const { b } = open(dir, 1);
    b.take();
    b.commit({ state: bytes(1) });
    expect(statSync(`${dir}/state-b-0`).blocks * 512).toBe(4096);
  });
});

test("units set aside are acknowledged from the front, together with the state that tells of them", async () => {
  await withMemory(PAIR, (dir) => {
    const { b } = open(dir, 5);
    expect(takeAside(b, 3)).toEqual([0, 1, 2]);
    b.settle(2, { state: bytes(2) });
    const stats = openFlowStats(dir, PAIR);
    expect([b.aside, b.committed, stats.edges()[0]?.inFlight, stats.tasks()[1]?.messagesIn]).toEqual([1, 2, 3, 2]);
    b.take();
    b.commit({ state: bytes(4) });
    expect([b.aside, b.committed, b.state, stats.edges()[0]?.inFlight]).toEqual([0, 4, bytes(4), 1]);
  });
});

test("what was set aside and not settled is offered again after a death, without counting as an attempt", async () => {
  await withMemory(PAIR, (dir) => {
    const { b } = open(dir, 4);
    takeAside(b, 3);
    b.settle(1);
    recoverTask(dir, PAIR, "b", 0);
    const next = openTaskPort(dir, PAIR, "b", 0);
    expect(next.take()).toMatchObject({ position: 1, attempts: 0 });
    next.commit();
    expect(takeAside(next, 2)).toEqual([2, 3]);
  });
});

test("a task that has set everything aside is waiting, not hanging", async () => {
  await withMemory(PAIR, (dir) => {
    const { b } = open(dir, 2);
    takeAside(b, 2);
    expect(b.take()).toBeUndefined();
    expect(openFlowStats(dir, PAIR).tasks()[1]).toMatchObject({ inputPending: false, inHand: undefined });
  });
});

test("a flush acknowledges what was set aside, and closing a port offers it again", async () => {
  await withMemory(PAIR, (dir) => {
    const { a, b } = open(dir, 2);
    a.end();
    takeAside(b, 2);
    b.close();
    const next = openTaskPort(dir, PAIR, "b", 0);
    expect(takeAside(next, 2)).toEqual([0, 1]);
    expect(next.take()?.kind).toBe("flush");
    next.commit({ state: bytes(7) });
    const stats = openFlowStats(dir, PAIR);
    expect([next.take()?.kind, next.state, stats.slotsInUse(), stats.edges()[0]?.inFlight]).toEqual(["end", bytes(7), 0, 0]);
  });
});

test("only a task without children can set units aside", async () => {
  const chain = aPlan([aNode("a"), aNode("b", ["a"]), aNode("c", ["b"], { slots: 0 })]);
  await withMemory(chain, (dir) => {
    const [a, b] = [openTaskPort(dir, chain, "a", 0), openTaskPort(dir, chain, "b", 0)];
    produce(a, 1);
    b.take();
    expect(() => b.setAside()).toThrow("consumer");
  });
});
