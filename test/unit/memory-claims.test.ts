import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { assembleDataPlan, memoryBytes } from "../../src/agent/data-plan.js";
import { claimMemory, otherRuns, pidNamespace, type RunClaim, refuseConflicts } from "../../src/agent/memory-owner.js";
import { CELL_BYTES, memoryBytes as countBytes, PLACES_PER_REPLICA, SLOTS_PER_REPLICA } from "../../src/api/channel-memory.js";
import type { FlowTask } from "../../src/api/kinds.js";
import { identityOf, readBootId } from "../../src/base/process-identity.js";
import { memoryBytes as admittedBytes, channelsOf } from "../../src/flow/channels.js";
import { graphOf } from "../../src/flow/graph.js";
import * as layout from "../../src/transport/layout.js";
import { type NodeDraft, specOf } from "./flow-samples.js";

const NODES: NodeDraft[] = [
  { name: "reader", role: "Producer", buffer: { messages: 2 } },
  { name: "big", role: "Processor", inputs: ["reader"], nbTasks: 3, buffer: { messages: 5, bytes: 5 * 2 ** 20 } },
  { name: "sink", role: "Consumer", inputs: ["big"] },
  { name: "other", role: "Consumer", inputs: ["reader"] },
];

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "videoflow-test-"));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const claim = (fields: Partial<RunClaim> = {}): RunClaim => ({ flow: "f", outputs: [], reservedBytes: 0, ...fields });
const self = identityOf(process.pid);
const dead = { bootId: readBootId(), pid: 2 ** 22 - 1, startTime: "1" };

function begin(run: string, fields: Partial<RunClaim>, processes = [self, dead]): void {
  const alive = processes.flatMap((identity) => identity ?? []);
  claimMemory(join(base, run), { bootId: readBootId(), pidNamespace: pidNamespace(), processes: alive, run: claim(fields) });
}

test("only what others are known to live for counts, less what they use already", () => {
  begin("own", { reservedBytes: 1 });
  begin("live", { flow: "live", reservedBytes: 10 * 2 ** 20 });
  begin("gone", { reservedBytes: 1 }, [dead]);
  mkdirSync(join(base, "nobody"));
  writeFileSync(join(base, "live", "control"), Buffer.alloc(2 ** 20, 1));

  const [live, ...more] = otherRuns(base, (run) => run === "own");

  expect([live?.claim.flow, more]).toEqual(["live", []]);
  expect(live?.outstandingBytes).toBeLessThanOrEqual(9 * 2 ** 20);
  expect(live?.outstandingBytes).toBeGreaterThan(8 * 2 ** 20);
});

test("a run is refused for a file of another, and for memory that others have reserved, never for that of its own agent", () => {
  const others = [{ claim: claim({ flow: "other", outputs: ["/a", "/b"] }), outstandingBytes: 70 }];
  const check = (mine: Partial<RunClaim>, beside: RunClaim[] = []) => refuseConflicts(claim(mine), beside, others, 100);

  expect(() => check({ outputs: ["/c", "/b"] })).toThrow('OUTPUT_IN_USE: the file /b is written by a run of flow "other"');
  expect(() => check({ outputs: ["/c"] }, [claim({ flow: "beside", outputs: ["/c"] })])).toThrow("OUTPUT_IN_USE");
  expect(() => check({ reservedBytes: 31 })).toThrow("100 are free, of which 70 are reserved by other");
  expect(() => check({ outputs: ["/c"], reservedBytes: 30 }, [claim({ reservedBytes: 100 })])).not.toThrow();
});

test.each(["Batch", "Realtime"] as const)(
  "an agent counts the memory of a run as its admission does, added replicas too (%s)",
  (flowType) => {
    const graph = graphOf({ ...specOf(NODES), flowType }, () => undefined);
    const channels = new Map(channelsOf(graph).map((entry) => [entry.node, entry.channels as FlowTask["spec"]["channels"]]));
    const tasks = graph.nodes.map(({ name, tasks: nbTasks }) => {
      return { spec: { node: name, index: 0, nbTasks, flowType, channels: channels.get(name) } } as unknown as FlowTask;
    });
    const plan = assembleDataPlan(tasks);
    const admitted = (more: number) => {
      const counted = tasks.map(({ spec }) => ({
        name: spec.node,
        tasks: spec.nbTasks + (spec.node === "big" ? more : 0),
        channels: spec.channels,
      }));
      return countBytes(flowType, counted);
    };

    expect(memoryBytes(plan)).toBe(admittedBytes(graph, channelsOf(graph)));
    expect(memoryBytes(plan)).toBe(admitted(0));
    expect(memoryBytes(plan, new Map([["big", 5]]))).toBe(admitted(2));
    expect(admitted(2) - admitted(0)).toBeGreaterThanOrEqual(2 * 5 * 2 ** 20); // Two more places for each of two replicas, at the least.
  },
);

test("what admission counts of cells and of further replicas is what the memory is made of", () => {
  expect(CELL_BYTES).toBe(layout.CELL.size * 4);
  expect([PLACES_PER_REPLICA, SLOTS_PER_REPLICA]).toEqual([layout.PLACES_PER_REPLICA, layout.SLOTS_PER_REPLICA]);
});
