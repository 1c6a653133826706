/** Where inputs go that no attempt could process: one JSON line each, beside the report file. */
import { appendFileSync } from "node:fs";
import { errorText } from "../base/errors.js";
import type { Lineage } from "./context.js";

/** Appends to the dead letters of one task. */
export class DeadLetters {
  readonly #file: string;
  #count = 0;

  constructor(file: string) {
    this.#file = file;
  }

  /** @returns how many there are by now. */
  add(node: string, lineage: Lineage, attempts: number, error: unknown): number {
    const { traceId, seq, eventTs } = lineage;
    const detail = error instanceof Error ? (error.stack ?? error.message) : errorText(error);
    appendFileSync(this.#file, `${JSON.stringify({ node, traceId, seq, eventTs, attempts, error: detail })}\n`, { mode: 0o600 });
    this.#count += 1;
    return this.#count;
  }
}
