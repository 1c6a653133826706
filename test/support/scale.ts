/** Many flows under the real controller and the real agent, whose keeper starts nothing: for benchmarks and tests of scale. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Agent } from "../../src/agent/agent.js";
import { KeeperClient } from "../../src/agent/keeper-client.js";
import type { NewResource } from "../../src/api/kinds.js";
import { validateVideoFlow } from "../../src/api/validate.js";
import { REAL_CLOCK } from "../../src/base/clock.js";
import { Prng } from "../../src/base/prng.js";
import { DESCRIPTORS } from "../../src/components/descriptors.js";
import { createFlowController } from "../../src/controller/flow/flow-controller.js";
import { REAL_SCHEDULER } from "../../src/controller/runtime/scheduler.js";
import type { Store } from "../../src/store/store.js";
import { FakeSpawner } from "./fake-spawner.js";
import { fakeMemories } from "./processes-agent.js";

/** Small, so that hundreds of flows fit on any machine. */
const BUFFER = { messages: 1, bytes: 65_536 };

/** A row of tasks: source, n0, n1, …, sink. @param tasks 3 or more. @param wish of the processors, such as `{ deviceType: "GPU" }`. */
export function aRow(name: string, tasks: number, wish: object = {}): NewResource<"VideoFlow"> {
  const middle = Array.from({ length: tasks - 2 }, (_, i) => ({
    ...{ name: `n${i}`, role: "Processor", component: "Identity", inputs: [i === 0 ? "source" : `n${i - 1}`], buffer: BUFFER, ...wish },
  }));
  const nodes = [
    { name: "source", role: "Producer", component: "IntProducer", buffer: BUFFER },
    ...middle,
    { name: "sink", role: "Consumer", component: "VoidConsumer", inputs: [`n${tasks - 3}`] },
  ];
  const { flow, problems } = validateVideoFlow({
    ...{ apiVersion: "videoflow.io/v1alpha1", kind: "VideoFlow", metadata: { name }, spec: { nodes } },
  });
  if (flow === undefined) throw new Error(JSON.stringify(problems));
  return flow;
}

/** An agent of a host whose tasks are no processes. */
export interface QuietHost {
  readonly agent: Agent;
  /** Processes asked for so far. */
  readonly spawned: number;
  stop(): Promise<void>;
}

/** @param options.hasHeartbeat it renews its Lease, as in a cluster. @param options.folder a folder of its own; state and memory lie there. */
export async function startQuietHost(options: {
  readonly store: Store;
  readonly hostName: string;
  readonly folder: string;
  readonly hasHeartbeat?: boolean;
  readonly onProblem?: (text: string) => void;
}): Promise<QuietHost> {
  const { store, hostName, folder, hasHeartbeat = false, onProblem = () => {} } = options;
  for (const name of ["state", "shm"]) mkdirSync(join(folder, name), { recursive: true });
  const spawner = await FakeSpawner.start(join(folder, "keeper.sock"));
  const keeper = await KeeperClient.connect(join(folder, "keeper.sock"));
  const agent = await Agent.start({
    ...{ store, hostName, keeper, clock: REAL_CLOCK, memories: fakeMemories(), workerCommand: ["nothing"], env: {} },
    ...{ stateDir: join(folder, "state"), shmBase: join(folder, "shm") },
    ...(hasHeartbeat ? { heartbeat: {} } : {}),
    onNote: ({ subject, what, message }) => {
      if (what === "Error") onProblem(`${subject}: ${message}`);
    },
  });
  return {
    agent,
    get spawned() {
      return spawner.spawned;
    },
    async stop() {
      await agent.stop();
      await keeper.leave();
      await spawner.stop();
    },
  };
}

/** The controller as the agent of a machine without a cluster has it. */
export function startController(store: Store, onProblem: (text: string) => void) {
  const controller = createFlowController({
    ...{ store, clock: REAL_CLOCK, scheduler: REAL_SCHEDULER, prng: new Prng(1), defaultAdmission: "Wait", isScalable: true },
    describe: (component) => DESCRIPTORS.get(component),
    onError: (flow, problem) => onProblem(`${flow}: ${problem}`),
  });
  controller.start();
  return controller;
}

/** Resolves once so many flows have all their tasks ready. @throws Error with what the last one said, after a while. */
export async function allReady(store: Store, flows: number, timeoutMs: number): Promise<void> {
  const ready = new Set<string>();
  let last = "";
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${ready.size} of ${flows} flows are ready; one says: ${last}`)), timeoutMs);
    const unwatch = store.watch("VideoFlow", ({ object: { metadata, status } }) => {
      if (status?.readyTasks !== undefined && status.readyTasks === status.desiredTasks) ready.add(metadata.name);
      else last = status?.message ?? last;
      if (ready.size < flows) return;
      clearTimeout(timer);
      setImmediate(() => unwatch());
      resolve();
    });
  });
}

export { AGENT_STATUS } from "../../src/store/kubernetes/owned-status.js";
export { KubeCluster } from "./kube.js";
