/**
 * Before a task is ready: what its process sees of the devices is what the task was granted. Code that a node imports may have
 * set the variables, and would compute on a GPU that belongs to another task. Knows the launch file; must not know drivers.
 */
import { OperatorError } from "../base/errors.js";
import type { TaskLaunch } from "./launch.js";

const VISIBLE = "CUDA_VISIBLE_DEVICES";

/** As the agent gave it; this module is loaded before any code of a node. */
const given = process.env[VISIBLE];

/**
 * @param launch `devices`: full UUIDs of the grant in allocation order, none on the CPU.
 * @param seen   the variable as it is now.
 * @param from   the variable as the process got it.
 * @throws OperatorError DEVICES_DISAGREE.
 */
export function checkDevices({ node, devices }: Pick<TaskLaunch, "node" | "devices">, seen = process.env[VISIBLE], from = given): void {
  const granted = devices.length === 0 ? "-1" : devices.join(",");
  if (seen === from && names(seen, devices)) return;
  throw new OperatorError("DEVICES_DISAGREE", { node, granted, seen: seen ?? "nothing set" });
}

/** A list names the devices by UUID or by a number, each once and in their order; none of them is "-1". */
function names(list: string | undefined, devices: readonly string[]): boolean {
  if (devices.length === 0) return list === "-1";
  const entries = list?.split(",") ?? [];
  const fits = entries.every((entry, i) => entry === devices[i] || /^\d+$/.test(entry));
  return fits && entries.length === devices.length && new Set(entries).size === entries.length;
}
