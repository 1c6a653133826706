/** What the end of a process means. Pure. */
import type { FlowTaskStatus } from "../api/kinds.js";
import { EXIT_BAD_CONFIGURATION, EXIT_BAD_INPUT, EXIT_FINISHED, EXIT_RETIRED, type TaskReport } from "../api/launch.js";
import { cutText } from "../base/cut-text.js";

export type LastExit = NonNullable<FlowTaskStatus["lastExit"]>;

/** Why the agent asked a process to end. Replaced: another process of the task follows, or none for now. */
export type StopReason = "Stopped" | "Deleted" | "Replaced";

/** Why the agent itself ended a process. */
export type KillReason = StopReason | "StartupDeadline" | "NoProgress" | "DeviceEnvironment" | "KeeperLost" | "Fenced";

/** How a process ended, as its keeper told. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: string | null;
}

/** finished: its work is done. hopeless: a restart cannot help. crashed: it may. retired: it ended as asked, its work goes on. */
export type ExitKind = "finished" | "hopeless" | "crashed" | "retired";

export function kindOfExit(end: ProcessEnd, killed: KillReason | undefined): ExitKind {
  if (killed === "Fenced") return "retired";
  if (killed === "Replaced") return end.code === EXIT_FINISHED ? "finished" : "retired";
  if (killed === "DeviceEnvironment" || killed === "KeeperLost") return "hopeless";
  if (killed !== undefined) return "crashed";
  if (end.code === EXIT_RETIRED) return "retired";
  if (end.code === EXIT_FINISHED) return "finished";
  return end.code === EXIT_BAD_CONFIGURATION || end.code === EXIT_BAD_INPUT ? "hopeless" : "crashed";
}

/** A message of a status may have 4096 characters, and that of the flow puts more around it. */
const MAX_EXIT_BYTES = 3_500;
/** An event shows no more of a log. */
const MAX_LOG_BYTES = 1_024;

/** An end as a status may hold it: of each line of a long log its beginning and its end. */
export function fitted(exit: LastExit): LastExit {
  return exit.message === undefined ? exit : { ...exit, message: cutText(exit.message, MAX_EXIT_BYTES) };
}

/** The end of the log, for who reads of the last of many crashes; undefined if {@link describeExit} tells it already, or it does not matter. */
export function logBeside(kind: ExitKind, report: TaskReport | undefined, lastLines: string): string | undefined {
  const isTold = report?.error === undefined || kind !== "crashed" || lastLines === "";
  return isTold ? undefined : cutText(lastLines, MAX_LOG_BYTES);
}

/** @param lastLines the end of the task's log. */
export function describeExit(end: ProcessEnd, killed: KillReason | undefined, report: TaskReport | undefined, lastLines: string): LastExit {
  const message = [hintOf(end), report?.error?.message ?? lastLines].filter(Boolean).join("\n");
  return {
    ...(end.code === null ? {} : { code: end.code }),
    ...(end.signal === null ? {} : { signal: end.signal }),
    reason: killed ?? report?.error?.code ?? reasonOf(end),
    ...(message === "" ? {} : { message }),
  };
}

function reasonOf({ code, signal }: ProcessEnd): string {
  if (signal !== null) return "Signalled";
  if (code === EXIT_FINISHED) return "Finished";
  if (code === EXIT_RETIRED) return "Retired";
  if (code === EXIT_BAD_CONFIGURATION) return "ConfigurationError";
  return code === EXIT_BAD_INPUT ? "BadInput" : "Crashed";
}

/** How a process ended, in one line: its signal or code, then a hint or the last line that it left. */
export function endLine({ signal, code, message }: Partial<LastExit>): string {
  const lines = message?.split("\n") ?? [];
  const words = hintOf({ code: code ?? null, signal: signal ?? null }) || lines.at(-1);
  return [signal ?? `exit code ${code}`, words].filter(Boolean).join(": ");
}

function hintOf({ signal }: ProcessEnd): string {
  if (signal !== "SIGSEGV") return "";
  return "the process touched memory that it must not: if a component wrote into an input frame, copy it, or declare changesInputs";
}
