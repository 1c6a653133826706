/** Which processes belong to a task, and to nobody else. Pure. */
import { INCARNATION_MARKER } from "../base/keeper-protocol.js";
import { isDead, type ProcessStat } from "../base/process-identity.js";
import { descendantsOf } from "../base/process-table.js";

/** Reads one variable of a process's environment; undefined if it has none or is gone. */
export type ReadMarker = (pid: number, name: string) => string | undefined;

/**
 * The live processes of a task: everything below its root, and among the keeper's other descendants (orphans that it
 * adopted) those of the root's session and those that carry the task's marker. A process with another task's marker is
 * never taken, so a reused pid or session number does no harm.
 */
export function treeOf(
  table: readonly ProcessStat[],
  keeperPid: number,
  rootPid: number,
  id: string,
  readMarker: ReadMarker,
): ProcessStat[] {
  const ours = descendantsOf(table, keeperPid);
  const below = new Set(descendantsOf(ours, rootPid).map((stat) => stat.pid));
  return ours.filter((stat) => {
    if (isDead(stat)) return false;
    const marker = readMarker(stat.pid, INCARNATION_MARKER);
    if (marker !== undefined) return marker === id;
    return stat.pid === rootPid || below.has(stat.pid) || stat.sessionId === rootPid;
  });
}
