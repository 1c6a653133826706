/** What the decision about a flow depends on, and what it decides. Types only. */
import type { DeviceClaim, DeviceClaimStatus, FlowTask, Host, NewResource, VideoFlow, VideoFlowStatus } from "../../api/kinds.js";
import type { Silence } from "../host/reach.js";
import type { FlowShape } from "./shape.js";

export type AdmissionPolicy = "Fail" | "Wait";

/** Everything the decision depends on. What is not here cannot influence it. */
export interface Observed {
  /** Milliseconds since boot: durations. */
  readonly nowMs: number;
  /** Epoch milliseconds: only for the times that people read. */
  readonly wallMs: number;
  readonly flow: VideoFlow;
  /** The flow's graph, or all that is wrong with it. */
  readonly shape: FlowShape;
  /** All flows, to know who waits longer. */
  readonly flows: readonly VideoFlow[];
  /** All tasks of all flows, in any order. */
  readonly tasks: readonly FlowTask[];
  /** All claims of all flows, in any order. */
  readonly claims: readonly DeviceClaim[];
  readonly hosts: readonly Host[];
  /** How long each host has not been heard of; absent: hosts have no heartbeats and are there. */
  readonly silence?: Silence;
  readonly defaultAdmission: AdmissionPolicy;
  /** Boot time since which the flow waits. */
  readonly waitingSinceMs?: number;
  /** Boot of this machine: what {@link nowMs} counts from. */
  readonly bootId?: string;
}

/** One write. `why` becomes the log line. */
export type Change =
  | { readonly op: "setFinalizers"; readonly object: VideoFlow | FlowTask; readonly finalizers: readonly string[]; readonly why: string }
  | { readonly op: "createClaim"; readonly claim: NewResource<"DeviceClaim">; readonly why: string }
  | {
      readonly op: "decideClaim";
      readonly claim: string;
      readonly status: DeviceClaimStatus;
      readonly why: string;
      /** A decision before it frees what this one takes. */
      readonly inTurn?: true;
    }
  | { readonly op: "createTask"; readonly task: NewResource<"FlowTask">; readonly why: string }
  /** Writes the whole spec. */
  | { readonly op: "updateTask"; readonly task: FlowTask; readonly spec: FlowTask["spec"]; readonly why: string }
  | { readonly op: "updateClaim"; readonly claim: DeviceClaim; readonly spec: DeviceClaim["spec"]; readonly why: string }
  | { readonly op: "stopTask"; readonly task: FlowTask; readonly why: string }
  | { readonly op: "deleteTask"; readonly task: FlowTask; readonly why: string }
  | { readonly op: "deleteClaim"; readonly claim: DeviceClaim; readonly why: string };

export interface Plan {
  /** In the order in which they must be made true (steps.ts says which of them at once); a crash between any two leads to the same end. */
  readonly changes: readonly Change[];
  /** The whole new status; undefined when the flow is gone after the changes. */
  readonly status: VideoFlowStatus | undefined;
  /** Look again after this many milliseconds; undefined means "when something changes". */
  readonly requeueAfterMs?: number;
}
