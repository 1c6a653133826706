/** When a dead task starts again. Pure. */
import type { FlowTaskSpec } from "../api/kinds.js";

/** A run at least this long was good, whatever ended it. */
export const GOOD_RUN_MS = 10_000;
/** Backoff varies by this fraction to either side, so that siblings do not start together. */
export const JITTER = 0.1;

/** One end of a task's process that nobody ordered. */
export interface Death {
  /** Boot clock. */
  readonly atMs: number;
  readonly ranMs: number;
  /** At least one message was done by this incarnation. */
  readonly progressed: boolean;
  /** In [0, 1), drawn once per death: decides the jitter. */
  readonly chance: number;
  /** The input that it had in hand, or had last; absent where it had none. */
  readonly position?: number;
}

export type RestartDecision =
  | { readonly restart: "now" }
  | { readonly restart: "later"; readonly atMs: number }
  | { readonly restart: "never"; readonly reason: "RestartPolicyNever" | "RestartBudgetSpent" };

/**
 * The first death after a good run restarts at once, the next ones after a wait that doubles from `initialBackoffSeconds`
 * to `maxBackoffSeconds`; more than `maxRestarts` deaths within `windowSeconds` end it.
 *
 * @param deaths oldest first; none if nothing of what happened counts.
 */
export function decideRestart(policy: FlowTaskSpec["restart"], deaths: readonly Death[], nowMs: number): RestartDecision {
  const last = deaths.at(-1);
  if (policy.policy === "Never") return { restart: "never", reason: "RestartPolicyNever" };
  if (last === undefined) return { restart: "now" };
  const recent = deaths.filter((death) => death.atMs > last.atMs - policy.windowSeconds * 1000);
  if (recent.length > policy.maxRestarts) return { restart: "never", reason: "RestartBudgetSpent" };
  const atMs = last.atMs + backoffMs(policy, deathsInARow(deaths), last.chance);
  return atMs <= nowMs ? { restart: "now" } : { restart: "later", atMs };
}

/** Deaths without those of inputs that went to the dead letters: what they cost, no other input shall pay. */
export function giveBack(deaths: readonly Death[], buried: ReadonlySet<number>): readonly Death[] {
  return buried.size === 0 ? deaths : deaths.filter(({ position }) => position === undefined || !buried.has(position));
}

/** @returns the wait before the restart after the nth death in a row, in milliseconds: 0, then initial × 2^(n - 2) up to the cap. */
export function backoffMs(policy: FlowTaskSpec["restart"], inARow: number, chance: number): number {
  if (inARow <= 1) return 0;
  const seconds = Math.min(policy.maxBackoffSeconds, policy.initialBackoffSeconds * 2 ** (inARow - 2));
  return seconds * 1000 * (1 + JITTER * (2 * chance - 1));
}

/** Deaths since the last good run, the one that ended it included. */
function deathsInARow(deaths: readonly Death[]): number {
  const bad = [...deaths].reverse().findIndex(wasGood);
  return bad < 0 ? deaths.length : bad + 1;
}

function wasGood(death: Death): boolean {
  return death.progressed || death.ranMs >= GOOD_RUN_MS;
}
