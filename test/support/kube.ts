/**
 * A real Kubernetes API server and a real kubectl for tests; nothing here is a fake.
 * VIDEOFLOW_KUBE names the folder of the server's start script (default ../shared/kube), VIDEOFLOW_KUBECTL the program kubectl.
 */
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { KubernetesStore, type KubernetesStoreOptions } from "../../src/store/kubernetes/kubernetes-store.js";

const ROOT = resolve(import.meta.dirname, "../..");
const START = join(process.env["VIDEOFLOW_KUBE"] ?? join(ROOT, "../shared/kube"), "start");
/** Nothing that comes is waited for so long, also where the machine is busy. */
const READY_MS = 150_000;

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. */
export function execute(
  command: string,
  args: readonly string[],
  options: { input?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<Finished> {
  const child = spawn(command, args, { cwd: ROOT, env: { ...process.env, ...options.env }, stdio: "pipe" });
  const texts = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      texts[name] += text;
    });
  }
  child.stdin.on("error", () => {}); // It need not read everything.
  child.stdin.end(options.input ?? "");
  return new Promise((accept, refuse) => {
    child.on("error", refuse);
    child.on("close", (code) => accept({ code: code ?? -1, ...texts }));
  });
}

/** One API server with an etcd of its own, in a folder of its own. */
export class KubeCluster {
  readonly kubeconfig: string;
  readonly folder: string;
  readonly port: number;
  readonly etcdPort: number;
  #pids: { etcd: number; api: number };
  readonly #apiCommand: readonly string[];

  private constructor(folder: string, port: number, etcdPort: number) {
    this.folder = folder;
    this.port = port;
    this.etcdPort = etcdPort;
    this.kubeconfig = join(folder, "kubeconfig");
    const [etcd = 0, api = 0] = readFileSync(join(folder, "pids"), "utf8").trim().split("\n").map(Number);
    this.#pids = { etcd, api };
    this.#apiCommand = readFileSync(`/proc/${api}/cmdline`, "utf8").split("\0").slice(0, -1); // An argument may be empty.
  }

  /** Starts a server, with our CRDs unless told otherwise. About two seconds. */
  static async start({ crds = true }: { crds?: boolean } = {}): Promise<KubeCluster> {
    if (!existsSync(START)) throw new Error(`${START} is missing: set VIDEOFLOW_KUBE to the folder of the API server's start script`);
    const folder = mkdtempSync(join(tmpdir(), "vf-kube-"));
    const [port, etcdPort] = [await freePort(), await freePort(2)];
    execFileSync(START, [folder, String(port), String(etcdPort)], { stdio: ["ignore", "ignore", "inherit"] });
    const cluster = new KubeCluster(folder, port, etcdPort);
    try {
      if (crds) await cluster.applyCrds();
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  async applyCrds(): Promise<void> {
    await this.kubectlOk(["apply", "--server-side", "-k", "crds"]);
    const names = ["videoflows", "flowtasks", "deviceclaims", "hosts"].map((name) => `crd/${name}.videoflow.io`);
    await this.kubectlOk(["wait", "--for=condition=Established", "--timeout=120s", ...names]);
    await until(async () => (await this.kubectl(["get", "vf,ft,vdc,vhost"])).code === 0, "the kinds are served");
  }

  kubectl(args: readonly string[], input?: string): Promise<Finished> {
    const env = { KUBECONFIG: this.kubeconfig, HOME: this.folder };
    return execute(kubectlPath(), args, input === undefined ? { env } : { env, input });
  }

  /** @returns stdout. @throws if kubectl fails. */
  async kubectlOk(args: readonly string[], input?: string): Promise<string> {
    const { code, stdout, stderr } = await this.kubectl(args, input);
    if (code !== 0) throw new Error(`kubectl ${args.join(" ")} ends with ${code}: ${stderr}${stdout}`);
    return stdout;
  }

  store(options: Partial<KubernetesStoreOptions> & { kubeconfig?: string } = {}): Promise<KubernetesStore> {
    const { kubeconfig = this.kubeconfig, ...rest } = options;
    return KubernetesStore.fromKubeconfig({ kubeconfig }, { fieldManager: "videoflow-test", ...rest });
  }

  get apiPid(): number {
    return this.#pids.api;
  }

  /** SIGKILLs the API server; etcd lives on. */
  async killApi(): Promise<void> {
    await killAndWait(this.#pids.api);
  }

  /** Starts the API server again, with what etcd kept. */
  async restartApi(): Promise<void> {
    const [command = "", ...args] = this.#apiCommand;
    const child = spawn(command, args, { stdio: "ignore", detached: true });
    child.unref();
    this.#pids = { ...this.#pids, api: child.pid ?? 0 };
    await until(async () => (await this.kubectl(["get", "--raw", "/readyz"])).code === 0, "the API server is ready");
  }

  /** Forgets every version but the present one: watches of older ones get 410. */
  async compact(): Promise<void> {
    const etcd = (path: string, body: object) =>
      fetch(`http://127.0.0.1:${this.etcdPort}/v3/kv/${path}`, { method: "POST", body: JSON.stringify(body) });
    const range = (await (await etcd("range", { key: "AA==" })).json()) as { header: { revision: string } };
    const reply = await etcd("compaction", { revision: range.header.revision, physical: true });
    if (!reply.ok) throw new Error(`etcd does not compact: ${await reply.text()}`);
  }

  async stop(): Promise<void> {
    for (const pid of [this.#pids.api, this.#pids.etcd]) await killAndWait(pid);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** @throws if there is no kubectl: these tests never pass without it. */
export function kubectlPath(): string {
  const path = process.env["VIDEOFLOW_KUBECTL"];
  if (path === undefined || !existsSync(path))
    throw new Error("VIDEOFLOW_KUBECTL names no program: .ci/run shows how a real kubectl is fetched");
  return path;
}

/** Waits for something to become true. @throws with `what` after a while. */
export async function until(isTrue: () => Promise<boolean> | boolean, what: string, timeoutMs = READY_MS): Promise<void> {
  const endMs = performance.now() + timeoutMs;
  while (!(await isTrue())) {
    if (performance.now() > endMs) throw new Error(`not after ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function killAndWait(pid: number): Promise<void> {
  const isAlive = () => existsSync(`/proc/${pid}`) && !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
  if (pid === 0 || !isAlive()) return;
  process.kill(pid, "SIGKILL");
  await until(() => {
    try {
      return !isAlive();
    } catch {
      return true; // Gone between two looks.
    }
  }, `process ${pid} ends`);
}

/** @returns the first of `count` ports in a row that nobody uses. */
async function freePort(count = 1): Promise<number> {
  for (;;) {
    const port = await listenOnce(0);
    const others = await Promise.all(Array.from({ length: count - 1 }, (_, index) => listenOnce(port + 1 + index).catch(() => 0)));
    if (others.every((other) => other > 0)) return port;
  }
}

function listenOnce(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
