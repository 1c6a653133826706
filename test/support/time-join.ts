/** Flows with a join by event time, played in one process step by step, with deaths at labelled steps if asked. */
import type { Prng } from "../../src/base/prng.js";
import { openFlowStats, recoverTask } from "../../src/transport/memory.js";
import { openTaskPort } from "../../src/transport/open.js";
import type { DataPlan, NodePlan, TimeJoinPlan } from "../../src/transport/plan.js";
import type { InputMessage, TaskPort, Unit } from "../../src/transport/port.js";
import { aNode, aPlan } from "./transport.js";

/** A message of a producer: name and event time in seconds. */
export type Event = readonly [content: string, eventTs: number | undefined];

export interface PlayedTimes {
  /** "position content" in the order of receipt. */
  readonly received: readonly string[];
  readonly labels: ReadonlySet<string>;
  readonly slotsInUse: number;
  readonly inFlight: number;
  readonly filtered: number;
}

export const DROP: TimeJoinPlan = { toleranceMs: 20, collect: [], missing: "drop", sources: [] };

/** One producer per input, `join` of all of them, and an end; `more` nodes may stand between. */
export function timePlan(
  inputs: readonly string[],
  rules: Partial<TimeJoinPlan> = {},
  { flowType = "Batch", cells = 8, more = [] }: { flowType?: DataPlan["flowType"]; cells?: number; more?: readonly NodePlan[] } = {},
): DataPlan {
  const timeJoin: TimeJoinPlan = { ...DROP, sources: inputs, ...rules };
  const last = more.at(-1)?.name ?? "join";
  const nodes = [...inputs.map((name) => aNode(name)), aNode("join", inputs, { timeJoin }), ...more, aNode("end", [last], { slots: 0 })];
  return aPlan(nodes, { cells, keep: cells }, flowType);
}

class Death extends Error {}

interface Actor {
  readonly node: NodePlan;
  port: TaskPort | undefined;
  done: boolean;
}

/** @throws Error when no task can move and some have not ended. */
export function playTimes(dir: string, plan: DataPlan, events: ReadonlyMap<string, readonly Event[]>, prng: Prng, deaths = 0): PlayedTimes {
  const labels = new Set<string>();
  const seen = new Map<number, string>();
  const actors: Actor[] = plan.nodes.map((node) => ({ node, port: undefined, done: false }));
  const step = (label: string): void => {
    if (!prng.chance(deaths)) return;
    labels.add(label);
    throw new Death(label);
  };
  const act = (actor: Actor): boolean => {
    try {
      actor.port ??= openTaskPort(dir, plan, actor.node.name, 0, { scrub: true, step });
      return move(actor, actor.port, events.get(actor.node.name) ?? [], seen);
    } catch (error) {
      if (!(error instanceof Death)) throw error;
      actor.port = undefined;
      recoverWithDeaths(dir, plan, actor.node.name, step);
      return true;
    }
  };
  for (let idle = 0; actors.some(({ done }) => !done); ) {
    const open = actors.filter(({ done }) => !done);
    idle = act(prng.pick(open)) ? 0 : idle + 1;
    if (idle > 50 * open.length && !open.some(act)) throw new Error(`stuck: ${open.map(({ node }) => node.name).join()}`);
  }
  return { received: [...seen].map(([position, content]) => `${position} ${content}`), labels, ...restOf(dir, plan) };
}

function recoverWithDeaths(dir: string, plan: DataPlan, node: string, step: (label: string) => void): void {
  for (;;) {
    try {
      return recoverTask(dir, plan, node, 0, { step });
    } catch (error) {
      if (!(error instanceof Death)) throw error;
    }
  }
}

function restOf(dir: string, plan: DataPlan): Pick<PlayedTimes, "slotsInUse" | "inFlight" | "filtered"> {
  const stats = openFlowStats(dir, plan);
  const inFlight = stats.edges().reduce((sum, edge) => sum + edge.inFlight, 0);
  const filtered = stats.tasks().find(({ node }) => node === "join")?.filtered ?? 0;
  const slotsInUse = stats.slotsInUse();
  stats.close();
  return { slotsInUse, inFlight, filtered };
}

function move(actor: Actor, port: TaskPort, events: readonly Event[], seen: Map<number, string>): boolean {
  return actor.node.inputs.length === 0 ? produce(actor, port, events) : work(actor, port, seen);
}

/** A content of "" is a "none". */
function produce(actor: Actor, port: TaskPort, events: readonly Event[]): boolean {
  const event = events[port.committed];
  if (event === undefined) return finish(actor, port);
  if (!port.reserve()) return false;
  const [content, eventTs] = event;
  port.attempt();
  if (content !== "") port.write({ traceId: content, seq: port.committed + 1, eventTs, payload: content });
  port.commit();
  return true;
}

function finish(actor: Actor, port: TaskPort): boolean {
  port.end();
  port.close();
  actor.done = true;
  return true;
}

function work(actor: Actor, port: TaskPort, seen: Map<number, string>): boolean {
  const unit = port.take();
  if (unit === undefined) return false;
  if (unit.kind === "end") return finish(actor, port);
  port.attempt();
  if (unit.kind === "data" && actor.node.name === "end") seen.set(unit.position, contentOf(unit));
  else if (unit.kind === "data") port.write({ traceId: traceOf(unit), seq: 1, eventTs: timeOf(unit), payload: contentOf(unit) });
  port.commit();
  return true;
}

function traceOf(unit: Unit): string {
  return unit.group === undefined ? (unit.inputs[0]?.[0]?.traceId ?? "") : `tw-${unit.group.number}`;
}

function timeOf(unit: Unit): number | undefined {
  return unit.group === undefined ? unit.inputs[0]?.[0]?.eventTs : unit.group.eventTs;
}

/** Inputs side by side: "a+b", "-" for what is missing, "[c,d]" for a list. */
export function contentOf({ inputs, group }: Unit): string {
  const text = (messages: readonly InputMessage[]) => messages.map(({ payload }) => payload as string).join(",");
  return inputs.map((messages, i) => (group?.lists[i] === true ? `[${text(messages)}]` : text(messages) || "-")).join("+");
}
