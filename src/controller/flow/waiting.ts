/** Since when a flow waits to start: recorded, so that its time does not begin anew with each controller. Pure. */
import type { VideoFlow, VideoFlowStatus } from "../../api/kinds.js";
import type { Observed } from "./observed.js";

export type Waiting = NonNullable<VideoFlowStatus["waiting"]>;

/** The moment to record; undefined where nothing is timed. What was recorded stays. */
export function waitingOf({ flow, nowMs, wallMs, waitingSinceMs = nowMs, bootId = "" }: Observed): Waiting | undefined {
  if (flow.spec.admission?.timeoutSeconds === undefined) return undefined;
  const since = new Date(wallMs - (nowMs - waitingSinceMs)).toISOString();
  return flow.status?.waiting ?? { since, bootId, atMs: Math.max(0, waitingSinceMs) };
}

/** The recorded moment on the boot clock of this machine. Only where it was another boot the wall clock counts; what lies ahead is now. */
export function waitingSince({ status }: VideoFlow, now: Pick<Observed, "nowMs" | "wallMs" | "bootId">): number | undefined {
  if (status?.waiting === undefined) return undefined;
  const { bootId, atMs, since } = status.waiting;
  return bootId === now.bootId ? atMs : now.nowMs - Math.max(0, now.wallMs - Date.parse(since));
}

/** What is left of the time that the flow may wait; undefined: it waits for ever. */
export function remainingMs({ flow, nowMs, waitingSinceMs = nowMs }: Observed): number | undefined {
  const seconds = flow.spec.admission?.timeoutSeconds;
  return seconds === undefined ? undefined : seconds * 1_000 - (nowMs - waitingSinceMs);
}
