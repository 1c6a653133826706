/** Shows a run while it lasts: in place on a terminal, a line a second otherwise, objects for programs, or nothing. */

import type { FlowSnapshot } from "../api/snapshot.js";
import { printed, safeJson, safeText } from "../base/safe-text.js";
import { colour, redraw, renderFinal, renderLive, renderPlain } from "./progress.js";
import type { Output } from "./world.js";

export type DisplayMode = "live" | "plain" | "json" | "quiet";

export interface DisplayOptions {
  readonly json?: boolean;
  readonly plain?: boolean;
  readonly quiet?: boolean;
}

/** A line a second, and one whenever the state or the readiness changes. */
const PLAIN_INTERVAL_MS = 1000;

/** @returns how to show a run: what the user asked for, else in place on a terminal and lines elsewhere. */
export function displayMode(options: DisplayOptions, output: Output, env: Readonly<Record<string, string | undefined>>): DisplayMode {
  if (options.json === true) return "json";
  if (options.quiet === true) return "quiet";
  return options.plain === true || !output.isTTY || env["TERM"] === "dumb" ? "plain" : "live";
}

/** True unless the output is no terminal or NO_COLOR is set to something. */
export function coloured(output: Output, env: Readonly<Record<string, string | undefined>>): boolean {
  return output.isTTY && (env["NO_COLOR"] ?? "") === "";
}

export class Display {
  readonly #mode: DisplayMode;
  readonly #progress: Output;
  readonly #results: Output;
  readonly #coloured: boolean;
  #shown: FlowSnapshot | undefined;
  #lines = 0;

  /** @param progress where progress goes (stderr); @param results where the report goes (stdout). */
  constructor(mode: DisplayMode, progress: Output, results: Output, isColoured: boolean) {
    this.#mode = mode;
    this.#progress = progress;
    this.#results = results;
    this.#coloured = isColoured;
  }

  /** Shows the present state; may be called as often as one likes. */
  show(snapshot: FlowSnapshot): void {
    if (this.#mode === "live") return this.#draw(snapshot);
    if (this.#mode === "quiet" || !isDue(snapshot, this.#shown)) return;
    if (this.#mode === "json") this.#results.write(`${JSON.stringify({ type: "progress", ...snapshot })}\n`);
    else this.#progress.write([...newWarnings(snapshot, this.#shown), renderPlain(snapshot, this.#shown), ""].join("\n"));
    this.#shown = snapshot;
  }

  /** Prints what happened, above the live display. */
  notice(text: string): void {
    if (this.#mode === "json") this.#results.write(`${safeJson(JSON.stringify({ type: "notice", text }))}\n`);
    else if (this.#mode !== "quiet") {
      this.#progress.write(redraw(this.#lines, [safeText(text)]));
      this.#lines = 0;
    }
  }

  /** Prints what a task has printed, above the live display; in quiet mode as it is, for programs that read it. */
  printed(task: string, text: string): void {
    if (this.#mode === "json") return this.#results.write(`${safeJson(JSON.stringify({ type: "printed", task, text }))}\n`);
    if (this.#results.isTTY) this.#clear();
    this.#results.write(printed(text, this.#mode === "quiet" ? undefined : task));
  }

  /** Replaces the live display by the report. */
  finish(snapshot: FlowSnapshot, { reason, message }: { readonly reason: string; readonly message: string }): void {
    if (this.#mode === "quiet") return;
    if (this.#mode === "json") {
      this.#results.write(`${safeJson(JSON.stringify({ type: "result", ...snapshot, reason, message }))}\n`);
      return;
    }
    this.#clear();
    const lines = renderFinal(snapshot, this.#results.isTTY ? this.#results.columns : undefined);
    this.#results.write(`${(this.#coloured ? colour(lines) : lines).join("\n")}\n`);
  }

  #clear(): void {
    if (this.#lines > 0) this.#progress.write(redraw(this.#lines, []).trimEnd());
    this.#lines = 0;
  }

  #draw(snapshot: FlowSnapshot): void {
    const { columns, rows } = this.#progress;
    const lines = renderLive(snapshot, this.#shown, columns).slice(0, Math.max(1, rows - 1));
    this.#progress.write(redraw(this.#lines, this.#coloured ? colour(lines) : lines));
    this.#lines = lines.length;
    if (isDue(snapshot, this.#shown)) this.#shown = snapshot;
  }
}

/** True if a new line tells something: the state changed, a task became ready, or a second passed. */
export function isDue(snapshot: FlowSnapshot, shown: FlowSnapshot | undefined): boolean {
  if (shown === undefined || shown.state !== snapshot.state) return true;
  if (readyTasks(shown) !== readyTasks(snapshot) || newWarnings(snapshot, shown).length > 0) return true;
  return snapshot.elapsedMs - shown.elapsedMs >= PLAIN_INTERVAL_MS;
}

/** Lines of the warnings that were not printed yet. */
function newWarnings(snapshot: FlowSnapshot, shown: FlowSnapshot | undefined): string[] {
  return snapshot.warnings.filter((warning) => shown?.warnings.includes(warning) !== true).map((warning) => `warning: ${warning}`);
}

function readyTasks(snapshot: FlowSnapshot): number {
  return snapshot.nodes.reduce((sum, node) => sum + node.readyTasks, 0);
}
