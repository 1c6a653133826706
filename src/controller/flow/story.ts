/** Which events a change of a flow's status is worth. Pure. */
import type { Condition, VideoFlow, VideoFlowStatus } from "../../api/kinds.js";
import type { EventNote } from "../../store/event-recorder.js";
import type { Change } from "./observed.js";

/** Conditions that are told when they change, and how: by status. */
const TOLD: Readonly<Record<string, Readonly<Record<string, EventNote["type"]>>>> = {
  Accepted: { False: "Warning" },
  Admitted: { True: "Normal", False: "Normal" },
  Degraded: { True: "Warning" },
  Paused: { True: "Normal" },
  Reachable: { False: "Warning", Unknown: "Warning" },
};

/** States that are told when they are reached. */
const STATES: Readonly<Record<string, EventNote["type"]>> = {
  Running: "Normal",
  Succeeded: "Normal",
  Stopped: "Normal",
  Failed: "Warning",
};

/** @param before the flow with its status until now. */
export function flowStory(before: VideoFlow, status: VideoFlowStatus): EventNote[] {
  const conditions = (status.conditions ?? []).flatMap((condition) => {
    const type = TOLD[condition.type]?.[condition.status];
    const old = before.status?.conditions?.find((one) => one.type === condition.type);
    const isNew = old === undefined || old.status !== condition.status || old.reason !== condition.reason;
    const again = condition.type === "Accepted" && old?.message !== condition.message;
    return type !== undefined && (isNew || again) ? [noteOf(condition, status.state === "Failed" ? "Warning" : type)] : [];
  });
  return firstOfEachReason([...conditions, ...stateNotes(before.status, status)]);
}

/** What several conditions say of one thing is told once, in the words of the one that stands first. */
function firstOfEachReason(notes: readonly EventNote[]): EventNote[] {
  return notes.filter(({ reason }, at) => notes.findIndex((one) => one.reason === reason) === at);
}

function noteOf({ type, status, reason, message }: Condition, how: EventNote["type"]): EventNote {
  const isPlain = type === "Admitted" || type === "Accepted";
  return { type: isPlain && status === "True" ? "Normal" : how, reason: isPlain && status === "True" ? type : reason, message };
}

function stateNotes(before: VideoFlowStatus | undefined, { state, reason, message, run }: VideoFlowStatus): EventNote[] {
  const type = state === undefined ? undefined : STATES[state];
  const isNew = before?.state !== state || (before?.run !== run && run !== undefined);
  if (type === undefined || !isNew || state === undefined) return [];
  const told = state === "Failed" ? (reason ?? state) : state;
  return [{ type, reason: told, message: `run ${run ?? "?"}: ${message ?? ""}` }];
}

/** One note per node whose tasks were given another template or another number. */
export function changeStory(changes: readonly Change[]): EventNote[] {
  const reasons = new Map<string, string>();
  for (const change of changes) if (change.op === "updateTask") reasons.set(`${change.task.spec.node}: ${change.why}`, change.why);
  return [...reasons.keys()].map((message) => ({ type: "Normal", reason: "TasksChanged", message: `node ${message}` }));
}
