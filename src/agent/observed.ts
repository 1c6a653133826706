/** What an agent sees of its host: the input of every decision. */
import type { DeviceClaim, FlowTask, HostDevice } from "../api/kinds.js";
import type { TaskReport } from "../api/launch.js";
import type { ProcessIdentity } from "../base/process-identity.js";
import type { Rest, TaskStats } from "../transport/port.js";
import type { ExitKind, KillReason, LastExit, StopReason } from "./exit.js";
import type { Requirement } from "./requirements.js";
import type { Death } from "./restart.js";

/** A process of a task, from the request to spawn it until its whole tree is dead. Times are those of the boot clock. */
export interface LiveProcess {
  readonly incarnation: number;
  /** Template that it was started from. */
  readonly templateHash: string;
  /** Absent while the keeper has not answered. */
  readonly identity?: ProcessIdentity;
  /** Its keeper kills it so many seconds after the last renewed Lease. */
  readonly fenceSeconds?: number;
  /** The gate was opened; absent: nothing of the task runs yet. */
  readonly startedAtMs?: number;
  readonly report?: TaskReport;
  readonly stats?: TaskStats;
  /** When it was last seen with nothing that it could have done: its progress counts from then. */
  readonly idleSeenAtMs?: number;
  /** Since when it was seen stopped by a signal each time: it can do nothing, whatever it waits for. */
  readonly stoppedSinceMs?: number;
  /** It was asked to commit what it has in hand and end. */
  readonly retireAskedAtMs?: number;
  /** SIGTERM was sent, and why. */
  readonly stopped?: StopReason;
  /** Why SIGKILL was sent. */
  readonly killed?: KillReason;
  /** The live environment does not list exactly the claim. */
  readonly wrongVariables?: readonly string[];
}

/** What the agent remembers of a task beside its object. */
export interface TaskRecord {
  readonly process?: LiveProcess;
  /** Processes started so far. */
  readonly incarnations: number;
  /** Processes that took the place of one that nobody had asked to end; absent: all but the first. */
  readonly restarts?: number;
  /** Template of the last process. */
  readonly templateHash?: string;
  /** Template of the process that was ready last. */
  readonly readyTemplate?: string;
  /** Oldest first; only those that nobody ordered, of the last template. */
  readonly deaths: readonly Death[];
  readonly lastExit?: LastExit & {
    readonly kind: ExitKind;
    readonly treeDead: boolean;
    /** The last lines of the log, where the message is something else. */
    readonly log?: string;
  };
  /** Its keeper died with it, so its shared memory must be brought in order before the next process starts. */
  readonly unrecovered?: true;
  /** The process could not even be spawned. */
  readonly spawnProblem?: string;
  /** It is tried again then, on the boot clock: what kept it back may pass, as a full disk. */
  readonly spawnAgainAtMs?: number;
  readonly provider?: string;
  readonly providerReason?: string;
  readonly stateLost?: string;
}

export const NEW_RECORD: TaskRecord = { incarnations: 0, deaths: [] };

/** It has a process, or its last one is not proved dead with its whole tree: what it uses is not free yet. */
export function mayHaveProcess(record: TaskRecord | undefined): boolean {
  return record?.process !== undefined || record?.lastExit?.treeDead === false;
}

/** Restarts so far: a process that made way for another template, or while nobody heard of its host, was not restarted. */
export function restartsOf({ restarts, incarnations }: TaskRecord): number {
  return restarts ?? Math.max(0, incarnations - 1);
}

/** Why what was committed is not in the changed channels. */
export interface CarryOverProblem {
  /** The channels that were tried. */
  readonly layout: string;
  readonly problem: string;
  /** Trying again cannot help. */
  readonly isRefused: boolean;
  /** When it was tried, on the boot clock. */
  readonly atMs: number;
}

/** Shared memory of a run. */
export interface MemoryState {
  readonly state: "ready" | "failed";
  readonly problem?: string;
  /** Code of the error. */
  readonly reason?: string;
  /** When the flow was asked to drain. */
  readonly drainAskedAtMs?: number;
  /** Producers were asked to hold back. */
  readonly paused?: boolean;
  /** What is in flight; looked at only while paused, or while no process of the run lives. */
  readonly rest?: Rest;
  /** Hash of the channels that it was made for; absent: those of its tasks. */
  readonly layout?: string;
  /** What keeps its messages from the channels that its tasks know by now. */
  readonly carryOver?: CarryOverProblem;
  /** Uids of the tasks that it was made for; absent: not known. */
  readonly madeFor?: readonly string[];
  /** What of the messages of its edges does not add up; looked at only while no process of the run lives. */
  readonly ledgerProblems?: readonly string[];
  /** Tasks that each node has in the memory. */
  readonly tasks?: ReadonlyMap<string, number>;
  /** Tasks that each node was asked to have last; another number in `tasks` is final, for its stream is ending. */
  readonly asked?: ReadonlyMap<string, number>;
}

/** Everything that the decision depends on. What is not here cannot influence it. */
export interface ObservedHost {
  readonly nowMs: number;
  /** Tasks bound to this host, in any order; those being deleted too. */
  readonly tasks: readonly FlowTask[];
  /** By task uid. Records of tasks that are gone from the store stay until their process is dead. */
  readonly records: ReadonlyMap<string, TaskRecord>;
  /** By `<namespace>/<name>`. */
  readonly claims: ReadonlyMap<string, DeviceClaim>;
  /** By run. */
  readonly memories: ReadonlyMap<string, MemoryState>;
  readonly keeperLost: boolean;
  /** When tasks were first seen, by uid; of one that is not here everything is told at once. */
  readonly seenAtMs?: ReadonlyMap<string, number>;
  /** The agent writes down who a process is before it opens its gate: nothing needs to wait for the store. */
  readonly hasJournal?: boolean;
  /** By task uid: whether a task that has no process of its template may get one. Absent: it may. */
  readonly requirements?: ReadonlyMap<string, Requirement>;
  /** By UUID, as the machine was seen last. */
  readonly devices?: ReadonlyMap<string, HostDevice>;
}
