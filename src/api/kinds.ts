/**
 * The kinds of videoflow.io/v1alpha1, in the order of the data: VideoFlow, FlowTask, DeviceClaim, Host.
 * Knows their types; must not know where objects are stored or who reconciles them.
 */
import type {
  DeviceClaimSpec,
  DeviceClaimStatus,
  FlowTaskSpec,
  FlowTaskStatus,
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
  /** Grows when the spec changes. */
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

export type Kind = "VideoFlow" | "FlowTask" | "DeviceClaim" | "Host";
export type VideoFlow = Resource<"VideoFlow", VideoFlowSpec, VideoFlowStatus>;
export type FlowTask = Resource<"FlowTask", FlowTaskSpec, FlowTaskStatus>;
export type DeviceClaim = Resource<"DeviceClaim", DeviceClaimSpec, DeviceClaimStatus>;
export type Host = Resource<"Host", HostSpec, HostStatus>;

export interface Kinds {
  VideoFlow: VideoFlow;
  FlowTask: FlowTask;
  DeviceClaim: DeviceClaim;
  Host: Host;
}
export type AnyResource = Kinds[Kind];

/** The parts of the metadata that a writer gives; the store fills the rest. */
export type NewMetadata = Pick<Metadata, "name"> & Partial<Omit<Metadata, "uid" | "resourceVersion" | "generation" | "creationTimestamp">>;

/** An object that is not stored yet. */
export interface NewResource<K extends Kind> {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: K;
  readonly metadata: NewMetadata;
  readonly spec: Kinds[K]["spec"];
}

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
