/** Sleep of one task, and the bells that it owes to its parents. {@link ./bells.ts} says why no ring is lost. */
import { AWAKE, Bell, WANTS_INPUT, WANTS_SPACE } from "./bells.js";
import { count, publishState, type TaskContext } from "./context.js";
import { bellPath } from "./files.js";
import { NO_INPUT, NO_SPACE } from "./intake.js";
import { COUNTER, type EdgeLayout, TASK } from "./layout.js";
import { windowOf } from "./replicas.js";
import { stateCode } from "./task-state.js";

const WORKING = stateCode("working");
const WAITING_INPUT = stateCode("waiting-input");
const WAITING_SPACE = stateCode("waiting-space");

export class Sleeper {
  readonly #context: TaskContext;
  readonly #lookMs: () => number;
  /** Cells per input that were freed since its writers were last rung. */
  readonly #owed: Int32Array;
  #bell: Bell | undefined;

  /** @param lookMs longest sleep from now, in milliseconds. */
  constructor(context: TaskContext, lookMs: () => number) {
    this.#context = context;
    this.#lookMs = lookMs;
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
    for (let reason = blocked; ; ) {
      this.#sleepFor(reason === NO_SPACE ? WANTS_SPACE : WANTS_INPUT);
      const found = look();
      if (found !== NO_INPUT && found !== NO_SPACE) return this.#stayAwake();
      if (found === reason) return this.#sleep(reason === NO_SPACE);
      reason = found;
    }
  }

  /** Sleeps until there may be space, unless a last look finds some. */
  untilSpace(hasSpace: () => boolean): Promise<void> {
    this.#lieDown();
    this.#sleepFor(WANTS_SPACE);
    return hasSpace() ? this.#stayAwake() : this.#sleep(true);
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

  #sleep(forSpace: boolean): Promise<void> {
    const { memory, node, task } = this.#context;
    publishState(this.#context, forSpace ? WAITING_SPACE : WAITING_INPUT);
    count(this.#context, forSpace ? COUNTER.spaceWaits : COUNTER.inputWaits, 1);
    this.#bell ??= new Bell(bellPath(memory.dir, node.plan.name, task.index), this.#wakeUp);
    return this.#bell.sleep(this.#lookMs());
  }

  /** A unit was acknowledged: parents that wait for space are rung once for many cells, at the latest before this task sleeps. */
  owe(): void {
    for (let i = 0; i < this.#owed.length; i += 1) {
      const owed = (this.#owed[i] as number) + 1;
      const edge = this.#context.inputs[i] as EdgeLayout;
      this.#owed[i] = owed;
      if (owed * 2 >= windowOf(this.#context.i32, edge)) this.#pay(i);
    }
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
