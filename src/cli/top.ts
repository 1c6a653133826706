/** `videoflow top`: what tasks and devices are used for now. */
import { setTimeout as sleep } from "node:timers/promises";
import type { DeviceUsage, TaskDeviceUse, TaskUsage, Usage } from "../store/agent-services.js";
import { type ClientFlags, flowNamed, servicesOf, withConnection } from "./client.js";
import { EXIT, type ExitCode } from "./exit-codes.js";
import { bytesText, renderTable } from "./table.js";
import type { World } from "./world.js";

export interface TopFlags extends ClientFlags {
  readonly json?: boolean;
  readonly allNamespaces?: boolean;
}

/** Between the two looks of which the rates are made. */
const INTERVAL_MS = 1_000;

export async function top(name: string | undefined, flags: TopFlags, world: World): Promise<ExitCode> {
  return withConnection(flags, world, async (connection) => {
    const services = servicesOf(connection, "what is used");
    if (name !== undefined) await flowNamed(connection, name);
    const flow = name === undefined ? undefined : { namespace: connection.namespace, name };
    const before = await services.usage(flow);
    await sleep(INTERVAL_MS);
    const now = await services.usage(flow);
    const isHere = (task: TaskUsage) => flags.allNamespaces === true || task.flow.namespace === connection.namespace;
    const tasks = rates(before, now).filter(isHere);
    if (flags.json === true) world.out.write(`${JSON.stringify({ tasks, devices: now.devices }, null, 2)}\n`);
    else world.out.write(`${renderTop(tasks, now.devices).join("\n")}\n`);
    return EXIT.success;
  });
}

/** What a task used, and what it did between two looks. */
export interface TaskRates extends TaskUsage {
  readonly messagesPerSecond: number;
  /** Milliseconds in user code per message since the run began; undefined before the first message. */
  readonly processMs?: number;
}

/** Pure. */
export function rates(before: Usage, now: Usage): TaskRates[] {
  const seconds = (now.nowMs - before.nowMs) / 1_000;
  const earlier = new Map(before.tasks.map((task) => [task.task, task]));
  return now.tasks.map((task) => {
    // A run that began anew counts from zero again.
    const messages = Math.max(0, task.messages - (earlier.get(task.task)?.messages ?? task.messages));
    return {
      ...task,
      messagesPerSecond: seconds > 0 ? messages / seconds : 0,
      ...(task.messages === 0 ? {} : { processMs: task.processUs / task.messages / 1_000 }),
    };
  });
}

type NumberOf = (use: TaskDeviceUse) => number | undefined;

function sumText(uses: readonly TaskDeviceUse[] = [], numberOf: NumberOf, unit: string): string {
  const known = uses.flatMap((use) => numberOf(use) ?? []);
  return known.length === 0 ? "-" : `${known.reduce((sum, one) => sum + one, 0)}${unit}`;
}

function meanText(uses: readonly TaskDeviceUse[] = [], numberOf: NumberOf): string {
  const known = uses.flatMap((use) => numberOf(use) ?? []);
  return known.length === 0 ? "-" : `${Math.round(known.reduce((sum, one) => sum + one, 0) / known.length)}%`;
}

/** Two tables: tasks, then devices. Pure. */
export function renderTop(tasks: readonly TaskRates[], devices: readonly DeviceUsage[]): string[] {
  const numbers = (...titles: string[]) => titles.map((title) => ({ title, align: "right" as const }));
  const taskTable = renderTable(
    [
      { title: "TASK" },
      { title: "PHASE" },
      ...numbers("CPU", "MEMORY", "MSG/S", "MS/MSG", "DROPPED", "RESTARTS"),
      { title: "DEVICE" },
      ...numbers("GPU MEM", "GPU BUSY"),
      { title: "STATE" },
    ],
    tasks.map((task) => [
      task.task,
      task.phase,
      task.cpuCores === undefined ? "-" : `${Math.round(task.cpuCores * 1_000)}m`,
      task.memoryBytes === undefined ? "-" : bytesText(task.memoryBytes),
      task.messagesPerSecond.toFixed(1),
      task.processMs === undefined ? "-" : task.processMs.toFixed(2),
      String(task.dropped),
      String(task.restarts),
      task.devices.join(", ") || "cpu",
      sumText(task.deviceUse, (use) => use.memoryUsedMiB, " MiB"),
      meanText(task.deviceUse, (use) => use.utilizationPercent),
      task.state ?? "-",
    ]),
  );
  if (devices.length === 0) return taskTable;
  const deviceTable = renderTable(
    [{ title: "DEVICE" }, { title: "PRODUCT" }, ...numbers("MEMORY", "USED", "BUSY"), { title: "HELD BY" }],
    devices.map(({ uuid, product, memoryMiB, memoryUsedMiB, utilizationPercent, holders, healthy, message }) => [
      uuid,
      product,
      `${memoryMiB} MiB`,
      memoryUsedMiB === undefined ? "-" : `${memoryUsedMiB} MiB`,
      utilizationPercent === undefined ? "-" : `${utilizationPercent}%`,
      holders.join(", ") || (healthy ? "free" : (message ?? "not healthy")),
    ]),
  );
  return [...taskTable, "", ...deviceTable];
}
