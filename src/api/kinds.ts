/**
 * The kinds of videoflow.io/v1alpha1, in the order of the data: VideoFlow, FlowTask, DeviceClaim, Host, HostQuery; and two of
 * Kubernetes' own: Event and Lease.
 * Knows their types; must not know where objects are stored or who reconciles them.
 */
import type {
  DeviceClaimSpec,
  DeviceClaimStatus,
  FlowTaskSpec,
  FlowTaskStatus,
  HostQuerySpec,
  HostQueryStatus,
  HostSpec,
  HostStatus,
  VideoFlowSpec,
  VideoFlowStatus,
} from "./generated/types.js";

export const API_VERSION = "videoflow.io/v1alpha1";
export const DEFAULT_NAMESPACE = "default";

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
}

/** What every stored object carries. */
export interface Metadata {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  /** Changes with every write; opaque. */
  readonly resourceVersion: string;
  /** Grows when the spec changes; stays 1 for an Event or a Lease. */
  readonly generation: number;
  /** RFC 3339. */
  readonly creationTimestamp: string;
  /** RFC 3339; set by a delete while finalizers remain. */
  readonly deletionTimestamp?: string;
  readonly finalizers?: readonly string[];
  readonly ownerReferences?: readonly OwnerReference[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface Resource<K extends Kind, Spec, Status> {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: K;
  readonly metadata: Metadata;
  readonly spec: Spec;
  readonly status?: Status;
}

/** What happened to an object, for people (core v1). The same event again raises `count` and `lastTimestamp`. */
export interface EventRecord {
  readonly apiVersion: "v1";
  readonly kind: "Event";
  readonly metadata: Metadata;
  readonly involvedObject: ObjectReference;
  readonly type: "Normal" | "Warning";
  /** One word for programs. */
  readonly reason: string;
  /** A sentence for people; at most 1024 bytes. */
  readonly message: string;
  readonly count: number;
  /** RFC 3339, whole seconds. */
  readonly firstTimestamp: string;
  readonly lastTimestamp: string;
  readonly source: { readonly component: string; readonly host?: string };
  /** `videoflow-controller` or `videoflow-agent`. */
  readonly reportingComponent: string;
}

/** The object that an event is about. Events about a Host, which has no namespace, live in `default`. */
export interface ObjectReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** Who holds a duty, or that a host is alive (coordination.k8s.io/v1). */
export interface Lease {
  readonly apiVersion: "coordination.k8s.io/v1";
  readonly kind: "Lease";
  readonly metadata: Metadata;
  readonly spec: {
    readonly holderIdentity?: string;
    /** Seconds without a renewal after which others may take the lease. */
    readonly leaseDurationSeconds?: number;
    /** RFC 3339 with microseconds ({@link microTime}). Never compared with another machine's clock: one counts from when it was seen to change. */
    readonly acquireTime?: string;
    readonly renewTime?: string;
    /** How often the holder changed. */
    readonly leaseTransitions?: number;
  };
}

/** @returns milliseconds since the epoch as Kubernetes' MicroTime, the only form in which a Lease takes times. */
export function microTime(wallMs: number): string {
  return new Date(wallMs).toISOString().replace("Z", "000Z");
}

export type Kind = keyof Kinds;
export type VideoFlow = Resource<"VideoFlow", VideoFlowSpec, VideoFlowStatus>;
export type FlowTask = Resource<"FlowTask", FlowTaskSpec, FlowTaskStatus>;
export type DeviceClaim = Resource<"DeviceClaim", DeviceClaimSpec, DeviceClaimStatus>;
export type Host = Resource<"Host", HostSpec, HostStatus>;
export type HostQuery = Resource<"HostQuery", HostQuerySpec, HostQueryStatus>;

export interface Kinds {
  VideoFlow: VideoFlow;
  FlowTask: FlowTask;
  DeviceClaim: DeviceClaim;
  Host: Host;
  HostQuery: HostQuery;
  Event: EventRecord;
  Lease: Lease;
}
export type AnyResource = Kinds[Kind];

/** The parts of the metadata that a writer gives; the store fills the rest. */
export type NewMetadata = Pick<Metadata, "name"> & Partial<Omit<Metadata, "uid" | "resourceVersion" | "generation" | "creationTimestamp">>;

/** An object that is not stored yet. */
export type NewResource<K extends Kind> = Omit<Kinds[K], "kind" | "metadata" | "status"> & {
  readonly kind: K;
  readonly metadata: NewMetadata;
};

export type NodeSpec = VideoFlowSpec["nodes"][number];
export type Condition = NonNullable<VideoFlowStatus["conditions"]>[number];
export type TaskDecision = NonNullable<VideoFlowStatus["decisions"]>[number];
export type HostDevice = NonNullable<HostStatus["devices"]>[number];
export type TaskMember = FlowTaskSpec["members"][number];

export type * from "./generated/types.js";

/** `<flow>.<node>.<index>`: the deterministic name of a task and of its claim. */
export function taskName(flow: string, node: string, index: number): string {
  return `${flow}.${node}.${index}`;
}
