// From `kubectl apply` to running tasks on a real API server (VIDEOFLOW_KUBE and VIDEOFLOW_KUBECTL, see test/support/kube.ts): how long,
// how many writes, and what is written once nothing changes any more. Writes are counted by the server itself.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ClusterProcesses } from "./cluster.mjs";
import { convergeOnCluster, minus, sum, withoutEvents } from "./cluster-flows.mjs";
import { flowName, processor, producer } from "./flows.mjs";
import { bareNodeMs, median, monotonicMs, rounded, withFolder } from "./measure.mjs";

const TASKS = 4;
const CREATES = 50;
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export async function run({ smoke, runs, log }) {
  const one = await runOne({ smoke, runs, log });
  const many = await convergeOnCluster({ flows: smoke ? 5 : 200, tasks: TASKS, quietMs: smoke ? 500 : 10_000 });
  log(
    `${many.flows} flows: ${many.flowsPerSecond} a second, ${many.requestsPerFlow} requests each, controller ${many.controllerRssMiB} MiB`,
  );
  const { flowsPerSecond, requestsPerFlow, controllerRssMiB } = many;
  return { ...one, flowsPerSecond, requestsPerFlow, controllerRssMiB };
}

async function runOne({ smoke, runs, log }) {
  const bare = await bareNodeMs(smoke ? 1 : 7);
  return withFolder(async (folder) => {
    const processes = await ClusterProcesses.start(folder);
    try {
      const createLatencyMs = await processes.createLatencyMs(smoke ? 5 : CREATES);
      if (!smoke) await applyToRunning(processes, folder, chain()); // The first one is the compiler's.
      const plain = await measured(runs, () => applyToRunning(processes, folder, chain()));
      const claimed = await measured(smoke ? 1 : 3, () => applyToRunning(processes, folder, chain({ deviceType: "GPU" })));
      const applyToRunningMs = median(plain.map(({ ms }) => ms));
      const targetMs = 12 * bare + 20 * createLatencyMs;
      log(`apply to running ${rounded(applyToRunningMs, 0)} ms, target ${rounded(targetMs, 0)} ms, create ${rounded(createLatencyMs)} ms`);
      return {
        applyToRunningMs: rounded(applyToRunningMs, 1),
        targetMs: rounded(targetMs, 1),
        bareNodeMs: rounded(bare, 1),
        createLatencyMs: rounded(createLatencyMs),
        writesPerTask: rounded(median(plain.map(({ writes }) => writes)) / TASKS),
        writesPerTaskWithClaim: rounded(median(claimed.map(({ writes }) => writes)) / TASKS),
        idleWritesPerMinute: await idleWritesPerMinute(processes, folder, smoke ? 2_000 : 60_000, log),
      };
    } finally {
      await processes.stop();
    }
  });
}

async function measured(runs, measure) {
  const seen = [];
  for (let i = 0; i < runs; i += 1) seen.push(await measure());
  return seen;
}

/** Four tasks in a row, of components that need nothing loaded. @param wish of the processors. */
function chain(wish = {}) {
  return [
    producer("source", "Silent", { seconds: 3600 }),
    processor("first", "Same", ["source"], {}, wish),
    processor("second", "Same", ["first"], {}, wish),
    { name: "sink", role: "Consumer", component: "VoidConsumer", inputs: ["second"] },
  ];
}

/** Applies a flow as its user does, waits until all of its tasks run and all is written, and deletes it. */
async function applyToRunning(processes, folder, nodes) {
  const name = flowName();
  const file = join(folder, "flow.json");
  const manifest = { apiVersion: "videoflow.io/v1alpha1", kind: "VideoFlow", metadata: { name }, spec: { flowType: "Realtime", nodes } };
  writeFileSync(file, JSON.stringify(manifest));
  const before = await processes.writes();
  const running = processes.tasksRunning(name, TASKS);
  const start = monotonicMs();
  await processes.kubectl("apply", "-f", file);
  const ms = (await running) - start;
  await processes.kubectl("wait", "--for=condition=Ready", "--timeout=120s", `vf/${name}`);
  await processes.settled();
  const writes = sum(withoutEvents(minus(await processes.writes(), before)));
  await processes.kubectl("delete", "vf", name, "--timeout=120s");
  await processes.settled();
  return { ms, writes };
}

/** With a flow that runs and does nothing. */
async function idleWritesPerMinute(processes, folder, quietMs, log) {
  const name = flowName();
  const file = join(folder, "flow.json");
  const manifest = {
    apiVersion: "videoflow.io/v1alpha1",
    kind: "VideoFlow",
    metadata: { name },
    spec: { flowType: "Realtime", nodes: chain() },
  };
  writeFileSync(file, JSON.stringify(manifest));
  await processes.kubectl("apply", "-f", file);
  await processes.kubectl("wait", "--for=condition=Ready", "--timeout=120s", `vf/${name}`);
  await processes.settled();
  const before = await processes.writes();
  await sleep(quietMs);
  const idle = minus(await processes.writes(), before);
  if (idle.size > 0) log(`written while nothing changed: ${JSON.stringify(Object.fromEntries(idle))}`);
  return sum(idle) * (60_000 / quietMs);
}
