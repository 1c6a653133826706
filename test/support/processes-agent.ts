/** Tasks, claims and fake shared memory for tests of the agent. */
import { mkdirSync, rmSync } from "node:fs";
import type { FlowMemories } from "../../src/agent/flow-memories.js";
import {
  API_VERSION,
  type DeviceClaim,
  type FlowTask,
  type FlowTaskSpec,
  type FlowTaskStatus,
  type Metadata,
  type NewResource,
} from "../../src/api/kinds.js";
import type { TaskStats } from "../../src/transport/port.js";

export const HOST = "here";
export const RUN = "uid-1";

const METADATA: Metadata = {
  name: "f.a.0",
  namespace: "default",
  uid: "uid-f.a.0",
  resourceVersion: "1",
  generation: 1,
  creationTimestamp: "2026-01-01T00:00:00Z",
};

/** A task of a flow with one task, unless the parts say otherwise. */
export function aTask(spec: Partial<FlowTaskSpec> = {}, status?: FlowTaskStatus, metadata: Partial<Metadata> = {}): FlowTask {
  const node = spec.node ?? "a";
  const name = `f.${node}.${spec.index ?? 0}`;
  return {
    apiVersion: API_VERSION,
    kind: "FlowTask",
    metadata: { ...METADATA, name, uid: `uid-${name}`, ...metadata },
    spec: { ...aSpec(node), ...spec },
    ...(status === undefined ? {} : { status }),
  };
}

function aSpec(node: string): FlowTaskSpec {
  return {
    flow: "f",
    flowType: "Batch",
    run: RUN,
    flowTasks: 1,
    node,
    index: 0,
    nbTasks: 1,
    host: HOST,
    desiredState: "Running",
    deviceType: "CPU",
    members: [{ name: node, role: "Producer", component: "IntProducer", params: {}, inputs: [] }],
    channels: { tasks: 1, capacity: 1, slots: 4, slotBytes: 64, inputs: [] },
    env: [],
    restart: { policy: "OnFailure", initialBackoffSeconds: 1, maxBackoffSeconds: 60, maxRestarts: 5, windowSeconds: 600 },
    retries: 3,
    startupDeadlineSeconds: 60,
    terminationGracePeriodSeconds: 5,
    templateHash: "hash",
    layoutHash: "layout",
  };
}

export function newTask(spec: Partial<FlowTaskSpec> = {}): NewResource<"FlowTask"> {
  const { apiVersion, kind, metadata, spec: whole } = aTask(spec);
  return { apiVersion, kind, metadata: { name: metadata.name, namespace: "default" }, spec: whole };
}

export function aClaim(name: string, status?: DeviceClaim["status"]): DeviceClaim {
  return {
    apiVersion: API_VERSION,
    kind: "DeviceClaim",
    metadata: { ...METADATA, name, uid: `uid-claim-${name}` },
    spec: { flow: "f", run: RUN, node: "a", index: 0, required: false, count: 1, sharing: "Exclusive" },
    ...(status === undefined ? {} : { status }),
  };
}

export const NO_STATS: TaskStats = {
  node: "a",
  taskIndex: 0,
  state: "working",
  lastProgressMs: 0,
  committed: 0,
  messagesIn: 0,
  messagesOut: 0,
  bytesIn: 0,
  bytesOut: 0,
  copiedBytes: 0,
  inputWaits: 0,
  spaceWaits: 0,
  rings: 0,
  processUs: 0,
  processTimes: [],
  dropped: 0,
  filtered: 0,
  late: 0,
  attempts: 0,
  retained: 0,
  inputPending: false,
  inHand: undefined,
  lastInHand: undefined,
};

/** Shared memory that is a bare folder; remembers what was asked of it. */
export function fakeMemories(): FlowMemories & { readonly asked: string[]; readonly stats: FlowMemories["stats"] } {
  const asked: string[] = [];
  return {
    asked,
    create(dir) {
      asked.push("create");
      mkdirSync(dir, { recursive: true });
    },
    stats: (_dir, plan) => ({
      tasks: () =>
        plan.nodes.flatMap((node) => Array.from({ length: node.tasks }, (_, taskIndex) => ({ ...NO_STATS, node: node.name, taskIndex }))),
      task: (node, taskIndex) => ({ ...NO_STATS, node, taskIndex }),
      nodes: () => plan.nodes.map(({ name, tasks, capacity = tasks }) => ({ node: name, tasks, capacity, isFinal: false })),
      edges: () => [],
      rest: () => "free",
      slotsInUse: () => 0,
      close() {},
    }),
    planOf: (dir) => {
      throw new Error(`${dir} is never adopted`);
    },
    requestStop: () => void asked.push("drain"),
    requestRetire: (_dir, _plan, node, index) => void asked.push(`retire ${node}.${index}`),
    clearRetire: () => {},
    setTasks: (_dir, _plan, node, count) => {
      asked.push(`set ${node} ${count}`);
      return count;
    },
    requestPause: (_dir, _plan, paused) => void asked.push(paused ? "pause" : "resume"),
    carryOver: (_oldDir, _oldPlan, _newDir, newPlan) => void asked.push(`carry ${newPlan.nodes.length}`),
    remove(dir) {
      asked.push("remove");
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
