/** Figures of an agent as Prometheus text: its tasks, edges, devices, loops and own process. Names of the wire where it has them. */
import { collectDefaultMetrics, Registry } from "prom-client";
import type { Histogram, LoopFigures, QueueFigures } from "../base/durations.js";
import type { DeviceUsage, EdgeUsage, FlowKey, TaskDeviceUse, TaskUsage, Usage } from "../store/agent-services.js";
import type { StoreFigures } from "../store/kubernetes/kubernetes-store.js";
import type { WatchCounts } from "../store/kubernetes/list-watch.js";

const MIB = 1024 * 1024;
/** The delay of the event loop is measured by a timer of this period: a shorter one would be most of what an idle agent does. */
const LOOP_DELAY_STEP_MS = 100;

type Labels = Readonly<Record<string, string>>;
type Type = "counter" | "gauge";
/** One metric: its value for one subject; undefined is left out, not told as 0. */
type Figure<T> = readonly [name: string, type: Type, help: string, value: (subject: T) => number | undefined];

/** docs/reference/metrics.md lists the same. */
const TASK_FIGURES: readonly Figure<TaskUsage>[] = [
  ["videoflow_messages_processed_total", "counter", "Inputs finished in this run; of a producer, messages given out.", (t) => t.messages],
  ["videoflow_messages_received_total", "counter", "Messages taken from parents in this run.", (t) => t.received],
  ["videoflow_messages_published_total", "counter", "Messages given to children in this run.", (t) => t.published],
  ["videoflow_messages_dropped_total", "counter", "Messages dropped by a policy in this run.", (t) => t.dropped],
  ["videoflow_task_restarts_total", "counter", "Restarts of the task.", (t) => t.restarts],
  ["videoflow_task_running", "gauge", "1 while the task runs.", (t) => (t.phase === "Running" ? 1 : 0)],
  ["videoflow_task_cpu_cores", "gauge", "Cores that the task's process tree uses.", (t) => t.cpuCores],
  ["videoflow_task_memory_bytes", "gauge", "Resident bytes of the task's process tree.", (t) => t.memoryBytes],
];

const TASK_DEVICE_FIGURES: readonly Figure<TaskDeviceUse>[] = [
  [
    "videoflow_task_device_memory_used_bytes",
    "gauge",
    "Memory of the device in the task's own processes.",
    (d) => bytesOf(d.memoryUsedMiB),
  ],
  [
    "videoflow_task_device_utilization_ratio",
    "gauge",
    "Share of time that the task's device is at work, by whomever, 0 to 1.",
    (d) => ratioOf(d.utilizationPercent),
  ],
];

const DEVICE_FIGURES: readonly Figure<DeviceUsage>[] = [
  ["videoflow_device_claims", "gauge", "Claims that hold the device.", (d) => d.holders.length],
  ["videoflow_device_healthy", "gauge", "1 if the device can be granted.", (d) => (d.healthy ? 1 : 0)],
  ["videoflow_device_memory_bytes", "gauge", "Memory of the device.", (d) => d.memoryMiB * MIB],
  ["videoflow_device_memory_used_bytes", "gauge", "Memory in use, by whomever.", (d) => bytesOf(d.memoryUsedMiB)],
  ["videoflow_device_utilization_ratio", "gauge", "Share of time at work, 0 to 1.", (d) => ratioOf(d.utilizationPercent)],
];

/** The ledger: produced = acknowledged + dead-lettered + dropped + in flight. */
const EDGE_FIGURES: readonly Figure<EdgeUsage>[] = [
  ["videoflow_edge_messages_produced_total", "counter", "Messages that the parent gave in this run.", (e) => e.produced],
  ["videoflow_edge_messages_acknowledged_total", "counter", "Messages that the child worked on.", (e) => e.acknowledged],
  ["videoflow_edge_messages_dead_lettered_total", "counter", "Messages given up after too many attempts.", (e) => e.deadLettered],
  ["videoflow_edge_messages_dropped_total", "counter", "Messages dropped by the rules of the flow.", (e) => e.dropped],
  ["videoflow_edge_marks_total", "counter", "Marks that nothing came of an input; no messages.", (e) => e.marks],
  ["videoflow_edge_messages_in_flight", "gauge", "Messages given and not finished.", (e) => e.inFlight],
];

interface NodeFailures {
  readonly flow: FlowKey;
  readonly node: string;
  readonly failed: number;
}

const NODE_FIGURES: readonly Figure<NodeFailures>[] = [
  ["videoflow_messages_failed_total", "counter", "Inputs given up after too many attempts, in this run.", (n) => n.failed],
];

/** The names under which dashboards of Kubernetes operators look for them. */
const LOOP_FIGURES: readonly Figure<LoopFigures>[] = [
  ["controller_runtime_reconcile_errors_total", "counter", "Reconciles that failed and are tried again.", (l) => l.errors],
];

const QUEUE_FIGURES: readonly Figure<QueueFigures>[] = [
  ["workqueue_depth", "gauge", "Keys that wait now.", (q) => q.depth],
  ["workqueue_adds_total", "counter", "Keys that were added.", (q) => q.adds],
  ["workqueue_retries_total", "counter", "Keys that came back after a failure.", (q) => q.retries],
];

/** Names as Kubernetes' own clients have them, and what only our watches count. */
const WATCH_FIGURES: readonly Figure<WatchCounts>[] = [
  ["videoflow_watch_relists_total", "counter", "Lists after the first one: a watch was lost or fell silent.", (w) => w.relists],
  ["videoflow_watch_reconnects_total", "counter", "Watches that ended and were opened again.", (w) => w.reconnects],
  ["videoflow_watch_silent_total", "counter", "Watches that fell silent and were given up.", (w) => w.silent],
];

/** Who leads. */
export interface Leadership {
  /** Name of the Lease. */
  readonly name: string;
  readonly leads: boolean;
}

const LEADER_FIGURES: readonly Figure<Leadership>[] = [
  ["leader_election_master_status", "gauge", "1 while this process leads.", ({ leads }) => (leads ? 1 : 0)],
];

/** What was asked of an API server, and what its watches went through. */
export function storeText({ calls, times, watches }: StoreFigures): string {
  const requests = calls.map(({ method, code, count }) => ({ labels: { method, code }, value: count }));
  const found = Object.entries(watches.found).map(([type, value]) => ({ labels: { type }, value }));
  const none = () => ({});
  return [
    ...metricText("rest_client_requests_total", "counter", "Requests to the API server, watches apart.", requests),
    ...histogramText("rest_client_request_duration_seconds", "How long they took, watches apart.", [times], none, (all) => all),
    ...figuresText(WATCH_FIGURES, [watches], none),
    ...metricText("videoflow_watch_relist_found_total", "counter", "Changes that only a relist found: no watch had told of them.", found),
  ].join("\n");
}

export function leaderText(leadership: Leadership): string {
  return figuresText(LEADER_FIGURES, [leadership], ({ name }) => ({ name })).join("\n");
}

/** Figures of tasks, nodes, edges and devices. */
export function usageText({ tasks, devices, edges }: Usage): string {
  return [
    ...figuresText(TASK_FIGURES, tasks, taskLabels),
    ...histogramText(
      "videoflow_proctime_seconds",
      "Calls of user code by how long they took, in this run.",
      tasks,
      taskLabels,
      processTimes,
    ),
    ...deviceUseText(tasks),
    ...figuresText(NODE_FIGURES, failuresOf(edges), ({ flow, node }) => ({ namespace: flow.namespace, flow: flow.name, node })),
    ...figuresText(EDGE_FIGURES, edges, ({ flow, from, to }) => ({ namespace: flow.namespace, flow: flow.name, from, to })),
    ...figuresText(DEVICE_FIGURES, devices, ({ uuid, product }) => ({ uuid, product })),
  ].join("\n");
}

/** What the loops of this process have done. */
export function loopsText(loops: readonly LoopFigures[]): string {
  const results = loops.flatMap((loop) => [
    { labels: { controller: loop.name, result: "success" }, value: loop.successes },
    { labels: { controller: loop.name, result: "error" }, value: loop.errors },
  ]);
  const queues = loops.flatMap(({ name, queue }) => (queue === undefined ? [] : [{ name, queue }]));
  const controller = ({ name }: LoopFigures) => ({ controller: name });
  const queue = ({ name }: { readonly name: string }) => ({ name });
  const [reconciles, waits] = ["controller_runtime_reconcile_time_seconds", "workqueue_queue_duration_seconds"];
  return [
    ...metricText("controller_runtime_reconcile_total", "counter", "Reconciles, by how they ended.", results),
    ...figuresText(LOOP_FIGURES, loops, controller),
    ...histogramText(reconciles, "How long reconciles took.", loops, controller, (loop) => loop.reconcileTimes),
    ...figuresText(
      ofPart(QUEUE_FIGURES, (held: (typeof queues)[number]) => held.queue),
      queues,
      queue,
    ),
    ...histogramText(waits, "How long keys waited until they were taken.", queues, queue, (q) => q.queue.waitTimes),
  ].join("\n");
}

function taskLabels({ flow, node, task }: TaskUsage): Labels {
  return { namespace: flow.namespace, flow: flow.name, node, task };
}

function deviceUseText(tasks: readonly TaskUsage[]): string[] {
  const uses = tasks.flatMap((task) => (task.deviceUse ?? []).map((use) => ({ labels: { ...taskLabels(task), uuid: use.uuid }, use })));
  const figures = ofPart(TASK_DEVICE_FIGURES, ({ use }: (typeof uses)[number]) => use);
  return figuresText(figures, uses, ({ labels }) => labels);
}

function failuresOf(edges: readonly EdgeUsage[]): NodeFailures[] {
  const nodes = new Map<string, NodeFailures>();
  for (const { flow, to, deadLettered } of edges) {
    const key = `${flow.namespace}/${flow.name}/${to}`;
    nodes.set(key, { flow, node: to, failed: (nodes.get(key)?.failed ?? 0) + deadLettered });
  }
  return [...nodes.values()];
}

/** Every second bound of the memory's histogram: a factor of four between two is enough to see where the time goes. */
function processTimes({ processTimes: times, processUs }: TaskUsage): Histogram | undefined {
  if (times === undefined) return undefined;
  const bounds: number[] = [];
  const counts: number[] = [];
  let below = 0;
  for (const [bucket, count] of times.counts.entries()) {
    below += count;
    const bound = times.boundsUs[bucket];
    if (bound !== undefined && bucket % 2 !== 0) continue;
    counts.push(below);
    below = 0;
    if (bound !== undefined) bounds.push(bound / 1e6);
  }
  return { bounds, counts, sum: processUs / 1e6 };
}

function bytesOf(mib: number | undefined): number | undefined {
  return mib === undefined ? undefined : mib * MIB;
}

function ratioOf(percent: number | undefined): number | undefined {
  return percent === undefined ? undefined : percent / 100;
}

interface Sample {
  readonly labels: Labels;
  readonly value: number;
  /** After the name of the metric. */
  readonly suffix?: string;
}

/** Figures of something that each subject holds. */
function ofPart<S, T>(figures: readonly Figure<T>[], partOf: (subject: S) => T): Figure<S>[] {
  return figures.map(([name, type, help, numberOf]) => [name, type, help, (subject) => numberOf(partOf(subject))]);
}

function figuresText<T>(figures: readonly Figure<T>[], subjects: readonly T[], labelsOf: (subject: T) => Labels): string[] {
  return figures.flatMap(([name, type, help, numberOf]) => {
    const samples = subjects.flatMap((subject) => {
      const value = numberOf(subject);
      return value === undefined ? [] : [{ labels: labelsOf(subject), value }];
    });
    return metricText(name, type, help, samples);
  });
}

function histogramText<T>(
  name: string,
  help: string,
  subjects: readonly T[],
  labelsOf: (subject: T) => Labels,
  histogramOf: (subject: T) => Histogram | undefined,
): string[] {
  const samples = subjects.flatMap((subject): Sample[] => {
    const histogram = histogramOf(subject);
    return histogram === undefined ? [] : histogramSamples(labelsOf(subject), histogram);
  });
  return metricText(name, "histogram", help, samples);
}

function histogramSamples(labels: Labels, { bounds, counts, sum }: Histogram): Sample[] {
  let total = 0;
  const buckets = counts.map((count, bucket): Sample => {
    total += count;
    return { labels: { ...labels, le: String(bounds[bucket] ?? "+Inf") }, value: total, suffix: "_bucket" };
  });
  return [...buckets, { labels, value: sum, suffix: "_sum" }, { labels, value: total, suffix: "_count" }];
}

/** The lines of one metric: none if nothing is known of it. */
function metricText(name: string, type: Type | "histogram", help: string, samples: readonly Sample[]): string[] {
  if (samples.length === 0) return [];
  const lines = samples.map(({ labels, value, suffix = "" }) => `${name}${suffix}${labelsText(labels)} ${value}`);
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines];
}

function labelsText(labels: Labels): string {
  const texts = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return texts.length === 0 ? "" : `{${texts.join(",")}}`;
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}

/** Memory, CPU, garbage collection and event-loop delay of this process. */
export function processRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: LOOP_DELAY_STEP_MS });
  return registry;
}
