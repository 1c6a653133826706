// How fast the controller brings many flows of 10 tasks to Running, on an embedded store, beside an agent that starts nothing:
// it says at once what a real one would say. And whether the work per task grows with their number, and what is written once all is settled.
import { tsImport } from "tsx/esm/api";
import { median, rounded } from "./measure.mjs";

const TASKS = 10;
const HOST = "bench";
const DONE = Object.freeze({ bootId: "boot", pid: 1, startTime: "1", restarts: 0 });

const load = (path) => tsImport(`../src/${path}`, import.meta.url);

export async function run({ smoke, runs, log }) {
  const flows = smoke ? 20 : 200;
  const parts = await loadParts();
  for (let i = 0; i < 3; i += 1) await converge(parts, flows / 10, 0); // The first runs are the compiler's.
  const seen = { whole: [], tenth: [], writes: [] };
  for (let i = 0; i < runs; i += 1) {
    const tenth = await converge(parts, flows / 10, 0);
    const whole = await converge(parts, flows, smoke ? 1_000 : 10_000);
    seen.tenth.push(tenth.tasksPerSecond);
    seen.whole.push(whole.tasksPerSecond);
    seen.writes.push(whole.steadyWritesPerMinute);
    log(`${flows} flows: ${rounded(whole.tasksPerSecond)} tasks/s, ${flows / 10} flows: ${rounded(tenth.tasksPerSecond)} tasks/s`);
  }
  return {
    tasksPerSecond: rounded(median(seen.whole)),
    tasksPerSecondTenth: rounded(median(seen.tenth)),
    costGrowth: rounded(median(seen.tenth) / median(seen.whole), 2),
    steadyWritesPerMinute: Math.max(...seen.writes),
  };
}

async function loadParts() {
  const [
    { createFlowController },
    { EmbeddedStore },
    { validateVideoFlow },
    { DESCRIPTORS },
    { Prng },
    { REAL_CLOCK },
    { REAL_SCHEDULER },
  ] = await Promise.all([
    load("controller/flow/flow-controller.ts"),
    load("store/embedded/embedded-store.ts"),
    load("api/validate.ts"),
    load("components/descriptors.ts"),
    load("base/prng.ts"),
    load("base/clock.ts"),
    load("controller/runtime/scheduler.ts"),
  ]);
  return { createFlowController, EmbeddedStore, validateVideoFlow, DESCRIPTORS, Prng, REAL_CLOCK, REAL_SCHEDULER };
}

/** @returns tasks per second from the first flow applied to the last one Running, and writes per minute after that. */
async function converge(parts, flows, quietMs) {
  const store = await parts.EmbeddedStore.open();
  const host = { apiVersion: "videoflow.io/v1alpha1", kind: "Host", metadata: { name: HOST }, spec: { schedulable: true } };
  const status = { bootId: "boot", cores: 1_000_000, memoryMiB: 2 ** 30, devices: [] };
  await store.updateStatus({ ...(await store.create(host)), status });
  const problems = [];
  const controller = parts.createFlowController({
    ...{ store, clock: parts.REAL_CLOCK, scheduler: parts.REAL_SCHEDULER, prng: new parts.Prng(1), defaultAdmission: "Wait" },
    describe: (component) => parts.DESCRIPTORS.get(component),
    onError: (flow, problem) => problems.push(`${flow}: ${problem}`),
  });
  const agent = answerAtOnce(store);
  controller.start();
  const begin = performance.now();
  for (let i = 0; i < flows; i += 1) await store.create(flowOf(parts, i));
  await allRunning(store, flows, problems);
  const tasksPerSecond = (flows * TASKS * 1_000) / (performance.now() - begin);
  const before = Number(store.version);
  await new Promise((resume) => setTimeout(resume, quietMs));
  const steadyWritesPerMinute = quietMs === 0 ? 0 : ((Number(store.version) - before) * 60_000) / quietMs;
  await controller.stop();
  agent();
  await store.close();
  return { tasksPerSecond, steadyWritesPerMinute };
}

function flowOf({ validateVideoFlow }, number) {
  const middle = Array.from({ length: TASKS - 2 }, (_, i) => ({
    ...{ name: `n${i}`, role: "Processor", component: "Identity", inputs: [i === 0 ? "source" : `n${i - 1}`] },
  }));
  const nodes = [
    { name: "source", role: "Producer", component: "IntProducer" },
    ...middle,
    { name: "sink", role: "Consumer", component: "VoidConsumer", inputs: [`n${TASKS - 3}`] },
  ];
  const metadata = { name: `flow-${number}` };
  const { flow, problems } = validateVideoFlow({ apiVersion: "videoflow.io/v1alpha1", kind: "VideoFlow", metadata, spec: { nodes } });
  if (flow === undefined) throw new Error(JSON.stringify(problems));
  return flow;
}

/** What an agent writes of a task until it is ready: that it starts, with its process, and that it runs. */
function answerAtOnce(store) {
  return store.watch("FlowTask", ({ type, object }) => {
    if (type === "Deleted" || object.status?.phase === "Running") return;
    const phase = object.status === undefined ? "Starting" : "Running";
    const ready = phase === "Running" ? { templateHash: object.spec.templateHash } : {};
    const status = { ...DONE, ...ready, phase, reason: phase, message: phase, observedGeneration: object.metadata.generation };
    store.updateStatus({ ...object, status }).catch(() => {}); // The controller wrote meanwhile: its event comes.
  });
}

async function allRunning(store, flows, problems) {
  const running = new Set();
  let last = "";
  await new Promise((done, fail) => {
    const timer = setTimeout(
      () => fail(new Error(`${running.size} of ${flows} flows run; ${problems.slice(0, 3).join("; ")} ${last}`)),
      120_000,
    );
    const unwatch = store.watch("VideoFlow", ({ object }) => {
      last = object.status?.message ?? "";
      if (object.status?.readyTasks === TASKS) running.add(object.metadata.name);
      if (running.size < flows) return;
      clearTimeout(timer);
      setImmediate(() => unwatch());
      done();
    });
  });
}
