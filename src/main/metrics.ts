/** Figures of an agent as Prometheus text: its tasks, devices and own process. Names of the wire where it has them. */
import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import type { DeviceUsage, TaskUsage, Usage } from "../store/agent-services.js";

const TASK_LABELS = ["namespace", "flow", "node", "task"] as const;
const DEVICE_LABELS = ["uuid", "product"] as const;
const MIB = 1024 * 1024;
/** The delay of the event loop is measured by a timer of this period: a shorter one would be most of what an idle agent does. */
const LOOP_DELAY_STEP_MS = 100;

type TaskFigure = readonly [name: string, help: string, type: "counter" | "gauge", value: (task: TaskUsage) => number | undefined];
type DeviceFigure = readonly [name: string, help: string, value: (device: DeviceUsage) => number | undefined];

/** docs/reference/metrics.md lists the same. */
const TASK_FIGURES: readonly TaskFigure[] = [
  ["videoflow_messages_processed_total", "Inputs finished in this run; of a producer, messages given out.", "counter", (t) => t.messages],
  ["videoflow_messages_dropped_total", "Messages dropped by a policy in this run.", "counter", (t) => t.dropped],
  ["videoflow_proctime_seconds_sum", "Seconds in user code in this run.", "counter", (t) => t.processUs / 1e6],
  ["videoflow_proctime_seconds_count", "Messages to which the seconds belong.", "counter", (t) => t.messages],
  ["videoflow_task_restarts_total", "Restarts of the task.", "counter", (t) => t.restarts],
  ["videoflow_task_running", "1 while the task runs.", "gauge", (t) => (t.phase === "Running" ? 1 : 0)],
  ["videoflow_task_cpu_cores", "Cores that the task's process tree uses.", "gauge", (t) => t.cpuCores],
  ["videoflow_task_memory_bytes", "Resident bytes of the task's process tree.", "gauge", (t) => t.memoryBytes],
];

const DEVICE_FIGURES: readonly DeviceFigure[] = [
  ["videoflow_device_claims", "Claims that hold the device.", (d) => d.holders.length],
  ["videoflow_device_healthy", "1 if the device can be granted.", (d) => (d.healthy ? 1 : 0)],
  ["videoflow_device_memory_bytes", "Memory of the device.", (d) => d.memoryMiB * MIB],
  [
    "videoflow_device_memory_used_bytes",
    "Memory in use, by whomever.",
    (d) => (d.memoryUsedMiB === undefined ? undefined : d.memoryUsedMiB * MIB),
  ],
  [
    "videoflow_device_utilization_ratio",
    "Share of time at work, 0 to 1.",
    (d) => (d.utilizationPercent === undefined ? undefined : d.utilizationPercent / 100),
  ],
];

/** What is not known is left out, not told as 0. */
export async function usageText({ tasks, devices }: Usage): Promise<string> {
  const registry = new Registry(); // A fresh one each time: tasks that are gone leave nothing behind.
  for (const [name, help, type, figureOf] of TASK_FIGURES) {
    const options = { name, help, labelNames: [...TASK_LABELS], registers: [registry] };
    const metric = type === "counter" ? new Counter(options) : new Gauge(options);
    for (const task of tasks) {
      const value = figureOf(task);
      if (value !== undefined)
        metric.inc({ namespace: task.flow.namespace, flow: task.flow.name, node: task.node, task: task.task }, value);
    }
  }
  for (const [name, help, figureOf] of DEVICE_FIGURES) {
    const gauge = new Gauge({ name, help, labelNames: [...DEVICE_LABELS], registers: [registry] });
    for (const device of devices) {
      const value = figureOf(device);
      if (value !== undefined) gauge.set({ uuid: device.uuid, product: device.product }, value);
    }
  }
  return registry.metrics();
}

/** Memory, CPU, garbage collection and event-loop delay of this process. */
export function processRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: LOOP_DELAY_STEP_MS });
  return registry;
}
