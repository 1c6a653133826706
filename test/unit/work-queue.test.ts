import { expect, test } from "@jest/globals";
import { Prng } from "../../src/base/prng.js";
import { WorkQueue } from "../../src/controller/runtime/work-queue.js";
import { ManualScheduler } from "../sim/manual-scheduler.js";

function aQueue() {
  const scheduler = new ManualScheduler();
  const queue = new WorkQueue({
    scheduler,
    nowMs: () => scheduler.nowMs(),
    prng: new Prng(1),
    backoff: { initialMs: 100, maxMs: 1_000, jitter: 0 },
    onReady: () => {},
  });
  const pass = (byMs: number) => {
    scheduler.advance(byMs);
    for (let action = scheduler.take(); action !== undefined; action = scheduler.take()) action();
  };
  return { queue, scheduler, pass };
}

test("a key that is added twice is taken once", () => {
  const { queue } = aQueue();
  for (const key of ["a", "b", "a"]) queue.add(key);
  expect([queue.take(), queue.take(), queue.take()]).toEqual(["a", "b", undefined]);
});

test("a key in somebody's hand comes back after it was given back, once", () => {
  const { queue } = aQueue();
  queue.add("a");
  queue.take();
  queue.add("a");
  queue.add("a");
  const meanwhile = queue.take();
  queue.done("a");
  expect([meanwhile, queue.take(), queue.take()]).toEqual([undefined, "a", undefined]);
});

test("a failing key comes back later and later, up to the cap, until it succeeds", () => {
  const { queue, pass } = aQueue();
  queue.add("a");
  const delays = [1, 2, 3, 4, 5, 6].map(() => {
    queue.take();
    const delayMs = queue.fail("a");
    pass(delayMs);
    return delayMs;
  });
  queue.take();
  queue.done("a");
  queue.add("a");
  queue.take();
  expect([...delays, queue.fail("a")]).toEqual([100, 200, 400, 800, 1_000, 1_000, 100]);
});

test("of several delays the shortest counts", () => {
  const { queue, pass } = aQueue();
  queue.addAfter("a", 500);
  queue.addAfter("a", 100);
  queue.addAfter("a", 900);
  pass(100);
  const first = queue.take();
  queue.done("a");
  pass(900);
  expect([first, queue.take()]).toEqual(["a", undefined]);
});

test("a closed queue leaves no timer", () => {
  const { queue, scheduler } = aQueue();
  queue.addAfter("a", 500);
  queue.close();
  queue.addAfter("b", 500);
  expect(scheduler.size).toBe(0);
});
