/**
 * The parent of every task: spawns behind a gate, reaps, kills whole trees, recovers shared memory, and ends everything
 * when its agent is gone. Knows processes and memory folders; must not know flows, nodes or the store.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { errorText } from "../base/errors.js";
import {
  type AgentMessage,
  type ExitRecord,
  KEEPER_PROTOCOL,
  type KeeperMessage,
  type SpawnRequest,
  type TaskMemory,
} from "../base/keeper-protocol.js";
import { killUntilNone } from "../base/kill-until-none.js";
import { identityOf, type ProcessIdentity, type ProcessStat, readEnvironment } from "../base/process-identity.js";
import { becomeSubreaper, signalProcess } from "../base/process-signal.js";
import { descendantsOf, identify, listProcesses } from "../base/process-table.js";
import { findSetpriv } from "./gate.js";
import { reapStrangers } from "./strangers.js";
import { openGate, spawnGated, type TaskProcess } from "./task.js";
import { treeOf } from "./tree.js";

const LOOK_AGAIN_MS = 5;
const TREE_DEADLINE_MS = 5_000;
const TERMINATE_DEADLINE_MS = 10_000;

export interface KeeperOptions {
  readonly send: (message: KeeperMessage) => void;
  /** Rolls the task's commit forward or back and rings its neighbours; an attempt that an ordered death cut off does not count. */
  readonly recover: (memory: TaskMemory, ordered: boolean) => Promise<void> | void;
  /** Called once when everything is dead and removed. */
  readonly end: () => void;
}

export class Keeper {
  readonly #options: KeeperOptions;
  /** From the kernel: node:crypto takes milliseconds to load. */
  readonly #id = readFileSync("/proc/sys/kernel/random/uuid", "utf8").trim();
  readonly #setpriv = findSetpriv();
  readonly #tasks = new Map<string, TaskProcess>();
  readonly #ownedDirs = new Set<string>();
  #ending = false;

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  /** Adopts orphans from now on and says that it is ready. */
  start(): void {
    const subreaper = becomeSubreaper();
    process.on("SIGCHLD", () => this.#reap());
    const identity = identityOf(process.pid) as ProcessIdentity;
    this.#options.send({ type: "ready", version: KEEPER_PROTOCOL, keeperId: this.#id, identity, subreaper });
  }

  receive(message: AgentMessage): void {
    switch (message.type) {
      case "spawn":
        return this.#spawn(message);
      case "go":
        return this.#with(message.id, openGate);
      case "stop":
        return this.#with(message.id, (task) => this.#stop(task, message.graceMs));
      case "kill":
        return this.#with(message.id, (task) => this.#kill(task));
      case "own":
        this.#ownedDirs.add(message.dir);
        return;
      case "disown":
        this.#ownedDirs.delete(message.dir);
        return;
      case "shutdown":
        void this.terminate();
        return;
      default:
        message satisfies never;
    }
  }

  /** Kills every descendant until /proc shows none, removes the folders it owns, ends. */
  async terminate(): Promise<void> {
    if (this.#ending) return;
    this.#ending = true;
    await killUntilNone(() => descendantsOf(listProcesses(), process.pid), {
      deadlineMs: TERMINATE_DEADLINE_MS,
      lookMs: LOOK_AGAIN_MS,
      reap: () => this.#reap(),
    });
    for (const dir of this.#ownedDirs) rmSync(dir, { recursive: true, force: true });
    this.#options.end();
  }

  #spawn(request: SpawnRequest): void {
    if (this.#ending) return;
    try {
      if (this.#tasks.has(request.id)) throw new Error("an incarnation of this id runs already");
      const task = spawnGated(request, this.#id, this.#setpriv);
      this.#tasks.set(request.id, task);
      task.child.on("exit", (code, signal) => void this.#ended(task, code, signal));
      this.#options.send({ type: "spawned", id: request.id, identity: task.identity });
    } catch (error) {
      this.#options.send({ type: "spawnFailed", id: request.id, problem: errorText(error) });
    }
  }

  /** The task may have died a moment ago: then there is nothing to do, its exit record is on the way. */
  #with(id: string, act: (task: TaskProcess) => void): void {
    const task = this.#tasks.get(id);
    if (task !== undefined) act(task);
  }

  #stop(task: TaskProcess, graceMs: number): void {
    if (!task.started) return this.#kill(task);
    task.ordered = true;
    for (const stat of this.#treeOf(task)) if (stat.groupId === task.identity.pid) signalProcess(identify(stat), "SIGTERM");
    task.graceTimer ??= setTimeout(() => this.#kill(task), graceMs);
  }

  #kill(task: TaskProcess): void {
    task.ordered = true;
    void this.#killTree(task);
  }

  /** @returns whether every process of the task is dead. */
  #killTree(task: TaskProcess): Promise<boolean> {
    return killUntilNone(() => this.#treeOf(task), { deadlineMs: TREE_DEADLINE_MS, lookMs: LOOK_AGAIN_MS, reap: () => this.#reap() });
  }

  #treeOf(task: TaskProcess): ProcessStat[] {
    return treeOf(listProcesses(), process.pid, task.identity.pid, task.request.id, (pid, name) => readEnvironment(pid)?.get(name));
  }

  async #ended(task: TaskProcess, code: number | null, signal: NodeJS.Signals | null): Promise<void> {
    const atMs = Date.now();
    clearTimeout(task.graceTimer);
    const treeDead = await this.#killTree(task);
    const recoveryProblem = await this.#recover(task);
    if (this.#ending) return;
    const { id, exitFile } = task.request;
    const { identity, ordered, started } = task;
    const record: ExitRecord = { id, identity, code, signal, atMs, ordered, started, treeDead, ...recoveryProblem };
    if (exitFile !== undefined) writeRecord(exitFile, record);
    this.#tasks.delete(id);
    this.#options.send({ type: "exited", ...record });
  }

  async #recover({ request: { memory }, ordered }: TaskProcess): Promise<{ recoveryProblem?: string }> {
    try {
      if (memory !== undefined && !this.#ending) await this.#options.recover(memory, ordered);
      return {};
    } catch (error) {
      return { recoveryProblem: errorText(error) };
    }
  }

  #reap(): void {
    const own = new Set([...this.#tasks.values()].map((task) => task.identity.pid));
    reapStrangers(own);
  }
}

/** By rename, so that a reader sees all of it or nothing. */
function writeRecord(file: string, record: ExitRecord): void {
  writeFileSync(`${file}.tmp`, JSON.stringify(record), { mode: 0o600 });
  renameSync(`${file}.tmp`, file);
}
