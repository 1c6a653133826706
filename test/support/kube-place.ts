/** Controllers and agents of a cluster as processes of this machine, each agent with a state, a memory and devices of its own. */
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import type { FlowTask, VideoFlow } from "../../src/api/kinds.js";
import type { ProcessIdentity } from "../../src/base/process-identity.js";
import { signalProcess } from "../../src/base/process-signal.js";
import { eventually, type FlowProcess, gpuUuid, type Workplace, workplace } from "./flow-process.js";
import { type KubeCluster, until } from "./kube.js";

/** On a busy machine, beside an API server. */
const PATIENCE_MS = 120_000;

export interface KubePlace {
  readonly place: Workplace;
  /** Starts a controller. It may lead or wait for its turn. */
  controller(kubeconfig?: string, ...options: readonly string[]): FlowProcess;
  /** A controller that is started again whenever it ends by itself, as a Deployment does. */
  deployment(kubeconfig?: string): void;
  /** Starts the agent of a host, or starts it again, and waits until it answers. */
  agent(
    host: string,
    options?: {
      readonly gpus?: readonly number[];
      readonly env?: Readonly<Record<string, string>>;
      readonly kubeconfig?: string;
      readonly rules?: readonly string[];
    },
  ): Promise<FlowProcess>;
  kubectl(...args: readonly string[]): Promise<string>;
  apply(file: string): Promise<string>;
  flow(name?: string): Promise<VideoFlow | undefined>;
  tasks(name?: string): Promise<FlowTask[]>;
  /** Waits until the flow's state is one of these. */
  reached(states: readonly string[], name?: string): Promise<VideoFlow>;
  /** Ends agents and their tasks in order of their start; then nothing may be left. */
  leftovers(): Promise<string[]>;
  /** Kills all of it, keepers and tasks too, whatever state it is in. */
  remove(): Promise<void>;
}

function killKeepers(dir: string): void {
  const files = readdirSync(dir).map((name) => join(dir, name, "keeper.json"));
  for (const file of files.filter((path) => existsSync(path))) {
    const { identity } = JSON.parse(readFileSync(file, "utf8")) as { identity: ProcessIdentity };
    signalProcess(identity, "SIGKILL");
  }
}

export function kubePlace(cluster: KubeCluster): KubePlace {
  const place = workplace();
  const started: FlowProcess[] = [];
  let isOver = false;
  const start = (args: readonly string[], env: Readonly<Record<string, string>> = {}) => {
    const process = place.start(args, { env });
    started.push(process);
    return process;
  };
  const json = async <T>(...args: string[]): Promise<T | undefined> => {
    const { code, stdout } = await cluster.kubectl(["get", ...args, "-o", "json"]);
    return code === 0 ? (JSON.parse(stdout) as T) : undefined;
  };
  const self: KubePlace = {
    place,
    controller: (kubeconfig = cluster.kubeconfig, ...options) => start(["controller", "--kubeconfig", kubeconfig, ...options]),
    deployment(kubeconfig) {
      void self.controller(kubeconfig).ended.then(() => isOver || self.deployment(kubeconfig));
    },
    async agent(host, { gpus = [], env = {}, kubeconfig = cluster.kubeconfig, rules } = {}) {
      const shm = `${place.shm}/${host}`;
      mkdirSync(shm, { recursive: true });
      const devices = place.write(
        `devices-${host}.yaml`,
        stringify(gpus.map((index) => ({ uuid: gpuUuid(index), product: "Test GPU", memory: "8Gi" }))),
      );
      const args = ["agent", "--kubeconfig", kubeconfig, "--host-name", host, "--state-dir", place.path(`state-${host}`), "--shm", shm];
      const trusting = ["--root", "/", "--allow-root"]; // The components of the tests lie in the repository, their files elsewhere.
      const agent = start([...args, "--devices", devices, ...(rules ?? trusting)], env);
      await eventually(
        () => `the agent of ${host} to answer:\n${agent.output}`,
        () => agent.output.includes("answers on") || agent.child.exitCode !== null || agent.child.signalCode !== null,
        PATIENCE_MS,
      );
      return agent;
    },
    kubectl: (...args) => cluster.kubectlOk(args),
    apply: (file) => cluster.kubectlOk(["apply", "-f", file]),
    flow: (name = place.flow) => json<VideoFlow>("vf", name),
    tasks: async (name = place.flow) => {
      const all = await json<{ items: FlowTask[] }>("ft");
      return (all?.items ?? []).filter(({ spec }) => spec.flow === name);
    },
    async reached(states, name = place.flow) {
      let seen: VideoFlow | undefined;
      try {
        await until(async () => {
          seen = await self.flow(name);
          return states.includes(seen?.status?.state ?? "");
        }, states.join(" or "));
      } catch (error) {
        const tasks = (await self.tasks(name)).map(({ metadata, status }) => [metadata.name, status?.phase, status?.message]);
        const logs = started.map(({ output }) => output).join("\n---\n");
        throw new Error(`${String(error)}: ${JSON.stringify([seen?.status, tasks], undefined, 1)}\n${logs}`);
      }
      return seen as VideoFlow;
    },
    async leftovers() {
      isOver = true;
      for (const process of started) process.signal("SIGTERM");
      await Promise.all(started.map(({ ended }) => ended));
      await eventually(
        () => `nothing to be left: ${place.leftovers().join(", ")}`,
        () => place.leftovers().length === 0,
        PATIENCE_MS,
      ).catch(() => undefined);
      return place.leftovers();
    },
    async remove() {
      isOver = true;
      for (const process of started) process.signal("SIGKILL");
      await Promise.all(started.map(({ ended }) => ended));
      killKeepers(place.dir); // Of a test that failed: nobody else ends them, and their tasks die with them.
      await place.remove();
    },
  };
  return self;
}
