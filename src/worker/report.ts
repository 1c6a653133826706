/** Tells the agent what statistics cannot: readiness, where the task computes, the error that ended it. */
import { renameSync, writeFileSync } from "node:fs";
import type { TaskReport } from "../api/launch.js";
import { errorText, OperatorError } from "../base/errors.js";
import type { DeviceReport } from "../flow/node.js";
import { shownText } from "./values.js";

/** The report file of one task; every write replaces the whole file at once. */
export class Reporter {
  readonly #file: string;
  readonly #isThere: boolean;
  #report: TaskReport | undefined;
  #device: Partial<DeviceReport> = {};
  #lost: Pick<TaskReport, "stateLost"> = {};

  /** @param isThere the file is written over: half of a report reads as none. */
  constructor(file: string, isThere = false) {
    this.#file = file;
    this.#isThere = isThere;
  }

  ready(): void {
    this.#write({ ...this.#device, ...this.#lost, phase: "ready" });
  }

  /** May come before or after {@link ready}. @param nodes names of those that began empty although they had worked before. */
  stateLost(nodes: readonly string[]): void {
    if (nodes.length === 0) return;
    const names = nodes.map((name) => `"${name}"`).join(", ");
    this.#lost = { stateLost: `${names} began empty after a restart: give the class snapshot() and restore()` };
    if (this.#report !== undefined) this.#write({ ...this.#report, ...this.#lost });
  }

  /** May come before or after {@link ready}. */
  device(report: DeviceReport): void {
    this.#device = { ...report, ...(report.reason === undefined ? {} : { reason: shownText(report.reason) }) };
    if (this.#report !== undefined) this.#write({ ...this.#report, ...this.#device });
  }

  failed(error: unknown): void {
    const code = error instanceof OperatorError ? error.code : error instanceof Error ? error.name : "Error";
    this.#write({ ...this.#report, ...this.#device, phase: "failed", error: { code, message: shownText(errorText(error)) } });
  }

  #write(report: TaskReport): void {
    this.#report = report;
    if (this.#isThere) return writeFileSync(this.#file, JSON.stringify(report));
    writeFileSync(`${this.#file}.part`, JSON.stringify(report), { mode: 0o600 });
    renameSync(`${this.#file}.part`, this.#file);
  }
}
