/**
 * Doorbells: one FIFO per task, rung only for a task that said that it sleeps.
 *
 * A sleeper stores its reason, looks once more, then sleeps; a writer stores what it has to say, then looks for a reason. Both
 * stores and both loads are sequentially consistent, so at least one of the two sees the other.
 */
import { closeSync, constants, openSync, readSync, writeSync } from "node:fs";
import { bellPath, type ControlMemory } from "./files.js";
import { type EdgeLayout, type NodeLayout, TASK, type TaskLayout } from "./layout.js";
import { libc, type PollHandle } from "./libc.js";
import { liveTasks, startedTasks } from "./replicas.js";

/** Reasons in the sleep word. */
export const AWAKE = 0;
export const WANTS_INPUT = 1;
export const WANTS_SPACE = 2;
/** Looks again by itself in a moment: only a writer that waits for it rings. */
export const NAPS = 3;

const FLAGS = constants.O_RDWR | constants.O_NONBLOCK;
const ONE_BYTE = new Uint8Array(1);

/** Rings other tasks. Descriptors are opened at the first ring and kept. */
export class Bells {
  readonly #memory: ControlMemory;
  readonly #counter: number;
  /** By the number of the task in the whole flow. */
  readonly #descriptors: (number | undefined)[] = [];
  #turn = 0;

  /** @param counter index of the float64 that counts the rings; -1 for none. */
  constructor(memory: ControlMemory, counter: number) {
    this.#memory = memory;
    this.#counter = counter;
  }

  /** Wakes those readers of an edge that the message may concern. @param owner its replica; -1 any one, -2 all. */
  wakeReaders(edge: EdgeLayout, owner: number): void {
    const node = this.#memory.layout.nodes[edge.to] as NodeLayout;
    const tasks = node.tasks;
    const live = liveTasks(this.#memory.i32, node);
    if (owner >= 0 || live === 1) {
      this.#wake(node, tasks[Math.max(owner, 0)] as TaskLayout, WANTS_INPUT);
      return;
    }
    this.#turn = (this.#turn + 1) % live;
    for (let i = 0; i < live; i += 1) {
      const woken = this.#wake(node, tasks[(this.#turn + i) % live] as TaskLayout, WANTS_INPUT);
      if (woken && owner === -1) return;
    }
  }

  /** Wakes readers of an edge that would look again by themselves: the writer cannot go on without them. */
  wakeNapping(edge: EdgeLayout): void {
    const node = this.#memory.layout.nodes[edge.to] as NodeLayout;
    for (const task of startedTasks(this.#memory.i32, node)) this.#wake(node, task, NAPS);
  }

  /** Wakes the tasks of the parent that wait for a free cell or slot. */
  wakeWriters(edge: EdgeLayout): void {
    const node = this.#memory.layout.nodes[edge.from] as NodeLayout;
    for (const task of startedTasks(this.#memory.i32, node)) this.#wake(node, task, WANTS_SPACE);
  }

  /** Rings every task of the flow that ever was started. */
  ringAll(): void {
    const { i32, layout } = this.#memory;
    for (const node of layout.nodes) for (const task of startedTasks(i32, node)) this.ring(node, task);
  }

  #wake(node: NodeLayout, task: TaskLayout, reason: number): boolean {
    const { i32 } = this.#memory;
    const at = task.region + TASK.sleep;
    const asleep = Atomics.load(i32, at);
    if (asleep !== reason || Atomics.compareExchange(i32, at, asleep, AWAKE) !== asleep) return false;
    this.ring(node, task);
    return true;
  }

  /** Rings whether the task sleeps or not. */
  ring(node: NodeLayout, task: TaskLayout): void {
    if (this.#counter >= 0) this.#memory.f64[this.#counter] = (this.#memory.f64[this.#counter] as number) + 1;
    try {
      this.#descriptors[task.task] ??= openSync(bellPath(this.#memory.dir, node.plan.name, task.index), FLAGS);
      writeSync(this.#descriptors[task.task] as number, ONE_BYTE, 0, 1);
    } catch (error) {
      if (!isHarmless(error)) throw error;
    }
  }

  close(): void {
    for (const fd of this.#descriptors) if (fd !== undefined) closeSync(fd);
    this.#descriptors.length = 0;
  }
}

/** A full FIFO has been rung already; a missing one belongs to a flow that is being removed. */
function isHarmless(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "EAGAIN" || code === "ENOENT";
}

/** A task's own doorbell, on the event loop. */
export class Bell {
  readonly #fd: number;
  readonly #poll: PollHandle;
  readonly #buffer = new Uint8Array(256);
  readonly #onWake: () => void;
  #rings = false;
  #wake: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #timerMs = 0;

  /** @param onWake called before the sleeper goes on, whether it was rung or has slept long enough. */
  constructor(path: string, onWake: () => void) {
    this.#onWake = onWake;
    this.#fd = openSync(path, FLAGS);
    this.#poll = libc().poll(this.#fd, () => this.#rung());
  }

  /** @returns a promise that settles at the next ring, or after `lookMs`. */
  sleep(lookMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      if (this.#timerMs === lookMs) this.#timer?.refresh();
      else this.#setTimer(lookMs);
    });
  }

  #setTimer(lookMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#settle(), lookMs);
    this.#timerMs = lookMs;
  }

  /** A sleeper goes on before the ring is read: reading takes a system call, and may wait until it falls asleep again. */
  #rung(): void {
    this.#rings = true;
    if (this.#wake === undefined) this.quiet();
    else this.#settle();
  }

  /** Reads the rings so far. Before the sleep word is set: a later ring must wake. */
  quiet(): void {
    if (!this.#rings) return;
    this.#rings = false;
    try {
      readSync(this.#fd, this.#buffer, 0, this.#buffer.length, null);
    } catch (error) {
      if (!isHarmless(error)) throw error;
    }
  }

  #settle(): void {
    const wake = this.#wake;
    if (wake === undefined) return;
    this.#wake = undefined;
    this.#onWake();
    wake();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#poll.close();
    closeSync(this.#fd);
    this.#settle();
  }
}
