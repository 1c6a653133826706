/** Reads what a worker is told when it starts. */
import { readFileSync } from "node:fs";
import { LAUNCH_VERSION, type TaskLaunch as Launch } from "../api/launch.js";
import type { DataPlan } from "../transport/plan.js";

export type TaskLaunch = Launch<DataPlan>;

/** @throws TypeError if the file speaks another version. */
export function readLaunch(file: string): TaskLaunch {
  const launch = JSON.parse(readFileSync(file, "utf8")) as TaskLaunch;
  if (launch.version !== LAUNCH_VERSION) throw new TypeError(`${file} has version ${launch.version}, this worker speaks ${LAUNCH_VERSION}`);
  return launch;
}
