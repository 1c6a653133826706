/** Ends processes that no keeper answers for any more. Every signal is verified; nobody is found by name. */
import { KEEPER_MARKER } from "../base/keeper-protocol.js";
import { killUntilNone } from "../base/kill-until-none.js";
import { isAlive, type ProcessIdentity } from "../base/process-identity.js";
import { descendantsOf, identify, listProcesses, withEnvironment } from "../base/process-table.js";

const PATIENCE = { deadlineMs: 5_000, lookMs: 10 };

/** Kills every process that carries the marker of this keeper. */
export async function killMarked(keeperId: string | undefined): Promise<boolean> {
  if (keeperId === undefined) return true;
  return killUntilNone(() => withEnvironment(listProcesses(), KEEPER_MARKER, keeperId), PATIENCE);
}

/** Kills a process, if it is still the one that was recorded, and everything below it. */
export async function killTreeOf(root: ProcessIdentity): Promise<boolean> {
  if (!isAlive(root)) return true;
  const table = listProcesses();
  const tree = [...table.filter((stat) => stat.pid === root.pid), ...descendantsOf(table, root.pid)];
  return killUntilNone(() => tree.filter((stat) => isAlive(identify(stat))), PATIENCE);
}
