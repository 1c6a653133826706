/**
 * The parent of every task: spawns behind a gate, reaps, kills whole trees, recovers shared memory, and when its agent is
 * gone ends everything, or what may not outlive it. Knows processes and memory folders; must not know flows, nodes or the store.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { bootTimeMs, type Clock } from "../base/clock.js";
import { crashPoint } from "../base/crash-point.js";
import { errorText } from "../base/errors.js";
import {
  type AgentMessage,
  type Containment,
  type ExitRecord,
  KEEPER_PROTOCOL,
  type KeeperFile,
  type KeeperMessage,
  type KeptTask,
  type SpawnRequest,
  type TaskMemory,
} from "../base/keeper-protocol.js";
import { killUntilNone } from "../base/kill-until-none.js";
import { identityOf, isDead, type ProcessIdentity, type ProcessStat, readEnvironment, readStat } from "../base/process-identity.js";
import { becomeSubreaper, signalProcess } from "../base/process-signal.js";
import { descendantsOf, identify, listProcesses } from "../base/process-table.js";
import type { TaskGroups } from "./cgroup.js";
import { Fences } from "./fences.js";
import { findSetpriv } from "./gate.js";
import { PreparedGates } from "./prepared.js";
import { hasNoStrangers, reapStrangers } from "./strangers.js";
import { openGate, spawnGated, type TaskProcess } from "./task.js";
import { treeOf } from "./tree.js";

const LOOK_AGAIN_MS = 5;
const TREE_DEADLINE_MS = 5_000;
const TERMINATE_DEADLINE_MS = 10_000;
/** By then a task that has started has the processor no more to itself, and may die. */
const PREPARE_MS = 1_000;
/** A keeper without an agent and without a task ends after this long. */
const IDLE_MS = 5_000;

export interface KeeperOptions {
  readonly clock: Clock;
  /** Rolls the task's commit forward or back and rings its neighbours; an attempt that an ordered death cut off does not count. */
  readonly recover: (memory: TaskMemory, ordered: boolean) => Promise<void> | void;
  /** Called once, a while after the first start of a task with memory: loads what the recovery needs. */
  readonly prepareRecovery?: () => void;
  /** Called once when everything is dead and removed. */
  readonly end: () => void;
  /** Makes the folder of control groups of a keeper; absent: none are used. */
  readonly groups?: (keeperId: string) => TaskGroups | undefined;
  /** Children of this process that are no tasks; who started them reaps them. */
  readonly siblings?: ReadonlySet<number>;
  /** Waits for the next agent however long that takes; otherwise a keeper with nothing to keep ends after a while. */
  readonly isPatient?: boolean;
}

export class Keeper {
  readonly #options: KeeperOptions;
  /** From the kernel: node:crypto takes milliseconds to load. */
  readonly #id = readFileSync("/proc/sys/kernel/random/uuid", "utf8").trim();
  readonly #setpriv = findSetpriv();
  readonly #groups: TaskGroups | undefined;
  readonly #tasks = new Map<string, TaskProcess>();
  readonly #prepared = new PreparedGates((gate) => this.#killGate(gate));
  readonly #fences = new Fences(bootTimeMs, (id) => this.#fence(id));
  /** Spawns that wait for their memory or their turn, and whether their end was ordered meanwhile. */
  readonly #waiting = new Map<string, "wanted" | "ordered">();
  /** Folders of shared memory, and whether they outlive the agent. */
  readonly #ownedDirs = new Map<string, boolean>();
  /** Settles when the next process may be started. */
  #lastTurn: Promise<void> = Promise.resolve();
  #send: ((message: KeeperMessage) => void) | undefined;
  #subreaper = false;
  #ending = false;
  #idleTimer: NodeJS.Timeout | undefined;
  #prepareTimer: NodeJS.Timeout | undefined;
  /** What the last agent's end has set off. */
  #farewell: Promise<void> = Promise.resolve();

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#groups = options.groups?.(this.#id);
  }

  /** Adopts orphans from now on. @returns who it is, for its file. */
  start(): KeeperFile {
    this.#subreaper = becomeSubreaper();
    process.on("SIGCHLD", () => this.#reap());
    this.#planEnd();
    return { keeperId: this.#id, identity: identityOf(process.pid) as ProcessIdentity, version: KEEPER_PROTOCOL };
  }

  /** Serves an agent: it is told who is here, once what the agent before it left has ended. */
  async attach(send: (message: KeeperMessage) => void): Promise<void> {
    crashPoint("keeper.adopt.before");
    this.#send = send;
    clearTimeout(this.#idleTimer);
    await this.#farewell;
    if (this.#send !== send) return;
    send({
      type: "ready",
      version: KEEPER_PROTOCOL,
      keeperId: this.#id,
      identity: identityOf(process.pid) as ProcessIdentity,
      subreaper: this.#subreaper,
      containment: this.#containment(),
      tasks: [...this.#tasks.values()].map(keptTask),
    });
    crashPoint("keeper.adopt.after");
  }

  /** The agent is gone: what may not outlive it is killed and removed, the rest waits for the next one. */
  detach(): void {
    this.#send = undefined;
    this.#farewell = Promise.all([this.#farewell, this.#endTheDependent()]).then(() => this.#planEnd());
  }

  receive(message: AgentMessage): void {
    switch (message.type) {
      case "spawn":
        void this.#spawn(message);
        return;
      case "go":
        return this.#with(message.id, (task) => this.#go(task));
      case "stop":
        return this.#with(message.id, (task) => this.#stop(task, message.graceMs));
      case "kill":
        return this.#with(message.id, (task) => this.#kill(task));
      case "fence":
        return this.#fences.set(message.deadlines);
      case "own":
        this.#ownedDirs.set(message.dir, message.keep === true);
        return;
      case "disown":
        this.#ownedDirs.delete(message.dir);
        return;
      case "shutdown":
        if (message.keepMemory) this.#forgetKeptDirs();
        void this.terminate();
        return;
      default:
        message satisfies never;
    }
  }

  /** Kills every descendant that is or was of a task until /proc shows none, removes the folders it owns, ends. */
  async terminate(): Promise<void> {
    if (this.#ending) return;
    this.#ending = true;
    for (const id of this.#tasks.keys()) this.#groups?.kill(id);
    const { siblings } = this.#options;
    await killUntilNone(() => descendantsOf(listProcesses(), process.pid).filter(({ pid }) => siblings?.has(pid) !== true), {
      deadlineMs: TERMINATE_DEADLINE_MS,
      lookMs: LOOK_AGAIN_MS,
      reap: () => this.#reap(),
    });
    for (const dir of this.#ownedDirs.keys()) rmSync(dir, { recursive: true, force: true });
    this.#groups?.close();
    this.#options.end();
  }

  #containment(): Containment {
    if (process.pid === 1) return "Pod";
    return this.#groups === undefined ? "Keeper" : "Cgroup";
  }

  async #endTheDependent(): Promise<void> {
    this.#prepared.endAll();
    const doomed = [...this.#tasks.values()].filter(({ request }) => request.keep !== true);
    for (const task of doomed) this.#kill(task);
    await Promise.all(doomed.map((task) => task.over));
    for (const [dir, keep] of this.#ownedDirs) {
      if (keep) continue;
      rmSync(dir, { recursive: true, force: true });
      this.#ownedDirs.delete(dir);
    }
  }

  /** Nobody to serve and nobody to keep: there is nothing to wait for. */
  #planEnd(): void {
    clearTimeout(this.#idleTimer);
    if (this.#options.isPatient || this.#send !== undefined || this.#tasks.size > 0) return;
    this.#idleTimer = setTimeout(() => {
      if (this.#send !== undefined || this.#tasks.size > 0) return;
      this.#forgetKeptDirs();
      void this.terminate();
    }, IDLE_MS);
  }

  /** The memory of runs that the next agent may take up is not removed with this keeper. */
  #forgetKeptDirs(): void {
    for (const [dir, keep] of this.#ownedDirs) if (keep) this.#ownedDirs.delete(dir);
  }

  async #spawn(request: SpawnRequest): Promise<void> {
    if (this.#ending) return;
    try {
      crashPoint("keeper.spawn.before");
      if (this.#tasks.has(request.id) || this.#waiting.has(request.id)) throw new Error("an incarnation of this id runs already");
      const prepared = this.#prepared.take(request);
      if (prepared === undefined) await this.#comeFirst(request);
      const task = prepared ?? this.#start(request);
      this.#tasks.set(request.id, task);
      this.#tell({ type: "spawned", id: request.id, identity: task.identity });
      if (request.memory !== undefined) this.#prepareTimer ??= setTimeout(() => this.#options.prepareRecovery?.(), PREPARE_MS).unref();
      crashPoint("keeper.spawn.after");
    } catch (error) {
      if (!this.#tasks.has(request.id)) this.#groups?.leave(request.id);
      this.#tell({ type: "spawnFailed", id: request.id, problem: errorText(error) });
    }
  }

  /** Starts a process behind its gate. */
  #start(request: SpawnRequest): TaskProcess {
    const task = spawnGated(request, this.#id, this.#setpriv, this.#groups?.make(request.id));
    task.over = new Promise((done) => {
      task.child.on("exit", (code, signal) => void this.#gone(task, code, signal).then(done));
    });
    return task;
  }

  async #gone(task: TaskProcess, code: number | null, signal: NodeJS.Signals | null): Promise<void> {
    if (this.#prepared.died(task)) this.#groups?.leave(task.request.id);
    else await this.#ended(task, code, signal);
  }

  /**
   * The process that follows one that died, and whose tree is gone, may start while its memory is brought in order: it is behind
   * its gate, which only the agent opens.
   */
  #prepareNext({ request, ordered, startedAtMs }: TaskProcess, code: number | null): void {
    const { next, ...same } = request;
    if (next === undefined || ordered || startedAtMs === undefined || isFinal(request, code)) return;
    if (this.#ending || this.#send === undefined || this.#tasks.has(next) || this.#prepared.has(next)) return;
    try {
      this.#prepared.add(this.#start({ ...same, id: next }));
    } catch {
      this.#groups?.leave(next); // Who asks for it hears why it does not start.
    }
    crashPoint("keeper.exit.prepared");
  }

  /**
   * Brings the memory in order, if nobody has, ends a gate of this id that does not fit, and waits for the turn of this process.
   *
   * @throws Error if the end of the task was ordered meanwhile, or nobody is there any more who would open its gate.
   */
  async #comeFirst({ id, memory, keep, recoverFirst }: SpawnRequest): Promise<void> {
    this.#waiting.set(id, "wanted");
    try {
      await this.#prepared.end(id);
      if (recoverFirst && memory !== undefined) await this.#options.recover(memory, true);
      await this.#turn();
      if (this.#waiting.get(id) === "ordered" || this.#ending) throw new Error("its end was ordered before it was started");
      if (this.#send === undefined && keep !== true) throw new Error("its agent is gone");
    } finally {
      this.#waiting.delete(id);
    }
  }

  /** One start takes milliseconds: of many that are asked for at once the first may open its gate while the last are started. */
  #turn(): Promise<void> {
    const turn = this.#lastTurn;
    this.#lastTurn = turn.then(() => new Promise((next) => setImmediate(next)));
    return turn;
  }

  /** The task may have died a moment ago: then there is nothing to do, its exit record is on the way. */
  #with(id: string, act: (task: TaskProcess) => void): void {
    const task = this.#tasks.get(id);
    if (task !== undefined) act(task);
    else if (this.#waiting.has(id)) this.#waiting.set(id, "ordered");
  }

  #go(task: TaskProcess): void {
    crashPoint("keeper.go.before");
    openGate(task, this.#options.clock.nowMs());
    crashPoint("keeper.go.after");
  }

  #stop(task: TaskProcess, graceMs: number): void {
    if (task.startedAtMs === undefined) return this.#kill(task);
    task.ordered = true;
    for (const stat of this.#treeOf(task)) if (stat.groupId === task.identity.pid) signalProcess(identify(stat), "SIGTERM");
    task.graceTimer ??= setTimeout(() => this.#kill(task), graceMs);
  }

  #kill(task: TaskProcess): void {
    crashPoint("keeper.kill.before");
    task.ordered = true;
    void this.#killTree(task);
    crashPoint("keeper.kill.after");
  }

  /** Settles when its end was seen, too. */
  async #killGate(gate: TaskProcess): Promise<void> {
    gate.ordered = true;
    await Promise.all([this.#killTree(gate), gate.over]);
    this.#groups?.leave(gate.request.id);
  }

  #fence(id: string): void {
    this.#fences.forget(id);
    const task = this.#tasks.get(id);
    if (task === undefined) return;
    task.fenced = true;
    this.#kill(task);
  }

  /** @returns whether every process of the task is dead. */
  #killTree(task: TaskProcess): Promise<boolean> {
    this.#groups?.kill(task.request.id);
    return killUntilNone(() => this.#treeOf(task), { deadlineMs: TREE_DEADLINE_MS, lookMs: LOOK_AGAIN_MS, reap: () => this.#reap() });
  }

  /** The root is reaped, and nothing that it started is left: known without reading the whole process table. */
  #isTreeGone({ request: { id }, identity }: TaskProcess): boolean {
    if (!this.#subreaper || (this.#groups?.members(id).length ?? 0) > 0) return false;
    return hasNoStrangers(new Set(this.#ownChildren().filter((pid) => pid !== identity.pid)));
  }

  #treeOf(task: TaskProcess): ProcessStat[] {
    const { identity, request } = task;
    const tree = treeOf(listProcesses(), process.pid, identity.pid, request.id, (pid, name) => readEnvironment(pid)?.get(name));
    const known = new Set(tree.map(({ pid }) => pid));
    const others = (this.#groups?.members(request.id) ?? []).filter((pid) => !known.has(pid)).flatMap((pid) => readStat(pid) ?? []);
    return [...tree, ...others.filter((stat) => !isDead(stat))];
  }

  async #ended(task: TaskProcess, code: number | null, signal: NodeJS.Signals | null): Promise<void> {
    const atMs = Date.now();
    clearTimeout(task.graceTimer);
    this.#fences.forget(task.request.id);
    const treeDead = this.#isTreeGone(task) || (await this.#killTree(task));
    if (treeDead) this.#groups?.leave(task.request.id);
    crashPoint("keeper.exit.before");
    if (treeDead) this.#prepareNext(task, code);
    const recoveryProblem = await this.#recover(task);
    crashPoint("keeper.exit.recovered");
    if (this.#ending) return;
    const { id, exitFile } = task.request;
    const { identity, ordered, startedAtMs } = task;
    const record: ExitRecord = {
      id,
      identity,
      code,
      signal,
      atMs,
      ordered,
      started: startedAtMs !== undefined,
      treeDead,
      ...(task.fenced === undefined ? {} : { fenced: true as const }),
      ...recoveryProblem,
    };
    if (exitFile !== undefined) writeRecord(exitFile, record);
    crashPoint("keeper.exit.recorded");
    this.#tasks.delete(id);
    this.#tell({ type: "exited", ...record });
    this.#planEnd();
  }

  async #recover({ request: { memory }, ordered }: TaskProcess): Promise<{ recoveryProblem?: string }> {
    try {
      if (memory !== undefined && !this.#ending) await this.#options.recover(memory, ordered);
      return {};
    } catch (error) {
      return { recoveryProblem: errorText(error) };
    }
  }

  #tell(message: KeeperMessage): void {
    this.#send?.(message);
  }

  #reap(): void {
    reapStrangers(new Set(this.#ownChildren()));
  }

  /** Children that Node reaps, or who started them. */
  #ownChildren(): number[] {
    const tasks = [...this.#tasks.values()].map((task) => task.identity.pid);
    return [...tasks, ...this.#prepared.pids, ...(this.#options.siblings ?? [])];
  }
}

/** Whether the process ended because it had nothing more to do. */
function isFinal({ finalCodes = [] }: SpawnRequest, code: number | null): boolean {
  return code === 0 || (code !== null && finalCodes.includes(code));
}

function keptTask({ request: { id, tag }, identity, startedAtMs }: TaskProcess): KeptTask {
  return { id, identity, ...(tag === undefined ? {} : { tag }), ...(startedAtMs === undefined ? {} : { startedAtMs }) };
}

/** By rename, so that a reader sees all of it or nothing. A disk that is full must not end the keeper: the agent is told by socket. */
function writeRecord(file: string, record: ExitRecord): void {
  try {
    writeFileSync(`${file}.tmp`, JSON.stringify(record), { mode: 0o600 });
    renameSync(`${file}.tmp`, file);
  } catch (error) {
    process.stderr.write(`keeper: the end of ${record.id} cannot be written: ${errorText(error)}\n`);
  }
}
