/** Brings the shared memory of a dead task in order. Its code is loaded after the first start, or at the first death. */
import type { TaskMemory } from "../base/keeper-protocol.js";

/** So that the first death does not wait for it. */
export function prepareRecovery(): void {
  void import("../transport/memory.js");
}

export async function recover({ dir, node, taskIndex }: TaskMemory, ordered: boolean): Promise<void> {
  const { readPlan, recoverTask } = await import("../transport/memory.js");
  recoverTask(dir, readPlan(dir), node, taskIndex, { ordered });
}
