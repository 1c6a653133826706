/** What a running flow looks like at one moment: the input of everything that shows progress. */

export type FlowState = "Pending" | "Running" | "Paused" | "Stopping" | "Succeeded" | "Failed" | "Stopped";

/** One node of the flow, its tasks added up. Counters grow from the start of the run. */
export interface NodeSnapshot {
  readonly name: string;
  /** Tasks that the node should have. */
  readonly tasks: number;
  /** Tasks that are open and take messages. */
  readonly readyTasks: number;
  /** UUIDs of the GPUs of its tasks; empty on the CPU. */
  readonly devices: readonly string[];
  /** Inputs finished; for a producer, messages given out. */
  readonly messages: number;
  /** Bytes of the payloads written. */
  readonly bytes: number;
  /** Messages dropped by a policy (realtime). */
  readonly dropped: number;
  /** Time in user code, all tasks together, in microseconds. */
  readonly processUs: number;
  /** Tasks that wait for an input now. */
  readonly waitingInput: number;
  /** Tasks that wait for space in their output pool now. */
  readonly waitingSpace: number;
}

/** One edge and its ledger: what became of its messages so far. Marks ("nothing came of this input") are no messages. */
export interface EdgeSnapshot {
  readonly from: string;
  readonly to: string;
  readonly produced: number;
  readonly acknowledged: number;
  readonly deadLettered: number;
  /** By the rules of the flow: a half without its other half, realtime. */
  readonly dropped: number;
  readonly marks: number;
  /** Messages that have met none of these fates yet. */
  readonly inFlight: number;
}

/** A flow and its nodes, in topological order. */
export interface FlowSnapshot {
  readonly flow: string;
  readonly state: FlowState;
  /** Since the first task was started. */
  readonly elapsedMs: number;
  readonly nodes: readonly NodeSnapshot[];
  /** Absent before anything runs. */
  readonly edges?: readonly EdgeSnapshot[];
  readonly warnings: readonly string[];
  /** Paths of the files that the flow writes. */
  readonly outputs: readonly string[];
}
