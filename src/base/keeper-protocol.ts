/**
 * What an agent and its keeper say to each other: one JSON object a line, over the keeper's file descriptor 3, or over a
 * Unix socket on which a keeper waits that outlives its agents.
 * Knows processes, files and memory folders; must not know flows, nodes or the store.
 * An incarnation `id` names one process of one task and is never used twice.
 */
import type { ProcessIdentity } from "./process-identity.js";
import type { UserNumbers } from "./task-user.js";

export const KEEPER_PROTOCOL = 3;
/** Descriptor on which the keeper finds its socket. */
export const KEEPER_SOCKET_FD = 3;
/** Descriptor on which a program finds its `input`, if it has any. */
export const INPUT_FD = 4;
/** In the environment of every task: who is responsible for it. Survives fork, setsid and double forks. */
export const KEEPER_MARKER = "VF_KEEPER";
/** In the environment of every task: which incarnation it is. */
export const INCARNATION_MARKER = "VF_INCARNATION";

/** Shared memory of a flow, in which one task must be recovered when its process dies. */
export interface TaskMemory {
  readonly dir: string;
  readonly node: string;
  readonly taskIndex: number;
}

export interface SpawnRequest {
  readonly type: "spawn";
  readonly id: string;
  /** Program and arguments. */
  readonly command: readonly string[];
  /** The whole environment; nothing of the keeper's is added but the two markers. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Gets stdout and stderr, appended; created with mode 0600. */
  readonly logFile: string;
  readonly memory?: TaskMemory;
  /** The keeper before this one died, so nobody has brought the memory in order: done before the process starts. */
  readonly recoverFirst?: true;
  /** Told again with the process to an agent that comes later; means nothing to the keeper. */
  readonly tag?: string;
  /** The process lives on when the agent dies; it, or a gate that is still shut, waits for the next agent. */
  readonly keep?: true;
  /** What the program reads from descriptor {@link INPUT_FD}. Written nowhere else, and forgotten when it is handed over. */
  readonly input?: string;
  /**
   * Id of the process that follows this one if it dies by itself, started in the same way: its gate may be there before it is
   * asked for, and is killed if it is not asked for within a second.
   */
  readonly next?: string;
  /** Exit codes beside 0 that are no death: nothing follows them at once. */
  readonly finalCodes?: readonly number[];
  /** The program runs as this user, and so does everything that sees `env`. Absent: as the keeper's own. */
  readonly user?: UserNumbers;
  /** Gets the exit record (JSON), written before it is reported. */
  readonly exitFile?: string;
}

export type AgentMessage =
  | SpawnRequest
  /** Opens the gate: only now the program starts. */
  | { readonly type: "go"; readonly id: string }
  /** SIGTERM to the group, SIGKILL to the whole tree after `graceMs`. */
  | { readonly type: "stop"; readonly id: string; readonly graceMs: number }
  /** SIGKILL to the whole tree. */
  | { readonly type: "kill"; readonly id: string }
  /**
   * Processes are killed at these times ({@link bootTimeMs}), by id, whether or not an agent is there, unless later ones are
   * told before.
   */
  | { readonly type: "fence"; readonly deadlines: Readonly<Record<string, number>> }
  /** The folder is removed if the agent dies (unless `keep`), and when the keeper shuts down. */
  | { readonly type: "own"; readonly dir: string; readonly keep?: true }
  /** The agent has removed the folder itself. */
  | { readonly type: "disown"; readonly dir: string }
  /** Kills everything and ends. With `keepMemory`, what was to be kept for the next agent stays. */
  | { readonly type: "shutdown"; readonly keepMemory?: true };

/** The end of a process, told once its whole tree is dead and its shared memory is recovered. */
export interface ExitRecord {
  readonly id: string;
  readonly identity: ProcessIdentity;
  /** Exit code; null when a signal ended it. */
  readonly code: number | null;
  readonly signal: string | null;
  /** Epoch milliseconds of the death of the root process. */
  readonly atMs: number;
  /** Whether the agent had asked for it. */
  readonly ordered: boolean;
  /** Whether the program was ever started, or died behind the gate. */
  readonly started: boolean;
  /** False when a process of the tree could not be killed within 5 seconds. */
  readonly treeDead: boolean;
  /** Its time had come: nobody told a later one. */
  readonly fenced?: true;
  /** Why recovery of the shared memory failed; absent when it succeeded or none was asked for. */
  readonly recoveryProblem?: string;
}

/** A process that a keeper already has when an agent comes to it. */
export interface KeptTask {
  readonly id: string;
  readonly identity: ProcessIdentity;
  readonly tag?: string;
  /** When its gate was opened, on the boot clock; absent: it still waits behind it. */
  readonly startedAtMs?: number;
}

/** What guarantees that no process is left behind. */
export type Containment = "Cgroup" | "Keeper" | "Pod";

/** What a keeper writes into its file before it starts anything, so that whoever comes after it can sweep what it left. */
export interface KeeperFile {
  readonly keeperId: string;
  readonly identity: ProcessIdentity;
  readonly version: number;
}

export type KeeperMessage =
  | {
      readonly type: "ready";
      readonly version: number;
      readonly keeperId: string;
      readonly identity: ProcessIdentity;
      readonly subreaper: boolean;
      readonly containment: Containment;
      /** Processes that outlived an earlier agent. */
      readonly tasks: readonly KeptTask[];
    }
  | { readonly type: "spawned"; readonly id: string; readonly identity: ProcessIdentity }
  | { readonly type: "spawnFailed"; readonly id: string; readonly problem: string }
  | ({ readonly type: "exited" } & ExitRecord)
  | { readonly type: "refused"; readonly problem: string };
