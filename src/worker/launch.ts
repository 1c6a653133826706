/** What a worker is told when it starts; structurally equal to what the agent writes. */
import { readFileSync } from "node:fs";
import type { TaskMember } from "../api/kinds.js";
import type { DataPlan } from "../transport/plan.js";

export const LAUNCH_VERSION = 1;

/** Content of the launch file. */
export interface TaskLaunch {
  readonly version: number;
  readonly flow: string;
  readonly flowType: "Batch" | "Realtime";
  readonly run: string;
  readonly node: string;
  readonly index: number;
  readonly nbTasks: number;
  readonly incarnation: number;
  readonly members: readonly TaskMember[];
  readonly plan: DataPlan;
  readonly memoryDir: string;
  readonly graphHash?: string;
  readonly devices: readonly string[];
  readonly retries: number;
  readonly reportFile: string;
}

/** @throws TypeError if the file speaks another version. */
export function readLaunch(file: string): TaskLaunch {
  const launch = JSON.parse(readFileSync(file, "utf8")) as TaskLaunch;
  if (launch.version !== LAUNCH_VERSION) throw new TypeError(`${file} has version ${launch.version}, this worker speaks ${LAUNCH_VERSION}`);
  return launch;
}
