/**
 * What the data plane of one flow must offer: nodes, their pools, the edges between them. Computed by the graph, pure data.
 * The byte layout follows from it ({@link ./layout.ts}), so every process that holds the same plan finds the same words.
 */

export interface DataPlan {
  readonly version: 1;
  readonly flowType: "Batch" | "Realtime";
  readonly nodes: readonly NodePlan[];
  readonly edges: readonly EdgePlan[];
}

export interface NodePlan {
  readonly name: string;
  /** Replicas that the sizes below are meant for; how many there are now stands in the control memory. */
  readonly tasks: number;
  /** Replicas that there may be at most; absent: `tasks`. */
  readonly capacity?: number;
  /** Names of the parent nodes, in the order of `process(...inputs)`; empty for a producer. */
  readonly inputs: readonly string[];
  /** Output slots per task that may be held at once. A unit of work may exceed it by its own outputs (64 at most). 0 without children. */
  readonly slots: number;
  /** Nominal bytes per slot; for the memory budget only, slots grow with their payloads. */
  readonly slotBytes: number;
  /** "trace_id" or a metadata field: messages of one key go to one task. The key is taken from the first input. */
  readonly partitionBy?: string;
  /** Set for a node with several inputs. */
  readonly join?: "Trace";
  /** Set for a node that joins its inputs by event time; it has one task. */
  readonly timeJoin?: TimeJoinPlan;
}

/** How messages are joined by event time; defaults are filled in. */
export interface TimeJoinPlan {
  readonly toleranceMs: number;
  /** Absent: waits for ever. */
  readonly timeoutMs?: number;
  /** Inputs, apart from `collect`, that a group needs at least once it is decided; absent: all. */
  readonly quorum?: number;
  /** Inputs that give lists. */
  readonly collect: readonly string[];
  /** What becomes of a group without its quorum. */
  readonly missing: "drop" | "wait" | "error";
  /** Per input, the node that numbers its messages: a producer, or the last node that joins by time. */
  readonly sources: readonly string[];
}

export interface EdgePlan {
  readonly from: string;
  readonly to: string;
  /** Power of two: positions that may be unfinished at once. Grows with the replicas that are added. */
  readonly cells: number;
  /** Realtime: untaken messages kept before the oldest is dropped; 1 = freshest wins. Not read in batch. */
  readonly keep: number;
  /** Realtime: edges into joins on which a position dropped here can never be completed and is released. */
  readonly releases: readonly { readonly from: string; readonly to: string }[];
}
