/** What the memory of a running flow says about its tasks; it stays readable after the flow has removed its names. */
import { openControl, readPlan } from "../../src/transport/files.js";
import { TASK } from "../../src/transport/layout.js";
import { ledgerProblems } from "../../src/transport/ledger-check.js";
import type { TaskStats } from "../../src/transport/port.js";
import { openFlowStats } from "../../src/transport/stats.js";

export type CommitStage = "none" | "prepared" | "committed";

export class ChaosMemory {
  readonly #control: ReturnType<typeof openControl>;
  readonly #stats: ReturnType<typeof openFlowStats>;

  constructor(dir: string) {
    const plan = readPlan(dir);
    this.#control = openControl(dir, plan);
    this.#stats = openFlowStats(dir, plan);
  }

  tasks(): TaskStats[] {
    return this.#stats.tasks();
  }

  task(name: string): TaskStats {
    return this.tasks().find((task) => nameOf(task) === name) as TaskStats;
  }

  get slotsInUse(): number {
    return this.#stats.slotsInUse();
  }

  get cellsInUse(): number {
    return this.#stats.edges().reduce((sum, { inFlight }) => sum + inFlight, 0);
  }

  /** Messages that were given up, over all edges. */
  get deadLetters(): number {
    return this.#stats.edges().reduce((sum, { deadLettered }) => sum + deadLettered, 0);
  }

  /** What the ledgers of the edges say is missing or too many. */
  get ledgerProblems(): string[] {
    return ledgerProblems(this.#stats.edges());
  }

  /** Whether user code has a message at this very moment. */
  isInUserCode(task: TaskStats): boolean {
    return Atomics.load(this.#control.i32, this.#region(task) + TASK.inUserCode) === 1;
  }

  /** Looks without a pause until the task leaves user code, as a commit begins. @returns false if it does not within the time. */
  watchForCommit(task: TaskStats, timeoutMs: number): boolean {
    const endMs = performance.now() + timeoutMs;
    while (performance.now() < endMs) if (!this.isInUserCode(task)) return true;
    return false;
  }

  /** How far a dead task was in a commit: "prepared" will be taken back, "committed" will be finished. */
  commitStage(task: TaskStats): CommitStage {
    const [prepared, commit, applied] = [TASK.prepared, TASK.commit, TASK.applied].map((word) =>
      Atomics.load(this.#control.i32, this.#region(task) + word),
    );
    if (commit !== applied) return "committed";
    return prepared === commit ? "none" : "prepared";
  }

  /** A line per task and per edge. */
  text(): string {
    const tasks = this.tasks().map(
      (task) => `${nameOf(task)}: ${task.state}, ${task.committed} committed, ${task.inHand ?? "none"} in hand`,
    );
    const edges = this.#stats.edges().map(({ from, to, inFlight, cells }) => `${from} -> ${to}: ${inFlight} of ${cells} cells`);
    return [...tasks, ...edges].join("\n");
  }

  close(): void {
    this.#stats.close();
    this.#control.unmap();
  }

  #region({ node, taskIndex }: TaskStats): number {
    return this.#control.layout.nodes.find(({ plan }) => plan.name === node)?.tasks[taskIndex]?.region ?? 0;
  }
}

export function nameOf({ node, taskIndex }: TaskStats): string {
  return `${node}.${taskIndex}`;
}

/** A producer holds its next message while it makes it. */
export function hasMessage({ inHand, lastInHand, state }: TaskStats): boolean {
  return inHand !== undefined || (lastInHand === undefined && state === "user-code");
}
