// Many flows on a real API server: a controller process, and agents whose keepers start nothing. How long, how many requests and
// writes, what memory the controller takes, and what is written once all is settled. The server counts the requests.
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { tsImport } from "tsx/esm/api";
import { CLI, quietEnvironment, rounded, withFolder } from "./measure.mjs";

const WRITES = new Set(["POST", "PUT", "PATCH", "APPLY", "DELETE"]);
/** Nothing was written for so long: all is settled. */
const SETTLED_MS = 1_000;
const AT_ONCE = 8;
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Starts an API server of its own, and ends it.
 *
 * @param flows of `tasks` tasks each, spread over `hosts` hosts. @param wish of the processors, such as `{ deviceType: "GPU" }`.
 * @param quietMs how long is listened for writes once all is settled. @param timeoutMs until all flows are ready.
 */
export async function convergeOnCluster({ flows, tasks, hosts = 2, wish = {}, quietMs = 5_000, timeoutMs = 600_000 }) {
  const scale = await tsImport("../test/support/scale.ts", import.meta.url);
  return withFolder(async (folder) => {
    const cluster = await scale.KubeCluster.start();
    const ends = [];
    try {
      await cluster.kubectlOk(["create", "namespace", "videoflow-system"]);
      const controller = await startController(cluster, ends);
      for (let i = 0; i < hosts; i += 1) await startHost({ scale, cluster, folder, name: `host-${i}`, ends });
      return await measure({ scale, cluster, controller, flows, tasks, wish, quietMs, timeoutMs, ends });
    } finally {
      for (const end of ends.toReversed()) await end();
      await cluster.stop();
    }
  });
}

async function measure({ scale, cluster, controller, flows, tasks, wish, quietMs, timeoutMs, ends }) {
  const store = await cluster.store();
  ends.push(() => store.close());
  const before = await requestsOf(cluster);
  const begin = performance.now();
  const ready = scale.allReady(store, flows, timeoutMs);
  const names = Array.from({ length: flows }, (_, i) => `flow-${i}`);
  await Promise.all([ready, inTurns(names, (name) => store.create(scale.aRow(name, tasks, wish)))]);
  const seconds = (performance.now() - begin) / 1_000;
  const settled = await settledRequests(cluster);
  await sleep(quietMs);
  const after = await requestsOf(cluster);
  const asked = withoutEvents(minus(settled, before));
  const idle = minus(after, settled);
  return {
    flows,
    tasks,
    seconds: rounded(seconds),
    flowsPerSecond: rounded(flows / seconds),
    requestsPerFlow: rounded(sum(asked) / flows),
    readsPerFlow: rounded((sum(asked) - sum(writes(asked))) / flows),
    writesPerTask: rounded((sum(writes(asked)) - flows) / (flows * tasks)), // The user's own write of each flow apart.
    writesPerFlow: perFlow(writes(asked), flows),
    idleWritesPerMinute: rounded((sum(writes(idle)) * 60_000) / quietMs),
    idleWrites: Object.fromEntries(writes(idle)), // Which they were.
    controllerRssMiB: rssMiB(controller),
  };
}

async function startController(cluster, ends) {
  const child = spawn(process.execPath, [CLI, "controller", "--kubeconfig", cluster.kubeconfig], {
    env: quietEnvironment(),
    stdio: ["ignore", "ignore", "pipe"],
  });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  ends.push(() => {
    child.kill("SIGTERM");
    return ended;
  });
  let log = "";
  child.stderr.on("data", (chunk) => (log = (log + chunk).slice(-10_000)));
  while (!log.includes(" leads")) {
    if (child.exitCode !== null) throw new Error(`videoflow controller ended: ${log}`);
    await sleep(20);
  }
  return child.pid;
}

async function startHost({ scale, cluster, folder, name, ends }) {
  const store = await cluster.store({ fieldManager: `videoflow-agent/${name}`, owns: scale.AGENT_STATUS });
  ends.push(() => store.close());
  const own = join(folder, name);
  mkdirSync(own);
  const host = await scale.startQuietHost({ store, hostName: name, folder: own, hasHeartbeat: true });
  ends.push(() => host.stop());
}

async function inTurns(items, act) {
  const left = [...items];
  const worker = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await act(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/** Requests for our kinds and for Events so far, "PATCH flowtasks/status", as the server counts them; refused ones included, Leases apart. */
export async function requestsOf(cluster) {
  const text = await cluster.kubectlOk(["get", "--raw", "/metrics"]);
  const counts = new Map();
  for (const [, labels, value] of text.matchAll(/^apiserver_request_total\{(.*)\} (\S+)$/gm)) {
    const label = (name) => new RegExp(`(?:^|,)${name}="([^"]*)"`).exec(labels)?.[1];
    if (label("group") !== "videoflow.io" && label("resource") !== "events") continue;
    const name = [`${label("verb")} ${label("resource")}`, label("subresource")].filter(Boolean).join("/");
    counts.set(name, (counts.get(name) ?? 0) + Number(value));
  }
  return counts;
}

async function settledRequests(cluster) {
  for (let last = await requestsOf(cluster); ; ) {
    await sleep(SETTLED_MS);
    const now = await requestsOf(cluster);
    if (sum(writes(minus(now, last))) === 0) return now;
    last = now;
  }
}

/** What was asked since; what was not is left out. */
export const minus = (later, earlier) =>
  new Map([...later].map(([name, count]) => [name, count - (earlier.get(name) ?? 0)]).filter(([, count]) => count !== 0));
export const sum = (counts) => [...counts.values()].reduce((total, count) => total + count, 0);
export const writes = (counts) => new Map([...counts].filter(([name]) => WRITES.has(name.split(" ")[0])));
export const withoutEvents = (counts) => new Map([...counts].filter(([name]) => !name.endsWith(" events")));
const perFlow = (counts, flows) => Object.fromEntries([...counts].map(([name, count]) => [name, rounded(count / flows)]));

/** What the process takes now. */
function rssMiB(pid) {
  const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return rounded(Number(kib) / 1_024, 0);
}
