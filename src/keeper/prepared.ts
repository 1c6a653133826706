/**
 * Gates that were started before anybody asked for them: while the end of a process is still dealt with, its successor's gate
 * starts. Nobody but the agent opens one; one that does not fit what the agent asks for, or that it does not ask for soon, is
 * killed. Knows what a gate was started with; must not know when a task starts again.
 */
import { type Stats, statSync } from "node:fs";
import type { SpawnRequest } from "../base/keeper-protocol.js";
import { sameJson } from "../base/same-json.js";
import type { TaskProcess } from "./task.js";

/** An agent that starts a task again at once asks much sooner. */
const PREPARED_MS = 1_000;

interface Prepared {
  readonly task: TaskProcess;
  /** As they were when the gate was started: it has the folder and the log open, whatever their names mean by now. */
  readonly places: readonly (Stats | undefined)[];
  readonly timer: NodeJS.Timeout;
  /** It is being killed: whoever carries its id until then is killed, too. */
  ending?: Promise<void>;
}

export class PreparedGates {
  /** By the id of the process that shall follow. */
  readonly #gates = new Map<string, Prepared>();
  readonly #kill: (task: TaskProcess) => Promise<void>;

  /** @param kill ends a gate; settles when nothing carries its id any more and its end was seen. */
  constructor(kill: (task: TaskProcess) => Promise<void>) {
    this.#kill = kill;
  }

  /** Children of this process that are no tasks yet. */
  get pids(): number[] {
    return [...this.#gates.values()].map(({ task }) => task.identity.pid);
  }

  has(id: string): boolean {
    return this.#gates.has(id);
  }

  add(task: TaskProcess): void {
    const { id } = task.request;
    const timer = setTimeout(() => void this.end(id), PREPARED_MS).unref();
    this.#gates.set(id, { task, places: placesOf(task.request), timer });
  }

  /** @returns the gate, which is a task's from now on; undefined if there is none that does exactly what was asked for. */
  take(request: SpawnRequest): TaskProcess | undefined {
    const found = this.#gates.get(request.id);
    if (found === undefined || found.ending !== undefined || !fits(found, request)) return undefined;
    this.#remove(found);
    found.task.request = request;
    return found.task;
  }

  /** Kills the gate of this id. @returns when nothing is left of it. */
  async end(id: string): Promise<void> {
    const found = this.#gates.get(id);
    if (found === undefined) return;
    found.ending ??= this.#kill(found.task).then(() => this.#remove(found));
    await found.ending;
  }

  endAll(): void {
    for (const id of this.#gates.keys()) void this.end(id);
  }

  /** A child has died. @returns whether it was a gate that nobody had asked for. */
  died(task: TaskProcess): boolean {
    const found = this.#gates.get(task.request.id);
    if (found?.task !== task) return false;
    if (found.ending === undefined) this.#remove(found);
    return true;
  }

  #remove({ task, timer }: Prepared): void {
    clearTimeout(timer);
    this.#gates.delete(task.request.id);
  }
}

/** What a process is started with. Who reports its end, and where, its gate need not know. */
function fits({ task, places }: Prepared, request: SpawnRequest): boolean {
  if (request.input !== undefined || request.recoverFirst) return false;
  const now = placesOf(request);
  const areSame = places.every((place, at) => place !== undefined && place.ino === now[at]?.ino && place.dev === now[at]?.dev);
  return areSame && sameJson(startOf(task.request), startOf(request));
}

function startOf({ tag: _tag, exitFile: _file, next: _next, memory: _memory, keep: _keep, ...start }: SpawnRequest): object {
  return start;
}

function placesOf({ cwd, logFile }: SpawnRequest): (Stats | undefined)[] {
  return [cwd, logFile].map((path) => statSync(path, { throwIfNoEntry: false }));
}
