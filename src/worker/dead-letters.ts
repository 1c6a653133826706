/** Where inputs go that no attempt could process: files that survive the task, one letter each. */

import { type DeadLetter, writeLetter } from "../base/dead-letters.js";
import { errorText } from "../base/errors.js";
import type { InputMessage } from "../transport/port.js";
import type { TaskLaunch } from "./launch.js";
import { shownText } from "./values.js";

/** What is known of an input that is given up. */
export interface Burial {
  readonly position: number;
  readonly index: number;
  readonly attempts: number;
  /** Death: the process died in the call, so there is no stack. */
  readonly cause: DeadLetter["cause"];
  readonly error: unknown;
}

/** The dead letters of one task. */
export class DeadLetters {
  readonly #launch: Pick<TaskLaunch, "deadLettersDir" | "flow" | "run" | "node" | "index">;

  constructor(launch: Pick<TaskLaunch, "deadLettersDir" | "flow" | "run" | "node" | "index">) {
    this.#launch = launch;
  }

  /** Written before the commit that acknowledges the inputs: a task that dies in between writes the same file again. */
  add(inputs: readonly InputMessage[], burial: Burial): void {
    const { deadLettersDir, flow, run, node, index: task } = this.#launch;
    const { error, ...rest } = burial;
    const text = shownText(error instanceof Error ? (error.stack ?? error.message) : errorText(error));
    writeLetter(deadLettersDir, { flow, run, node, task, time: new Date().toISOString(), ...rest, error: text, inputs });
  }
}
