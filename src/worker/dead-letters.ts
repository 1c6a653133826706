/** Where inputs go that no attempt could process: one JSON line each, in a file that survives the task. */
import { appendFileSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { errorText } from "../base/errors.js";
import type { Lineage } from "./context.js";

/** Appends to the dead letters of one task. */
export class DeadLetters {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  add(node: string, lineage: Lineage, attempts: number, error: unknown): void {
    const { traceId, seq, eventTs } = lineage;
    const detail = error instanceof Error ? (error.stack ?? error.message) : errorText(error);
    mkdirSync(dirname(this.#file), { recursive: true, mode: 0o700 });
    appendFileSync(this.#file, `${JSON.stringify({ node, traceId, seq, eventTs, attempts, error: detail })}\n`, { mode: 0o600 });
  }
}
