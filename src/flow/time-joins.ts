/** Joins by event time in the graph: their rules with defaults, and who numbers the messages of a node. Pure. */
import type { FlowTaskSpec, NodeSpec, VideoFlowSpec } from "../api/kinds.js";

/** Messages of each input that may wait for partners, unless `buffer.messages` of the input's node says otherwise. */
export const TIME_WAITING = 64;
/** Realtime waits so long for a partner, unless the user says otherwise; batch waits for ever. */
export const REALTIME_TIMEOUT_MS = 10_000;

export type TimeJoin = NonNullable<FlowTaskSpec["channels"]["timeJoin"]>;
type TimeRules = Omit<TimeJoin, "sources">;

/** What the search for sources needs of a node. */
interface Vertex {
  readonly name: string;
  readonly inputs: readonly string[];
  readonly joinsByTime: boolean;
}

export function joinsByTime({ join, inputs }: Pick<NodeSpec, "join" | "inputs">): boolean {
  return join?.mode === "Time" && inputs.length > 1;
}

/** The rules of a node that joins by time, with the defaults of its kind of flow; undefined for others. */
export function timeRulesOf(node: NodeSpec, flowType: VideoFlowSpec["flowType"]): TimeRules | undefined {
  const { join } = node;
  if (join === undefined || !joinsByTime(node)) return undefined;
  const timeoutMs = join.timeoutMs ?? (flowType === "Realtime" ? REALTIME_TIMEOUT_MS : undefined);
  return {
    toleranceMs: join.toleranceMs ?? 0,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(join.quorum === undefined ? {} : { quorum: join.quorum }),
    collect: [...(join.collect ?? [])],
    missing: join.missing ?? (flowType === "Realtime" ? "drop" : "wait"),
  };
}

/**
 * Who numbers the messages of each node: its producer, or the last node before it, or itself, that joins by time. More than one
 * name: traces of several sources meet, which no Trace join can pair.
 *
 * @param ordered in topological order.
 */
export function sourcesOf(ordered: readonly Vertex[]): ReadonlyMap<string, ReadonlySet<string>> {
  const sources = new Map<string, ReadonlySet<string>>();
  for (const { name, inputs, joinsByTime: isSource } of ordered) {
    const inherited = new Set(inputs.flatMap((input) => [...(sources.get(input) ?? [])]));
    sources.set(name, isSource || inputs.length === 0 ? new Set([name]) : inherited);
  }
  return sources;
}
