/** What agent and worker say to each other: the launch file in, the report file and the exit code out. */
import type { TaskMember } from "./kinds.js";

export const LAUNCH_VERSION = 1;

/** Content of the launch file: JSON, mode 0600, in the runtime folder. `Plan` is the data plane of the whole flow. */
export interface TaskLaunch<Plan> {
  readonly version: typeof LAUNCH_VERSION;
  readonly flow: string;
  readonly flowType: "Batch" | "Realtime";
  /** `<flow uid>-<run number>`. */
  readonly run: string;
  readonly node: string;
  readonly index: number;
  readonly nbTasks: number;
  /** 0 for the first process of the task, then one more with each restart. */
  readonly incarnation: number;
  /** How the process before died, in one line; absent if it was ended, or there was none. */
  readonly lastDeath?: string;
  readonly members: readonly TaskMember[];
  readonly plan: Plan;
  /** Of the plan, as the memory must have it: the worker need not load what computes it. */
  readonly planHash?: readonly number[];
  /** Folder of the flow's shared memory. */
  readonly memoryDir: string;
  /** Folder against which relative paths were resolved. */
  readonly root?: string;
  readonly graphHash?: string;
  /** Full UUIDs of the granted GPUs, in allocation order. */
  readonly devices: readonly string[];
  readonly retries: number;
  /** Where the worker writes its {@link TaskReport}, by rename. */
  readonly reportFile: string;
  /** The report file is there and is written over: its folder is not the worker's. */
  readonly hasReport?: true;
  /** Folder in which the worker keeps inputs that no attempt could process; made when the first one comes. */
  readonly deadLettersDir: string;
  readonly logLevel: "debug" | "info" | "warn" | "error";
  /** Values of params, null here, come on a descriptor of their own: see TaskValues. */
  readonly hasValues?: true;
}

/** Content of the report file: written by the worker, the last one counts. */
export interface TaskReport {
  readonly phase: "ready" | "failed";
  /** Where the task computes: "cpu", "cuda", … */
  readonly provider?: string;
  /** Why it is not the wished one. */
  readonly reason?: string;
  /** The one command that installs what is missing. */
  readonly fix?: string;
  /** Which nodes lost their state by a restart, and what to do about it. */
  readonly stateLost?: string;
  readonly error?: { readonly code: string; readonly message: string };
}

/** Exit codes of a worker; anything else, and any signal, is a crash. */
export const EXIT_FINISHED = 0;
/** The input data is bad: a restart cannot help. */
export const EXIT_BAD_INPUT = 65;
/** Something failed that may pass. */
export const EXIT_CRASHED = 70;
/** The task made way as it was asked to: all that it had in hand is committed, the next process of the task goes on. */
export const EXIT_RETIRED = 75;
/** The configuration cannot work: a restart cannot help. */
export const EXIT_BAD_CONFIGURATION = 78;
/** After these no process follows at once. */
export const FINAL_CODES: readonly number[] = [EXIT_FINISHED, EXIT_BAD_INPUT, EXIT_RETIRED, EXIT_BAD_CONFIGURATION];
/** Ended by SIGTERM, as a shell tells it; its nodes were closed. */
export const EXIT_TERMINATED = 143;
