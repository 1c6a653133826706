/** The machine's processes and the trees they form. Knows /proc; must not know whose trees they are. */
import { readdirSync } from "node:fs";
import { type ProcessIdentity, type ProcessStat, readBootId, readEnvironment, readStat } from "./process-identity.js";

/** @returns every process that /proc shows now, zombies included. Not one instant: processes come and go while it reads. */
export function listProcesses(): ProcessStat[] {
  const pids = readdirSync("/proc").filter((name) => name >= "1" && name <= "9999999999" && /^\d+$/.test(name));
  return pids.flatMap((pid) => readStat(Number(pid)) ?? []);
}

/** @returns the processes below `rootPid`, without it, parents before children. */
export function descendantsOf(table: readonly ProcessStat[], rootPid: number): ProcessStat[] {
  const children = childrenByParent(table);
  const found: ProcessStat[] = [];
  const seen = new Set<number>([rootPid]);
  const waiting = [rootPid];
  for (let pid = waiting.shift(); pid !== undefined; pid = waiting.shift()) {
    for (const child of children.get(pid) ?? []) {
      if (seen.has(child.pid)) continue;
      seen.add(child.pid);
      found.push(child);
      waiting.push(child.pid);
    }
  }
  return found;
}

function childrenByParent(table: readonly ProcessStat[]): Map<number, ProcessStat[]> {
  const children = new Map<number, ProcessStat[]>();
  for (const stat of table) {
    const siblings = children.get(stat.parentPid);
    if (siblings === undefined) children.set(stat.parentPid, [stat]);
    else siblings.push(stat);
  }
  return children;
}

/** @returns the processes that were started with this variable set to this value. */
export function withEnvironment(table: readonly ProcessStat[], name: string, value: string): ProcessStat[] {
  return table.filter((stat) => readEnvironment(stat.pid)?.get(name) === value);
}

export function identify(stat: ProcessStat): ProcessIdentity {
  return { bootId: readBootId(), pid: stat.pid, startTime: stat.startTime };
}
