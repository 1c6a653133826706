/** What the process trees of tasks use: CPU between two looks, memory now. Knows /proc; must not know tasks. */
import { readStat, readUse } from "../base/process-identity.js";
import { descendantsOf, listProcesses } from "../base/process-table.js";

/** USER_HZ of every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;

export interface TreeUsage {
  /** Cores; absent at the first look. */
  readonly cpuCores?: number;
  /** Resident bytes. */
  readonly memoryBytes: number;
  /** Of the whole tree. */
  readonly pids: readonly number[];
}

interface Look {
  readonly ticks: number;
  readonly atMs: number;
  readonly usage: TreeUsage;
}

/** Two looks nearer than this give the same answer: rates over less are noise. */
const SHORTEST_MS = 500;

export class ProcessUsage {
  /** By pid and start time. */
  readonly #looks = new Map<string, Look>();

  /** @param roots pids of the roots. @returns by pid; without those that are gone. */
  look(roots: readonly number[], nowMs: number): Map<number, TreeUsage> {
    const table = listProcesses();
    const seen = new Set<string>();
    const found = roots.flatMap((pid) => {
      const root = readStat(pid);
      if (root === undefined) return [];
      const key = `${pid}/${root.startTime}`;
      seen.add(key);
      const pids = [pid, ...descendantsOf(table, pid).map((stat) => stat.pid)];
      return [[pid, this.#measure(key, pids, nowMs)] as const];
    });
    for (const key of this.#looks.keys()) if (!seen.has(key)) this.#looks.delete(key);
    return new Map(found);
  }

  #measure(key: string, pids: readonly number[], nowMs: number): TreeUsage {
    const before = this.#looks.get(key);
    if (before !== undefined && nowMs - before.atMs < SHORTEST_MS) return before.usage;
    const uses = pids.flatMap((pid) => readUse(pid) ?? []);
    const ticks = uses.reduce((sum, one) => sum + one.ticks, 0);
    const memoryBytes = uses.reduce((sum, one) => sum + one.residentPages * PAGE_BYTES, 0);
    const seconds = before === undefined ? 0 : (nowMs - before.atMs) / 1000;
    const cores = before === undefined ? {} : { cpuCores: Math.max(0, (ticks - before.ticks) / TICKS_PER_SECOND / seconds) };
    const usage = { ...cores, memoryBytes, pids };
    this.#looks.set(key, { ticks, atMs: nowMs, usage });
    return usage;
  }
}
