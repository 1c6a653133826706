// A real API server with a controller and an agent as processes, for the benchmarks of a cluster.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tsImport } from "tsx/esm/api";
import { minus, requestsOf, sum, writes } from "./cluster-flows.mjs";
import { CLI, median, monotonicMs, quietEnvironment } from "./measure.mjs";

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const QUIET_MS = 400;

export class ClusterProcesses {
  #cluster;
  #store;
  #shm;
  #children = [];

  constructor(cluster, store, shm) {
    this.#cluster = cluster;
    this.#store = store;
    this.#shm = shm;
  }

  /** Two GPUs; the agent keeps its state below `folder`. */
  static async start(folder) {
    const { KubeCluster } = await tsImport("../test/support/kube.ts", import.meta.url);
    const cluster = await KubeCluster.start();
    await cluster.kubectlOk(["create", "namespace", "videoflow-system"]);
    const shm = mkdtempSync("/dev/shm/videoflow-bench-");
    const processes = new ClusterProcesses(cluster, await cluster.store(), shm);
    const devices = join(folder, "devices.json");
    const uuids = ["GPU-00000000-0000-0000-0000-000000000000", "GPU-00000001-0000-0000-0000-000000000000"];
    writeFileSync(devices, JSON.stringify(uuids.map((uuid) => ({ uuid, product: "Bench GPU", memory: "8Gi" }))));
    const state = join(folder, "state");
    const trusting = ["--root", "/", ...(process.getuid() === 0 ? ["--allow-root"] : [])]; // Its components are those of this folder.
    const agent = ["agent", "--host-name", "bench", "--state-dir", state, "--shm", shm, "--devices", devices, ...trusting];
    try {
      await processes.#spawn(["controller"], " leads");
      await processes.#spawn(agent, " answers on ");
    } catch (error) {
      await processes.stop();
      throw error;
    }
    return processes;
  }

  async #spawn(args, ready) {
    const child = spawn(process.execPath, [CLI, ...args, "--kubeconfig", this.#cluster.kubeconfig], {
      env: { ...quietEnvironment(), TMPDIR: this.#cluster.folder },
      stdio: ["ignore", "ignore", "pipe"],
    });
    const ended = new Promise((resolve) => child.once("exit", resolve));
    this.#children.push({ child, ended });
    let log = "";
    child.stderr.on("data", (chunk) => (log += chunk));
    while (!log.includes(ready)) {
      if (child.exitCode !== null) throw new Error(`videoflow ${args[0]} ended: ${log}`);
      await sleep(5);
    }
  }

  kubectl(...args) {
    return this.#cluster.kubectlOk(args);
  }

  /** Median of what it takes to create a small object, on a connection that is open. */
  async createLatencyMs(times) {
    const taken = [];
    for (let i = 0; i < times; i += 1) {
      const start = monotonicMs();
      const name = `latency-${i}`;
      await this.#store.create({ apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { name, namespace: "default" }, spec: {} });
      taken.push(monotonicMs() - start);
    }
    return median(taken);
  }

  /** @returns a promise of the time at which the last of so many tasks was seen to run. */
  tasksRunning(flow, count) {
    const running = new Set();
    return new Promise((resolve) => {
      const end = this.#store.watch("FlowTask", ({ object }) => {
        if (object.spec.flow !== flow || object.status?.phase !== "Running") return;
        running.add(object.metadata.name);
        if (running.size < count) return;
        resolve(monotonicMs());
        setImmediate(() => end());
      });
    });
  }

  /** Writes of objects so far, by what they were, as the server counts them. */
  async writes() {
    return writes(await requestsOf(this.#cluster));
  }

  /** Waits until nothing was written for a while. */
  async settled() {
    for (let last = new Map(), now = await this.writes(); sum(minus(now, last)) > 0; ) {
      await sleep(QUIET_MS);
      [last, now] = [now, await this.writes()];
    }
  }

  async stop() {
    for (const name of (await this.kubectl("get", "vf", "-o", "name")).split("\n").filter(Boolean))
      await this.kubectl("delete", name, "--timeout=120s");
    for (const { child } of this.#children) child.kill("SIGTERM");
    await Promise.all(this.#children.map(({ ended }) => ended));
    await this.#store.close();
    await this.#cluster.stop();
    rmSync(this.#shm, { recursive: true, force: true });
  }
}
