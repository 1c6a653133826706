/** Kills processes until none of them is left. Every signal is verified; nobody is found by name. */
import { isDead, type ProcessStat } from "./process-identity.js";
import { signalProcess } from "./process-signal.js";
import { identify } from "./process-table.js";

export interface KillOptions {
  readonly deadlineMs: number;
  /** Milliseconds between two looks. */
  readonly lookMs: number;
  /** Called after each look: a parent reaps what it has killed. */
  readonly reap?: () => void;
}

/**
 * Kills what `find` finds, again and again, until it finds nothing alive: what forks faster than it is found dies later.
 *
 * @returns false if something still lives at the deadline.
 */
export async function killUntilNone(find: () => readonly ProcessStat[], { deadlineMs, lookMs, reap }: KillOptions): Promise<boolean> {
  const endMs = performance.now() + deadlineMs;
  for (;;) {
    const alive = find().filter((stat) => !isDead(stat));
    if (alive.length === 0) return true;
    if (performance.now() > endMs) return false;
    for (const stat of alive) signalProcess(identify(stat), "SIGKILL");
    await new Promise((resolve) => setTimeout(resolve, lookMs));
    reap?.();
  }
}
