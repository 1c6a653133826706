import { expect, test } from "@jest/globals";
import type { Change } from "../../src/controller/flow/observed.js";
import { atOnce, stepsOf } from "../../src/controller/flow/steps.js";

const change = (op: string, name = "") => ({ op, why: name }) as unknown as Change;
const soon = () => new Promise<void>((resolve) => setImmediate(resolve));

test("claims come before decisions and decisions before tasks; of one kind all at once, and nothing that ends something", () => {
  const plan = ["setFinalizers", "deleteClaim", "deleteClaim", "createClaim", "createClaim", "decideClaim", "decideClaim", "createTask"];
  expect(stepsOf([...plan, "createTask", "stopTask", "stopTask"].map((op) => change(op))).map((step) => step.map(({ op }) => op))).toEqual([
    ["setFinalizers"],
    ["deleteClaim"],
    ["deleteClaim"],
    ["createClaim", "createClaim"],
    ["decideClaim", "decideClaim"],
    ["createTask", "createTask"],
    ["stopTask"],
    ["stopTask"],
  ]);
});

test("decisions by which claims pass devices on are made one after the other", () => {
  const decide = (inTurn: boolean) => ({ ...change("decideClaim"), ...(inTurn ? { inTurn } : {}) }) as Change;
  expect(stepsOf([decide(false), decide(false), decide(true), decide(true)]).map((step) => step.length)).toEqual([2, 1, 1]);
});

test("at most eight are under way at once, and all are done", async () => {
  const seen = { now: 0, most: 0, done: 0 };
  await atOnce(
    Array.from({ length: 30 }, (_, i) => i),
    async () => {
      seen.now += 1;
      seen.most = Math.max(seen.most, seen.now);
      await soon();
      seen.now -= 1;
      seen.done += 1;
    },
  );
  expect(seen).toEqual({ now: 0, most: 8, done: 30 });
});

test("after a failure nothing begins, and it is told only when nothing is under way any more", async () => {
  const ended: number[] = [];
  const act = async (item: number) => {
    if (item === 1) throw new Error("conflict");
    for (let i = 0; i < item; i += 1) await soon();
    ended.push(item);
  };
  await expect(
    atOnce(
      Array.from({ length: 30 }, (_, i) => i),
      act,
    ),
  ).rejects.toThrow("conflict");
  const ofFirst = [...ended];
  for (let i = 0; i < 40; i += 1) await soon();
  expect(ended).toEqual(ofFirst);
  expect(ended.toSorted((a, b) => a - b).slice(0, 7)).toEqual([0, 2, 3, 4, 5, 6, 7]);
  expect(ended.length).toBeLessThan(10);
});
