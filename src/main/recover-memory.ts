/** Brings the shared memory of a dead task in order. Its code is loaded at the first death only: most keepers never need it. */
import type { TaskMemory } from "../base/keeper-protocol.js";

export async function recover({ dir, node, taskIndex }: TaskMemory, ordered: boolean): Promise<void> {
  const { readPlan, recoverTask } = await import("../transport/memory.js");
  recoverTask(dir, readPlan(dir), node, taskIndex, { ordered });
}
