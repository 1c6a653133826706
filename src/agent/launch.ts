/** Writes the launch file of a task and reads its report. The types are those of src/api/launch.ts, which the worker knows too. */
import { readFileSync, statSync } from "node:fs";
import type { FlowTask } from "../api/kinds.js";
import { LAUNCH_VERSION, type TaskLaunch as Launch, type TaskReport } from "../api/launch.js";
import type { SettledTask } from "../api/refusal.js";
import type { DataPlan } from "../transport/plan.js";

export type TaskLaunch = Launch<DataPlan>;

export interface LaunchPlaces {
  readonly memoryDir: string;
  readonly reportFile: string;
  readonly deadLettersDir: string;
  readonly plan: DataPlan;
  readonly planHash: readonly number[];
  readonly devices: readonly string[];
  readonly incarnation: number;
  readonly lastDeath?: string;
  readonly logLevel: TaskLaunch["logLevel"];
}

/** What the process of a task must know, and may be written into a file. */
export function desiredLaunch(task: FlowTask, settled: SettledTask, places: LaunchPlaces): TaskLaunch {
  const { spec } = task;
  const { members, root, values } = settled;
  return {
    version: LAUNCH_VERSION,
    flow: spec.flow,
    flowType: spec.flowType,
    run: spec.run,
    node: spec.node,
    index: spec.index,
    nbTasks: spec.nbTasks,
    members: [...members],
    retries: spec.retries,
    ...(root === undefined ? {} : { root }),
    ...(spec.graphHash === undefined ? {} : { graphHash: spec.graphHash }),
    ...places,
    ...(values === undefined ? {} : { hasValues: true }),
  };
}

/** A task cannot make its agent read more. */
const MAX_REPORT_BYTES = 2 ** 20;

/** @returns what the worker reported; undefined while there is no readable report. */
export function readReport(file: string): TaskReport | undefined {
  try {
    if (statSync(file).size > MAX_REPORT_BYTES) return undefined;
    const report = JSON.parse(readFileSync(file, "utf8")) as TaskReport;
    return report.phase === "ready" || report.phase === "failed" ? report : undefined;
  } catch {
    return undefined;
  }
}
