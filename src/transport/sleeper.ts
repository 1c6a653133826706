/** Sleep of one task, and the bells that it owes to its parents. {@link ./bells.ts} says why no ring is lost. */
import { performance } from "node:perf_hooks";
import { AWAKE, Bell, NAPS, WANTS_INPUT, WANTS_SPACE } from "./bells.js";
import { count, publishState, type TaskContext } from "./context.js";
import { bellPath } from "./files.js";
import { NO_INPUT, NO_SPACE } from "./intake.js";
import { COUNTER, type EdgeLayout, type NodeLayout, TASK } from "./layout.js";
import { liveTasks, nominalSlots, windowOf } from "./replicas.js";
import { stateCode } from "./task-state.js";

const WORKING = stateCode("working");
const WAITING_INPUT = stateCode("waiting-input");
const WAITING_SPACE = stateCode("waiting-space");

/** Length of a nap. */
const NAP_MS = 1;
/** A stream whose next message comes so soon after the last wait began is worth a nap. */
const BUSY_MS = 2.5;

export class Sleeper {
  readonly #context: TaskContext;
  readonly #lookMs: () => number;
  /** Cells per input that were freed since its writers were last rung. */
  readonly #owed: Int32Array;
  readonly #mayNap: boolean;
  #bell: Bell | undefined;
  /** When the last wait for input began; whether anything was acknowledged since. */
  #waitedMs = Number.NEGATIVE_INFINITY;
  #hasWorked = false;

  /**
   * @param lookMs longest sleep from now, in milliseconds.
   * @param mayNap in a busy stream it looks for input by the clock, and its writers need not ring for each message.
   */
  constructor(context: TaskContext, lookMs: () => number, mayNap: boolean) {
    this.#context = context;
    this.#lookMs = lookMs;
    this.#mayNap = mayNap;
    this.#owed = new Int32Array(context.inputs.length);
  }

  /**
   * Sleeps until somebody rings, unless a last look finds something.
   *
   * @param blocked NO_INPUT or NO_SPACE, as the look before found.
   * @param look looks again; whatever it finds beside these two ends the sleep.
   */
  untilUnit(blocked: number, look: () => number): Promise<void> {
    this.#lieDown();
    const naps = this.#mayNap && this.#isBusy();
    for (let reason = blocked; ; ) {
      if (reason === NO_SPACE) this.#wakeNapping();
      this.#sleepFor(reason === NO_SPACE ? WANTS_SPACE : naps ? NAPS : WANTS_INPUT);
      const found = look();
      if (found !== NO_INPUT && found !== NO_SPACE) return this.#stayAwake();
      if (found === reason) return this.#sleep(reason === NO_SPACE, naps && reason === NO_INPUT ? NAP_MS : this.#lookMs());
      reason = found;
    }
  }

  /** Messages come one soon after the other; a nap after which nothing was there is the last one. */
  #isBusy(): boolean {
    const nowMs = performance.now();
    const isBusy = this.#hasWorked && nowMs - this.#waitedMs < BUSY_MS;
    this.#waitedMs = nowMs;
    this.#hasWorked = false;
    return isBusy;
  }

  #wakeNapping(): void {
    for (const edge of this.#context.outputs) this.#context.bells.wakeNapping(edge);
  }

  /** Sleeps until there may be space, unless a last look finds some. */
  untilSpace(hasSpace: () => boolean): Promise<void> {
    this.#lieDown();
    this.#wakeNapping();
    this.#sleepFor(WANTS_SPACE);
    return hasSpace() ? this.#stayAwake() : this.#sleep(true, this.#lookMs());
  }

  #lieDown(): void {
    this.ringOwed();
    this.#bell?.quiet();
  }

  #sleepFor(reason: number): void {
    Atomics.store(this.#context.i32, this.#context.region + TASK.sleep, reason);
  }

  readonly #wakeUp = (): void => {
    this.#sleepFor(AWAKE);
    publishState(this.#context, WORKING);
  };

  #stayAwake(): Promise<void> {
    this.#wakeUp();
    return Promise.resolve();
  }

  #sleep(forSpace: boolean, lookMs: number): Promise<void> {
    const { memory, node, task } = this.#context;
    publishState(this.#context, forSpace ? WAITING_SPACE : WAITING_INPUT);
    count(this.#context, forSpace ? COUNTER.spaceWaits : COUNTER.inputWaits, 1);
    this.#bell ??= new Bell(bellPath(memory.dir, node.plan.name, task.index), this.#wakeUp);
    return this.#bell.sleep(lookMs);
  }

  /** A unit was acknowledged: parents that wait for space are rung once for many cells, at the latest before this task sleeps. */
  owe(): void {
    this.#hasWorked = true;
    for (let i = 0; i < this.#owed.length; i += 1) {
      const owed = (this.#owed[i] as number) + 1;
      this.#owed[i] = owed;
      if (owed * 2 >= this.#share(this.#context.inputs[i] as EdgeLayout)) this.#pay(i);
    }
  }

  /** Messages that the writer of an edge can have under way, for each replica that acknowledges them. */
  #share(edge: EdgeLayout): number {
    const { i32, memory, node } = this.#context;
    const places = Math.min(windowOf(i32, edge), nominalSlots(memory, memory.layout.nodes[edge.from] as NodeLayout));
    return places / liveTasks(i32, node);
  }

  ringOwed(): void {
    for (let i = 0; i < this.#owed.length; i += 1) if ((this.#owed[i] as number) > 0) this.#pay(i);
  }

  #pay(input: number): void {
    this.#owed[input] = 0;
    this.#context.bells.wakeWriters(this.#context.inputs[input] as EdgeLayout);
  }

  close(): void {
    this.ringOwed();
    this.#bell?.close();
  }
}
