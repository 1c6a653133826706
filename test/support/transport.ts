import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { foreign } from "../../src/base/foreign.js";
import { createFlowMemory } from "../../src/transport/memory.js";
import type { DataPlan, EdgePlan, NodePlan } from "../../src/transport/plan.js";

export function aNode(name: string, inputs: readonly string[] = [], more: Partial<NodePlan> = {}): NodePlan {
  return { name, tasks: 1, inputs, slots: 8, slotBytes: 4096, ...more };
}

export function anEdge(from: string, to: string, more: Partial<EdgePlan> = {}): EdgePlan {
  return { from, to, cells: 4, keep: 1, releases: [], ...more };
}

/** A plan with an edge for every input. */
export function aPlan(nodes: readonly NodePlan[], more: Partial<EdgePlan> = {}, flowType: DataPlan["flowType"] = "Batch"): DataPlan {
  const edges = nodes.flatMap((node) => node.inputs.map((from) => anEdge(from, node.name, more)));
  return { version: 1, flowType, nodes, edges };
}

/** Runs a body on a fresh flow memory, which is gone afterwards. */
export async function withMemory<T>(plan: DataPlan, body: (dir: string) => T | Promise<T>): Promise<T> {
  const root = mkdtempSync("/dev/shm/videoflow-test-");
  try {
    createFlowMemory(`${root}/run`, plan);
    return await body(`${root}/run`);
  } finally {
    rmSync(root, { recursive: true, force: true });
    unmapBelow(root);
  }
}

/** Nobody unmaps what a port has open but the end of its process, and a process may have 65,530 mappings: a property makes thousands. */
function unmapBelow(folder: string): void {
  const munmap = foreign().load(null).func("int munmap(uintptr_t addr, size_t length)");
  for (const line of readFileSync("/proc/self/maps", "utf8").split("\n")) {
    const [, from, to] = line.includes(` ${folder}/`) ? (/^([0-9a-f]+)-([0-9a-f]+) /.exec(line) ?? []) : [];
    if (from !== undefined && to !== undefined) munmap(BigInt(`0x${from}`), BigInt(`0x${to}`) - BigInt(`0x${from}`));
  }
}
