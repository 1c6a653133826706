/** What who asks a host by an object and who answers agree on. */

/** Carried by each HostQuery: the host whose agent answers, so that others need not see it. */
export const HOST_QUERY_LABEL = "videoflow.io/host";

export interface QueryTimes {
  /** A page is written so long after its first item, however fast others come. */
  readonly gatherMs: number;
  /** Without anything new an empty page says so often that both sides are there. */
  readonly idleMs: number;
  /** A page that is not taken for so long ends the question. */
  readonly takenMs: number;
  /** A page that does not come for so long never does. */
  readonly silentMs: number;
}

export const QUERY_TIMES: QueryTimes = { gatherMs: 100, idleMs: 15_000, takenMs: 30_000, silentMs: 30_000 };
