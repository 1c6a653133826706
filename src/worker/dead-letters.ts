/** Where inputs go that no attempt could process: files that survive the task, one letter each. */

import { type DeadLetter, freeIndex, lettersAt, writeLetter } from "../base/dead-letters.js";
import { errorText } from "../base/errors.js";
import type { InputMessage } from "../transport/port.js";
import type { TaskLaunch } from "./launch.js";
import { shownText } from "./values.js";

/** What is known of an input that is given up. */
export interface Burial {
  readonly position: number;
  readonly index: number;
  readonly attempts: number;
  /** Of the call that is given up: how many of its outputs are committed. */
  readonly outputs: number;
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
    const { error, index, ...rest } = burial;
    const text = shownText(error instanceof Error ? (error.stack ?? error.message) : errorText(error));
    const message = identityOf(inputs);
    const key = { run, node, position: burial.position, index };
    const place = { ...key, index: freeIndex(deadLettersDir, key, message) };
    writeLetter(deadLettersDir, { flow, task, message, time: new Date().toISOString(), ...rest, ...place, error: text, inputs });
  }

  /** Which calls of a unit have their letter already, and how many of their outputs are committed. */
  among(position: number, rows: readonly (readonly InputMessage[])[]): Map<number, number> {
    const { deadLettersDir, run, node } = this.#launch;
    const letters = new Map(lettersAt(deadLettersDir, { run, node, position }).map((letter) => [letter.message, letter]));
    return new Map(
      rows.flatMap((inputs, row) => {
        const letter = letters.get(identityOf(inputs));
        return letter === undefined ? [] : [[row, letter.outputs ?? 0] as const];
      }),
    );
  }
}

/** The inputs of one call are in no other. */
function identityOf(inputs: readonly InputMessage[]): string {
  return (inputs[0] as InputMessage).identity;
}
