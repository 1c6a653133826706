// How fast controller and agent bring many flows of 10 tasks to Running, on an embedded store: all of both but the processes, for the
// agent's keeper starts none. A tenth of them also with a store on disk, where every write waits for the disk. And whether the work per task grows with their number, and what is written once all is settled.
import { tsImport } from "tsx/esm/api";
import { median, rounded, withFolder } from "./measure.mjs";

const TASKS = 10;
/** Nothing was written for so long: all is settled. */
const SETTLED_MS = 1_000;
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export async function run({ smoke, runs, log }) {
  const flows = smoke ? 20 : 200;
  const [scale, { EmbeddedStore }] = [
    await tsImport("../test/support/scale.ts", import.meta.url),
    await tsImport("../src/store/embedded/embedded-store.ts", import.meta.url),
  ];
  const converge = (count, quietMs, isOnDisk = false) =>
    withFolder((folder) => convergence({ ...scale, EmbeddedStore, folder, flows: count, quietMs, isOnDisk }));
  for (let i = 0; i < 3; i += 1) await converge(flows / 10, 0); // The first runs are the compiler's.
  const seen = { whole: [], tenth: [], disk: [], writes: [], perTask: [], rss: [] };
  for (let i = 0; i < runs; i += 1) {
    const tenth = await converge(flows / 10, 0);
    const disk = await converge(flows / 10, 0, true);
    const whole = await converge(flows, smoke ? 1_000 : 10_000);
    seen.tenth.push(tenth.tasksPerSecond);
    seen.disk.push(disk.tasksPerSecond);
    seen.whole.push(whole.tasksPerSecond);
    seen.writes.push(whole.steadyWritesPerMinute);
    seen.perTask.push(whole.writesPerTask);
    log(
      `${flows} flows: ${rounded(whole.tasksPerSecond)} tasks/s, ${flows / 10} flows: ${rounded(tenth.tasksPerSecond)} tasks/s, on disk ${rounded(disk.tasksPerSecond)}`,
    );
  }
  return {
    tasksPerSecond: rounded(median(seen.whole)),
    tasksPerSecondTenth: rounded(median(seen.tenth)),
    diskTasksPerSecondTenth: rounded(median(seen.disk)),
    costGrowth: rounded(median(seen.tenth) / median(seen.whole), 2),
    writesPerTask: rounded(median(seen.perTask)),
    steadyWritesPerMinute: Math.max(...seen.writes),
    rssMiB: rounded(process.memoryUsage().rss / 2 ** 20, 0),
  };
}

/** @returns tasks per second from the first flow applied to the last one Running, writes per task, and writes per minute after that. */
async function convergence({ EmbeddedStore, startController, startQuietHost, aRow, allReady, folder, flows, quietMs, isOnDisk }) {
  const store = await EmbeddedStore.open(isOnDisk ? { path: `${folder}/store` } : {});
  const problems = [];
  const host = await startQuietHost({ store, hostName: "bench", folder, onProblem: (text) => problems.push(text) });
  const controller = startController(store, (text) => problems.push(text));
  const first = Number(store.version);
  const begin = performance.now();
  await Promise.all(Array.from({ length: flows }, (_, i) => store.create(aRow(`flow-${i}`, TASKS))));
  await allReady(store, flows, 120_000);
  const tasksPerSecond = (flows * TASKS * 1_000) / (performance.now() - begin);
  const settled = await settledVersion(store);
  await sleep(quietMs);
  const steadyWritesPerMinute = quietMs === 0 ? 0 : ((Number(store.version) - settled) * 60_000) / quietMs;
  await controller.stop();
  await host.stop();
  await store.close();
  if (problems.length > 0) throw new Error(problems.slice(0, 3).join("; "));
  return { tasksPerSecond, steadyWritesPerMinute, writesPerTask: (settled - first) / (flows * TASKS) };
}

async function settledVersion(store) {
  for (let last = ""; last !== store.version; await sleep(SETTLED_MS)) last = store.version;
  return Number(store.version);
}
