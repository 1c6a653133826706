/** Processes of a task that could not be killed: until each is proved dead, nobody else gets the devices that they have. */
import { INCARNATION_MARKER } from "../base/keeper-protocol.js";
import { isAlive, type ProcessIdentity, readEnvironment } from "../base/process-identity.js";
import { identify, listProcesses } from "../base/process-table.js";

/** What is left of one incarnation of a task. */
interface Remains {
  readonly task: string;
  readonly devices: readonly string[];
  readonly processes: readonly ProcessIdentity[];
}

export class Undead {
  /** By task uid. */
  readonly #remains = new Map<string, Remains>();

  get size(): number {
    return this.#remains.size;
  }

  /** @param id of the incarnation, which all its processes carry in their environment. */
  add(uid: string, id: string, task: string, devices: readonly string[]): void {
    const left = listProcesses().filter(({ pid }) => readEnvironment(pid)?.get(INCARNATION_MARKER) === id);
    this.#remains.set(uid, { task, devices, processes: left.map(identify) });
  }

  /** @returns uids of tasks of which the last process is proved dead by now; they are forgotten here. */
  proved(): string[] {
    const dead = [...this.#remains].filter(([, { processes }]) => !processes.some(isAlive)).map(([uid]) => uid);
    for (const uid of dead) this.#remains.delete(uid);
    return dead;
  }

  /** UUID of each device that is not free although its task has ended, and why. */
  quarantined(): Map<string, string> {
    return new Map(
      [...this.#remains.values()].flatMap(({ task, devices, processes }) =>
        devices.map((uuid): [string, string] => [uuid, `quarantined: ${pidsText(processes)} of task ${task} cannot be killed`]),
      ),
    );
  }
}

function pidsText(processes: readonly ProcessIdentity[]): string {
  const pids = processes.filter(isAlive).map(({ pid }) => pid);
  return `${pids.length === 1 ? "process" : "processes"} ${pids.join(", ")}`;
}
