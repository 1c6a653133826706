/** Virtual time: a clock and timers that are turned by hand. */
import type { Clock } from "../../src/base/clock.js";
import type { Cancel, Scheduler } from "../../src/controller/runtime/scheduler.js";

interface Entry {
  readonly dueMs: number;
  readonly number: number;
  readonly action: () => void;
}

export class ManualScheduler implements Scheduler, Clock {
  #nowMs = 0;
  #number = 0;
  #entries: Entry[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return 1_767_225_600_000 + this.#nowMs;
  }

  /** Timers that wait. */
  get size(): number {
    return this.#entries.length;
  }

  after(delayMs: number, action: () => void): Cancel {
    this.#number += 1;
    const entry = { dueMs: this.#nowMs + delayMs, number: this.#number, action };
    this.#entries.push(entry);
    return () => {
      this.#entries = this.#entries.filter((other) => other !== entry);
    };
  }

  advance(byMs: number): void {
    this.#nowMs += byMs;
  }

  /** Takes the next timer that is due. */
  take(): (() => void) | undefined {
    const [next] = this.#entries.filter(({ dueMs }) => dueMs <= this.#nowMs).toSorted((a, b) => a.dueMs - b.dueMs || a.number - b.number);
    this.#entries = this.#entries.filter((entry) => entry !== next);
    return next?.action;
  }
}
