import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { NodeSpec, VideoFlowSpec } from "../../src/api/kinds.js";
import { Prng } from "../../src/base/prng.js";
import { channelsOf, memoryBytes } from "../../src/flow/channels.js";
import { DEFAULT_DESCRIPTOR } from "../../src/flow/descriptor.js";
import { type FlowGraph, graphOf } from "../../src/flow/graph.js";
import { stuckNodes } from "./channels-simulation.js";

interface Draft {
  readonly parents: readonly number[];
  readonly tasks: number;
  readonly holds: number;
  readonly buffer: number;
  readonly partitioned: boolean;
}

const drafts: fc.Arbitrary<Draft[]> = fc.array(
  fc.record({
    parents: fc.uniqueArray(fc.nat(6), { minLength: 1, maxLength: 3 }),
    tasks: fc.integer({ min: 1, max: 3 }),
    holds: fc.constantFrom(0, 0, 1, 3, 9),
    buffer: fc.integer({ min: 0, max: 3 }),
    partitioned: fc.boolean(),
  }),
  { minLength: 1, maxLength: 6 },
);

/** Node 0 is the producer; the parents of node n are lower; a node that holds has one task. */
function graphFrom(items: readonly Draft[], flowType: VideoFlowSpec["flowType"] = "Batch"): FlowGraph {
  const nodes = items.map((item, index) => {
    const inputs = [...new Set(item.parents.map((parent) => `n${parent % (index + 1)}`))];
    const shared = { name: `n${index + 1}`, role: "Processor" as const, component: `Holds${item.holds}`, inputs };
    const buffer = item.buffer === 0 ? {} : { buffer: { messages: item.buffer } };
    return {
      ...REST,
      ...shared,
      ...buffer,
      nbTasks: item.holds > 0 ? 1 : item.tasks,
      ...(item.partitioned ? { partitionBy: "trace_id" } : {}),
    };
  });
  const first = { ...REST, name: "n0", role: "Producer", component: "Holds0", inputs: [], buffer: { messages: 1 } } as unknown as NodeSpec;
  return graphOf({ flowType, desiredState: "Running", run: 1, nodes: [first, ...(nodes as unknown as NodeSpec[])] }, (component) => ({
    ...DEFAULT_DESCRIPTOR,
    role: "Processor",
    holds: Number(component.slice("Holds".length)),
  }));
}

const REST = { params: {}, nbTasks: 1, oneTask: false, deviceType: "CPU", retries: 3, env: [] } as const;

describe("batch channels", () => {
  test("liveness: no graph deadlocks, whatever the schedule, replicas, filters and buffers", () => {
    fc.assert(
      fc.property(drafts, fc.nat(), fc.constantFrom(0, 0.3), (items, seed, filter) => {
        const graph = graphFrom(items);
        expect(stuckNodes(graph, channelsOf(graph), { positions: 40, prng: new Prng(seed), filter })).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  test("fixed case: ways that part at two nodes and meet at two others", () => {
    const holding = (parents: number[], holds: number, buffer: number) => ({ parents, tasks: 1, holds, buffer, partitioned: false });
    const graph = graphFrom([
      holding([0], 0, 1),
      holding([0], 0, 1),
      holding([1, 0], 9, 0),
      holding([0], 0, 0),
      holding([6, 2], 3, 0),
      holding([3, 2], 9, 0),
    ]);
    expect(stuckNodes(graph, channelsOf(graph), { positions: 40, prng: new Prng(0), filter: 0 })).toEqual([]);
  });

  test("without the room for what parallel nodes hold, some graph deadlocks", () => {
    const graph = graphFrom([
      { parents: [0], tasks: 1, holds: 3, buffer: 1, partitioned: false },
      { parents: [0, 1], tasks: 1, holds: 0, buffer: 1, partitioned: false },
    ]);
    const sized = channelsOf(graph);
    const narrow = sized.map((entry) => ({ ...entry, channels: { ...entry.channels, slots: 2 } }));
    const options = { positions: 20, filter: 0 };
    expect(stuckNodes(graph, sized, { ...options, prng: new Prng(1) })).toEqual([]);
    expect(stuckNodes(graph, narrow, { ...options, prng: new Prng(1) })).toContain("n2");
  });

  test("without a slot for every cell, replicas with keys deadlock on some graph", () => {
    const graph = graphFrom([
      { parents: [0], tasks: 3, holds: 0, buffer: 1, partitioned: false },
      { parents: [1], tasks: 3, holds: 0, buffer: 1, partitioned: true },
      { parents: [2], tasks: 1, holds: 0, buffer: 1, partitioned: false },
    ]);
    const narrow = channelsOf(graph).map((entry) => ({ ...entry, channels: { ...entry.channels, slots: 1 } }));
    const runs = Array.from({ length: 200 }, (_, seed) => stuckNodes(graph, narrow, { positions: 40, prng: new Prng(seed), filter: 0 }));
    expect(runs.some((stuck) => stuck.length > 0)).toBe(true);
  });

  test("safety: cells are powers of two and one number for all rings of a node", () => {
    fc.assert(
      fc.property(drafts, (items) => {
        const inputs = channelsOf(graphFrom(items)).flatMap((entry) => entry.channels.inputs);
        const rings = new Map<string, Set<number>>();
        for (const { from, cells } of inputs) rings.set(from, (rings.get(from) ?? new Set()).add(cells));
        expect(inputs.filter(({ cells }) => !Number.isInteger(Math.log2(cells)))).toEqual([]);
        expect([...rings.values()].filter((sizes) => sizes.size > 1)).toEqual([]);
      }),
    );
  });

  test("determinism: the order of the nodes in the spec does not change a size", () => {
    fc.assert(
      fc.property(drafts, (items) => {
        const graph = graphFrom(items);
        const turned = graphOf(
          { flowType: "Batch", desiredState: "Running", run: 1, nodes: graph.nodes.flatMap((node) => node.members).toReversed() },
          (component) => ({
            ...DEFAULT_DESCRIPTOR,
            role: "Processor",
            holds: Number(component.slice("Holds".length)),
          }),
        );
        const byName = (entries: ReturnType<typeof channelsOf>) => entries.toSorted((a, b) => a.node.localeCompare(b.node));
        expect(byName(channelsOf(turned))).toEqual(byName(channelsOf(graph)));
        expect(memoryBytes(turned, channelsOf(turned))).toBe(memoryBytes(graph, channelsOf(graph)));
      }),
    );
  });
});

describe("realtime channels", () => {
  test("safety: a pool has room for all that its channels keep and its readers have in hand", () => {
    fc.assert(
      fc.property(drafts, (items) => {
        const graph = graphFrom(items, "Realtime");
        const sizes = channelsOf(graph);
        for (const { node, channels } of sizes.filter((entry) => (graph.byName.get(entry.node)?.children.length ?? 0) > 0)) {
          const kept = sizes.flatMap((entry) => entry.channels.inputs).filter((input) => input.from === node);
          const hands = graph.byName.get(node)?.children.map((child) => graph.byName.get(child)?.tasks ?? 0) ?? [];
          expect(channels.slots).toBeGreaterThan([...kept.map((input) => input.keep), ...hands].reduce((sum, count) => sum + count, 0));
        }
      }),
    );
  });
});
