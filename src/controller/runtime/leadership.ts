/** Who leads: what one candidate does about the Lease. Pure: the clock of the candidate, never that of another machine. */
import type { Lease } from "../../api/kinds.js";

export interface LeadershipTimes {
  /** A leader that did not renew for so long may be replaced. */
  readonly leaseMs: number;
  /** A leader that could not renew for so long steps down: before anybody else may take over. */
  readonly renewDeadlineMs: number;
  /** How often a candidate looks and a leader renews. */
  readonly retryMs: number;
}

export const LEADERSHIP_TIMES: LeadershipTimes = { leaseMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2_000 };

export interface ObservedLeadership {
  /** Boot clock of this machine. */
  readonly nowMs: number;
  readonly identity: string;
  /** Undefined: there is none yet. */
  readonly lease: Lease | undefined;
  /** When this candidate saw the Lease change last. */
  readonly changedAtMs: number;
  readonly times: LeadershipTimes;
}

/** "create" and "take" begin a leadership, "renew" keeps it, "wait" leaves it to another. */
export type LeadershipStep = "create" | "take" | "renew" | "wait";

export function leadershipStep({ nowMs, identity, lease, changedAtMs, times }: ObservedLeadership): LeadershipStep {
  if (lease === undefined) return "create";
  const { holderIdentity = "", leaseDurationSeconds } = lease.spec;
  if (holderIdentity === identity) return "renew";
  if (holderIdentity === "") return "take";
  const durationMs = leaseDurationSeconds === undefined ? times.leaseMs : leaseDurationSeconds * 1_000;
  return nowMs - changedAtMs >= durationMs ? "take" : "wait";
}
