/** Orphans that became the keeper's children. Node reaps only what it started, so these are reaped here, and only these. */
import { readdirSync } from "node:fs";
import { isDead, readProcFile, readStat } from "../base/process-identity.js";
import { reapChild } from "../base/process-signal.js";
import { listProcesses } from "../base/process-table.js";

/** Reaps every dead child whose pid is not in `own`. @returns the pids that it reaped. */
export function reapStrangers(own: ReadonlySet<number>): number[] {
  const dead = childPids().filter((pid) => {
    const stat = own.has(pid) ? undefined : readStat(pid);
    return stat !== undefined && stat.parentPid === process.pid && isDead(stat);
  });
  return dead.filter(reapChild);
}

/**
 * Whether every child of this process is in `own`: then whatever `own` does not hold has no process left, for orphans become
 * children of this process, a subreaper. Nothing can leave the list while it is read, since only this thread reaps.
 */
export function hasNoStrangers(own: ReadonlySet<number>): boolean {
  return childPids().every((pid) => own.has(pid));
}

/** The children of all threads of this process; from the whole process table where the kernel keeps no such list. */
function childPids(): number[] {
  const lists = readdirSync("/proc/self/task").map((thread) => readProcFile(`/proc/self/task/${thread}/children`));
  if (lists.every((list) => list === undefined)) {
    return listProcesses().flatMap((stat) => (stat.parentPid === process.pid ? stat.pid : []));
  }
  return lists.flatMap((list) => (list ?? "").split(" ").filter(Boolean).map(Number));
}
