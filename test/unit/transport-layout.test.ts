import { expect, test } from "@jest/globals";
import { layoutOf } from "../../src/transport/layout.js";
import type { DataPlan } from "../../src/transport/plan.js";
import {
  attemptsOf,
  countWord,
  EMPTY,
  hasMore,
  lapOf,
  lapsAhead,
  MAX_UNIT_OUTPUTS,
  nextLap,
  outputCount,
  outputOrigin,
  outputPart,
  outputRow,
  outputsDone,
  progressWord,
  ringShape,
  TAKEN,
  withRow,
  word,
  wordLap,
  wordState,
  wordTask,
} from "../../src/transport/words.js";
import { aNode, aPlan } from "../support/transport.js";

const PLAN = aPlan([
  aNode("a", [], { slots: 2 }),
  aNode("b", ["a"], { tasks: 2, slots: 3, partitionBy: "trace_id" }),
  aNode("c", ["a", "b"], { slots: 0, join: "Trace" }),
]);

test("the layout of a small flow is what docs/memory-layout.md says", () => {
  const layout = layoutOf(PLAN);
  const tasks = layout.nodes.flatMap((node) =>
    node.tasks.map((task) => [node.plan.name, task.index, task.region, task.slots, task.entries]),
  );
  expect(layout.nodes.map(({ header }) => header)).toEqual([16, 1024, 3056]);
  expect(tasks).toEqual([
    ["a", 0, 32, 496, 66],
    ["b", 0, 1040, 1504, 67],
    ["b", 1, 2048, 2512, 67],
    ["c", 0, 3072, 3536, 0],
  ]);
  expect(
    layout.edges.map((edge) => [edge.plan.from, edge.plan.to, edge.header, edge.ledger, edge.cells, edge.bit, edge.partitionBy]),
  ).toEqual([
    ["a", "b", 3536, 3552, 3584, 1, "trace_id"],
    ["a", "c", 3616, 3632, 3648, 2, undefined],
    ["b", "c", 3680, 3696, 3712, 1, undefined],
  ]);
  expect(layout.words).toBe(3744);
  expect(layout.controlBytes).toBe(16_384);
  expect(layout.budgetBytes).toBe(16_384 + (69_632 + 2 * 4096) + 2 * (69_632 + 3 * 4096));
});

test.each<[string, Partial<DataPlan>, RegExp]>([
  ["cells that are no power of two", { edges: PLAN.edges.map((edge) => ({ ...edge, cells: 3 })) }, /power of two/],
  ["an input without an edge", { edges: PLAN.edges.slice(1) }, /no edge from a/],
  ["a node named twice", { nodes: [...PLAN.nodes, aNode("a")] }, /two nodes have one name/],
  ["no slots for a parent", { nodes: [aNode("a", [], { slots: 0 }), ...PLAN.nodes.slice(1)] }, /slots/],
])("a plan with %s is refused", (_name, change, problem) => {
  expect(() => layoutOf({ ...PLAN, ...change })).toThrow(problem);
});

test.each([1, 2, 64, 4096, 2 ** 20])("in a ring of %d cells laps count on across the 32-bit border", (cells) => {
  const ring = ringShape(cells);
  for (const position of [0, cells, 2 ** 31 - cells, 2 ** 32 - cells, 2 ** 32, 2 ** 40 + cells]) {
    expect(lapOf(ring, position + cells)).toBe(nextLap(ring, lapOf(ring, position)));
    expect(lapsAhead(ring, lapOf(ring, position + 3 * cells), lapOf(ring, position))).toBe(3);
  }
});

test("a word gives back its parts", () => {
  const taken = word(0xfffff, TAKEN, 511);
  expect([wordLap(taken), wordState(taken), wordTask(taken)]).toEqual([0xfffff, TAKEN, 511]);
  const outputs = countWord(64, 513, 255, true);
  for (const row of [0, 63]) {
    const worked = withRow(withRow(outputs, 63 - row), row);
    expect([outputCount(worked), outputOrigin(worked), outputPart(worked), outputRow(worked), hasMore(worked)]).toEqual([
      64,
      513,
      255,
      row,
      true,
    ]);
  }
  expect(hasMore(withRow(countWord(64, 513, 255, false), 63))).toBe(false);
  const progress = progressWord(1001, MAX_UNIT_OUTPUTS);
  expect([attemptsOf(progress), outputsDone(progress)]).toEqual([1001, MAX_UNIT_OUTPUTS]);
  expect(attemptsOf(progressWord(5000, 0))).toBe(1023);
  expect(word(0, EMPTY)).toBe(0);
});
