/** One task's place in the control memory, with every index worked out once: what the port and the recovery both act on. */
import { performance } from "node:perf_hooks";
import { Bells } from "./bells.js";
import { type ControlMemory, openControl } from "./files.js";
import { COUNTER, type EdgeLayout, type NodeLayout, TASK, type TaskLayout } from "./layout.js";
import type { DataPlan } from "./plan.js";

export interface TaskContext {
  readonly memory: ControlMemory;
  readonly i32: Int32Array;
  readonly f64: Float64Array;
  readonly node: NodeLayout;
  readonly task: TaskLayout;
  /** First word of the task's region. */
  readonly region: number;
  /** Indices of float64 numbers: the task's totals, the totals in its redo record, its counters. */
  readonly totals: number;
  readonly redoTotals: number;
  readonly counters: number;
  readonly inputs: readonly EdgeLayout[];
  readonly outputs: readonly EdgeLayout[];
  /** All bits of `outputs`. */
  readonly outputBits: number;
  readonly realtime: boolean;
  readonly bells: Bells;
  /** Crash points of the tests. */
  readonly step: ((label: string) => void) | undefined;
}

/** What whoever opens a task's place may know. */
export interface ContextOptions {
  readonly step?: (label: string) => void;
  /** See {@link openControl}. */
  readonly planHash?: readonly number[];
}

/** @throws OperatorError SHM_INVALID */
export function openContext(dir: string, plan: DataPlan, name: string, index: number, options: ContextOptions = {}): TaskContext {
  const memory = openControl(dir, plan, options.planHash);
  const { layout, i32, f64 } = memory;
  const node = layout.nodes.find((candidate) => candidate.plan.name === name);
  const task = node?.tasks[index];
  if (node === undefined || task === undefined) throw new RangeError(`the plan has no task ${name}.${index}`);
  const outputs = node.outputs.map((edge) => layout.edges[edge] as EdgeLayout);
  const counters = (task.region + TASK.countersF64) / 2;
  return {
    memory,
    i32,
    f64,
    node,
    task,
    region: task.region,
    totals: (task.region + TASK.totalsF64) / 2,
    redoTotals: (task.region + TASK.redoTotalsF64) / 2,
    counters,
    inputs: node.inputs.map((edge) => layout.edges[edge] as EdgeLayout),
    outputs,
    outputBits: outputs.reduce((bits, edge) => bits | edge.bit, 0),
    realtime: plan.flowType === "Realtime",
    bells: new Bells(memory, counters + COUNTER.rings),
    step: options.step,
  };
}

/** Adds to one of the task's counters; only its own task writes them. */
export function count(context: TaskContext, counter: number, by: number): void {
  const at = context.counters + counter;
  context.f64[at] = (context.f64[at] as number) + by;
}

/** Tells the agent what the task is doing. @param state a code of {@link ./task-state.ts}. */
export function publishState({ i32, region }: TaskContext, state: number): void {
  i32[region + TASK.state] = state;
}

/** performance.now() plus this is the boot clock in milliseconds. */
const BOOT_OFFSET_MS = Number(process.hrtime.bigint() / 1_000n) / 1_000 - performance.now();

/** Something was taken, committed or written just now. @param nowMs performance.now(), where the caller knows it: a clock costs as much as ten stores. */
export function noteProgress({ f64, counters }: TaskContext, nowMs = performance.now()): void {
  f64[counters + COUNTER.progressMs] = nowMs + BOOT_OFFSET_MS;
}
