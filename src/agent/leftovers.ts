/** Ends processes that no keeper answers for any more. Every signal is verified; nobody is found by name. */
import { KEEPER_MARKER } from "../base/keeper-protocol.js";
import { isAlive, isDead, type ProcessIdentity, type ProcessStat } from "../base/process-identity.js";
import { signalProcess } from "../base/process-signal.js";
import { descendantsOf, identify, listProcesses, withEnvironment } from "../base/process-table.js";

const LOOK_AGAIN_MS = 10;
const DEADLINE_MS = 5_000;

/** Kills every process that carries the marker of this keeper. */
export async function killMarked(keeperId: string | undefined): Promise<boolean> {
  if (keeperId === undefined) return true;
  return killUntilNone(() => withEnvironment(listProcesses(), KEEPER_MARKER, keeperId));
}

/** Kills a process, if it is still the one that was recorded, and everything below it. */
export async function killTreeOf(root: ProcessIdentity): Promise<boolean> {
  if (!isAlive(root)) return true;
  const table = listProcesses();
  const tree = [...table.filter((stat) => stat.pid === root.pid), ...descendantsOf(table, root.pid)];
  return killUntilNone(() => tree.filter((stat) => isAlive(identify(stat))));
}

async function killUntilNone(find: () => readonly ProcessStat[]): Promise<boolean> {
  const endMs = performance.now() + DEADLINE_MS;
  for (;;) {
    const alive = find().filter((stat) => !isDead(stat));
    if (alive.length === 0) return true;
    if (performance.now() > endMs) return false;
    for (const stat of alive) signalProcess(identify(stat), "SIGKILL");
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
}
