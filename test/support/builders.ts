/** Objects for tests: each shows only what differs. */
import {
  API_VERSION,
  type DeviceClaim,
  type FlowTask,
  type Host,
  type HostDevice,
  type NewResource,
  type NodeSpec,
  type VideoFlow,
  type VideoFlowSpec,
} from "../../src/api/kinds.js";
import { type ComponentDescriptor, DEFAULT_DESCRIPTOR } from "../../src/flow/descriptor.js";
import type { Describe } from "../../src/flow/graph.js";

export const EPOCH = "2026-01-01T00:00:00.000Z";

/** Components of the tests: Source, Gpu (supports GPUs), CpuOnly, Stateful, Sink. */
const DESCRIPTORS: Readonly<Record<string, ComponentDescriptor>> = {
  Source: { ...DEFAULT_DESCRIPTOR, role: "Producer" },
  Gpu: { ...DEFAULT_DESCRIPTOR, role: "Processor", devices: ["CPU", "GPU"] },
  CpuOnly: { ...DEFAULT_DESCRIPTOR, role: "Processor" },
  Stateful: { ...DEFAULT_DESCRIPTOR, role: "Processor", oneTask: true },
  Sink: { ...DEFAULT_DESCRIPTOR, role: "Consumer" },
};
export const describeComponent: Describe = (component) => DESCRIPTORS[component];

/** A processor unless said otherwise. */
export function aNode(name: string, given: Partial<NodeSpec> = {}): NodeSpec {
  return {
    ...{
      name,
      role: "Processor",
      component: "CpuOnly",
      params: {},
      inputs: [],
      nbTasks: 1,
      oneTask: false,
      deviceType: "CPU",
      retries: 3,
      env: [],
    },
    ...{ startupDeadlineSeconds: 60, terminationGracePeriodSeconds: 10 },
    ...given,
  };
}

/** reader → the given processors in a chain → writer. */
export function aChain(...processors: readonly NodeSpec[]): NodeSpec[] {
  const reader = aNode("reader", { role: "Producer", component: "Source" });
  const chain = [reader];
  for (const node of processors) chain.push({ ...node, inputs: [chain.at(-1)?.name ?? ""] });
  return [...chain, aNode("writer", { role: "Consumer", component: "Sink", inputs: [chain.at(-1)?.name ?? ""] })];
}

/** A processor that wishes for GPUs. */
export function aGpuNode(name: string, nbTasks = 1, device?: Partial<NonNullable<NodeSpec["device"]>>): NodeSpec {
  const selectors = device === undefined ? {} : { device: { required: false, count: 1, sharing: "Exclusive" as const, ...device } };
  return aNode(name, { component: "Gpu", deviceType: "GPU", nbTasks, ...selectors });
}

export function aFlowSpec(nodes: NodeSpec[] = aChain(aNode("work")), given: Partial<VideoFlowSpec> = {}): VideoFlowSpec {
  return { flowType: "Batch", desiredState: "Running", run: 1, nodes, ...given };
}

export function aNewFlow(name: string, spec: VideoFlowSpec = aFlowSpec()): NewResource<"VideoFlow"> {
  return { apiVersion: API_VERSION, kind: "VideoFlow", metadata: { name, namespace: "default" }, spec };
}

interface FlowParts {
  readonly name?: string;
  readonly spec?: VideoFlowSpec;
  readonly status?: VideoFlow["status"];
  readonly metadata?: Partial<VideoFlow["metadata"]>;
}

export function aFlow({ name = "f", spec = aFlowSpec(), status, metadata = {} }: FlowParts = {}): VideoFlow {
  const full = {
    name,
    namespace: "default",
    uid: `uid-${name}`,
    resourceVersion: "1",
    generation: 1,
    creationTimestamp: EPOCH,
    finalizers: ["videoflow.io/tasks"],
    ...metadata,
  };
  return { apiVersion: API_VERSION, kind: "VideoFlow", metadata: full, spec, ...(status === undefined ? {} : { status }) };
}

export function aDevice(uuid: string, given: Partial<HostDevice> = {}): HostDevice {
  return { uuid, product: "Test GPU", memoryMiB: 8_192, healthy: true, ...given };
}

/** `count` devices GPU-0, GPU-1, … */
export function devices(count: number): HostDevice[] {
  return Array.from({ length: count }, (_, index) => aDevice(`GPU-${index}`, { index }));
}

export function aHost(name: string, gpus: HostDevice[] = [], given: Partial<Host["status"]> = {}): Host {
  const metadata = { name, namespace: "", uid: `uid-${name}`, resourceVersion: "1", generation: 1, creationTimestamp: EPOCH };
  return {
    apiVersion: API_VERSION,
    kind: "Host",
    metadata,
    spec: { schedulable: true },
    status: { bootId: "boot", cores: 64, memoryMiB: 65_536, devices: gpus, ...given },
  };
}

/** A new object as the store would give it back. */
export function asStored<T extends NewResource<"FlowTask"> | NewResource<"DeviceClaim">>(
  object: T,
): T extends NewResource<"FlowTask"> ? FlowTask : DeviceClaim {
  const metadata = {
    namespace: "default",
    uid: `uid-${object.metadata.name}`,
    resourceVersion: "1",
    generation: 1,
    creationTimestamp: EPOCH,
    ...object.metadata,
  };
  return { ...object, metadata } as unknown as T extends NewResource<"FlowTask"> ? FlowTask : DeviceClaim;
}
