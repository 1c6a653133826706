/**
 * The launch file: what a task's process needs to know, and the report file in which it answers.
 * Knows the shape of both; must not know the worker (which has its own, structurally equal type).
 */
import { readFileSync } from "node:fs";
import type { FlowTask, TaskMember } from "../api/kinds.js";
import type { DataPlan } from "../transport/plan.js";

export const LAUNCH_VERSION = 1;

/** Content of the launch file: JSON, mode 0600, in the runtime folder. */
export interface TaskLaunch {
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
  readonly members: readonly TaskMember[];
  /** The data plane of the whole flow. */
  readonly plan: DataPlan;
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
  readonly logLevel: "debug" | "info" | "warn" | "error";
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
  readonly error?: { readonly code: string; readonly message: string };
}

/** Exit codes of a worker; anything else, and any signal, is a crash. */
export const EXIT_FINISHED = 0;
/** The input data is bad: a restart cannot help. */
export const EXIT_BAD_INPUT = 65;
/** The configuration cannot work: a restart cannot help. */
export const EXIT_BAD_CONFIGURATION = 78;

export interface LaunchPlaces {
  readonly memoryDir: string;
  readonly reportFile: string;
  readonly plan: DataPlan;
  readonly devices: readonly string[];
  readonly incarnation: number;
  readonly logLevel: TaskLaunch["logLevel"];
}

/** What the process of a task must know. */
export function desiredLaunch(task: FlowTask, places: LaunchPlaces): TaskLaunch {
  const { spec } = task;
  return {
    version: LAUNCH_VERSION,
    flow: spec.flow,
    flowType: spec.flowType,
    run: spec.run,
    node: spec.node,
    index: spec.index,
    nbTasks: spec.nbTasks,
    members: spec.members,
    retries: spec.retries,
    ...(spec.root === undefined ? {} : { root: spec.root }),
    ...(spec.graphHash === undefined ? {} : { graphHash: spec.graphHash }),
    ...places,
  };
}

/** @returns what the worker reported; undefined while there is no readable report. */
export function readReport(file: string): TaskReport | undefined {
  try {
    const report = JSON.parse(readFileSync(file, "utf8")) as TaskReport;
    return report.phase === "ready" || report.phase === "failed" ? report : undefined;
  } catch {
    return undefined;
  }
}
