/** What the silence of a host means for it and for its tasks. Pure. */
import { FENCE_DRIFT_MS, LEASE_SECONDS } from "../../api/host-lease.js";
import type { Condition, FlowTask, Host } from "../../api/kinds.js";

/** Name of a host to the milliseconds for which it has been silent. Absent as a whole: hosts have no heartbeats and are there. */
export type Silence = ReadonlyMap<string, number>;

/** Whether the host is heard of. */
export function isReachable(host: string, silence: Silence | undefined): boolean {
  return (silence?.get(host) ?? 0) <= LEASE_SECONDS * 1_000;
}

/**
 * Milliseconds until the task is certainly dead although nobody hears of its host: its keeper has killed it by then.
 *
 * @returns 0 or less: it is dead. undefined: nobody promised to kill it, so only its agent can say.
 */
export function fencedInMs({ spec, status }: FlowTask, silence: Silence | undefined): number | undefined {
  const silentMs = silence?.get(spec.host);
  if (silentMs === undefined || isReachable(spec.host, silence)) return undefined;
  // A process that may be fenced starts only after its pid stands in the status; of any other one the status may know nothing yet.
  const fenceSeconds = status?.pid === undefined && spec.fenceSeconds !== undefined ? 0 : status?.fenceSeconds;
  return fenceSeconds === undefined ? undefined : fenceSeconds * 1_000 + FENCE_DRIFT_MS - silentMs;
}

/** The condition that the controller writes on a Host and on its tasks; the message has no numbers that change by themselves. */
export function reachableFact(host: Host, silence: Silence): Pick<Condition, "type" | "status" | "reason" | "message"> {
  const { name } = host.metadata;
  if (isReachable(name, silence))
    return { type: "Reachable", status: "True", reason: "LeaseRenewed", message: `host ${name} renews its Lease` };
  const message = `host ${name} has not renewed its Lease for more than ${LEASE_SECONDS} s: its tasks may run or not`;
  return { type: "Reachable", status: "Unknown", reason: "LeaseExpired", message };
}
