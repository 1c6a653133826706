/** The control plane in one thread: the real controller and store, fake agents, virtual time, chance from one seed. */
import type { Kind, Kinds, NodeSpec, VideoFlow } from "../../src/api/kinds.js";
import { Prng } from "../../src/base/prng.js";
import { createFlowController } from "../../src/controller/flow/flow-controller.js";
import type { Controller } from "../../src/controller/runtime/controller.js";
import { EmbeddedStore } from "../../src/store/embedded/embedded-store.js";
import { aChain, aFlowSpec, aGpuNode, aHost, aNewFlow, aNode, describeComponent, devices } from "../support/builders.js";
import { FakeAgent } from "./fake-agent.js";
import { type Faults, FaultyStore, NO_FAULTS, swarm } from "./faulty-store.js";
import { Invariants, type World } from "./invariants.js";
import { ManualScheduler } from "./manual-scheduler.js";

const TICK_MS = 100;
const RESYNC_MS = 3_000;
const FLOWS = ["a", "b", "c"];

type Snapshot = { readonly [K in Kind]: readonly Kinds[K][] };

export class Simulation {
  faults: Faults;
  readonly prng: Prng;
  readonly log: string[] = [];
  /** Writes of the controller so far. */
  writes = 0;
  readonly #scheduler = new ManualScheduler();
  readonly #store: EmbeddedStore;
  readonly #agents: FakeAgent[];
  readonly #invariants = new Invariants();
  #snapshot: Snapshot = { VideoFlow: [], FlowTask: [], DeviceClaim: [], Host: [], Event: [], Lease: [] };
  #controller: { readonly loop: Controller; readonly store: FaultyStore } | undefined;
  #tick = 0;
  #checked = "";

  private constructor(prng: Prng, store: EmbeddedStore, scheduler: ManualScheduler, hosts: readonly string[]) {
    this.prng = prng;
    this.faults = swarm(prng);
    this.#store = store;
    this.#scheduler = scheduler;
    this.#agents = hosts.map((host) => new FakeAgent(store, host, prng, (text) => this.#note(text)));
  }

  static async start(seed: number): Promise<Simulation> {
    const prng = new Prng(seed);
    const scheduler = new ManualScheduler();
    let uids = 0;
    const store = await EmbeddedStore.open({
      clock: scheduler,
      newUid: () => {
        uids += 1;
        return `uid-${uids}`;
      },
    });
    const hosts = ["h1", "h2"].slice(0, prng.range(1, 2));
    for (const name of hosts) {
      const { status, ...host } = aHost(
        name,
        devices(prng.range(0, 3)).map((device) => ({ ...device, uuid: `${device.uuid}-${name}` })),
        { cores: 4 },
      );
      const created = await store.create(host);
      await store.updateStatus({ ...created, ...(status === undefined ? {} : { status }) });
    }
    return new Simulation(prng, store, scheduler, hosts);
  }

  /** One step of everything. @throws Error with the name of a broken invariant. */
  async tick(): Promise<void> {
    this.#tick += 1;
    this.#scheduler.advance(TICK_MS);
    await this.#ensureController();
    for (const agent of this.#agents) await agent.tick(this.faults);
    for (let action = this.#scheduler.take(); action !== undefined; action = this.#scheduler.take()) {
      action();
      await this.#controller?.loop.working;
      await settled();
      await this.#check();
    }
    await this.#check();
    if (!this.prng.chance(this.faults.staleRead)) this.#snapshot = await this.#look();
  }

  /** The user does something. */
  async act(): Promise<void> {
    const name = this.prng.pick(FLOWS);
    const flow = await this.#store.get({ kind: "VideoFlow", namespace: "default", name });
    if (flow === undefined) {
      await this.#store.create(aNewFlow(name, this.#randomSpec()));
      this.#note(`user creates ${name}`);
    } else {
      await this.#change(flow);
    }
  }

  async #change(flow: VideoFlow): Promise<void> {
    const desiredState = flow.spec.desiredState === "Running" ? "Stopped" : "Running";
    const key = { kind: "VideoFlow", namespace: "default", name: flow.metadata.name } as const;
    const [what, act] = this.prng.pick<[string, () => Promise<unknown>]>([
      ["deletes", () => this.#store.delete(key)],
      [`sets ${desiredState}`, () => this.#store.update({ ...flow, spec: { ...flow.spec, desiredState } })],
      ["changes", () => this.#store.update({ ...flow, spec: { ...this.#randomSpec(), desiredState: flow.spec.desiredState } })],
      ["spoils", () => this.#store.update({ ...flow, spec: { ...flow.spec, nodes: [aNode("lost", { inputs: ["nowhere"] })] } })],
      ["deletes a task of", () => this.#deleteTask(flow)],
      ["breaks or mends a device, not", () => this.#flipDevice()],
    ]);
    this.#note(`user ${what} ${flow.metadata.name}`);
    await act();
  }

  async #deleteTask(flow: VideoFlow): Promise<void> {
    const tasks = (await this.#store.list("FlowTask")).filter(({ spec }) => spec.flow === flow.metadata.name);
    if (tasks.length > 0) await this.#store.delete({ kind: "FlowTask", namespace: "default", name: this.prng.pick(tasks).metadata.name });
  }

  async #flipDevice(): Promise<void> {
    const host = this.prng.pick(await this.#store.list("Host"));
    const list = host.status?.devices ?? [];
    const at = this.prng.range(0, Math.max(0, list.length - 1));
    const status = {
      ...host.status,
      devices: list.map((device, index) => (index === at ? { ...device, healthy: !device.healthy } : device)),
    };
    await this.#store.updateStatus({ ...host, status });
  }

  /** From here on nothing goes wrong, and every device works. */
  async calm(): Promise<void> {
    this.faults = NO_FAULTS;
    for (const host of await this.#store.list("Host")) {
      const list = (host.status?.devices ?? []).map((device) => ({ ...device, healthy: true }));
      await this.#store.updateStatus({ ...host, status: { ...host.status, devices: list } });
    }
  }

  /** Why the system is not settled yet; undefined when it is. */
  async pending(): Promise<string | undefined> {
    for (const flow of await this.#store.list("VideoFlow")) {
      const why = this.#open(flow);
      if (why !== undefined) return `${flow.metadata.name} ${why} (${flow.status?.reason}: ${flow.status?.message})`;
    }
    const flows = new Set((await this.#store.list("VideoFlow")).map(({ metadata }) => metadata.name));
    const batch = new Set(
      (await this.#store.list("FlowTask")).filter(({ spec }) => spec.flowType === "Batch").map(({ metadata }) => metadata.uid),
    );
    const live = this.#agents.flatMap(({ processes }) => processes).find(({ taskUid }) => batch.has(taskUid));
    if (live !== undefined) return `${live.task} still runs`;
    const left = [...(await this.#store.list("FlowTask")), ...(await this.#store.list("DeviceClaim"))].find(
      ({ spec }) => !flows.has(spec.flow),
    );
    return left === undefined ? undefined : `${left.metadata.name} is left behind`;
  }

  #open({ metadata, spec, status }: VideoFlow): string | undefined {
    if (metadata.deletionTimestamp !== undefined) return "is not deleted";
    if (status?.observedGeneration !== metadata.generation) return "has a status behind its spec";
    const ends =
      spec.desiredState === "Stopped"
        ? ["Stopped", "Succeeded", "Failed"]
        : ["Succeeded", "Failed", ...(spec.flowType === "Realtime" ? ["Running"] : [])];
    if (status.state === "Pending" && status.reason === "WaitingForDevices" && spec.desiredState === "Running") return undefined;
    if (status.reason === "Invalid") return undefined;
    return ends.includes(status.state ?? "") ? undefined : `is ${status.state}`;
  }

  async #ensureController(): Promise<void> {
    if (this.#controller?.store.dead === true) {
      await this.#controller.loop.stop();
      this.#controller = undefined;
      this.#note("controller is gone");
    } else if (this.#controller === undefined) {
      this.#controller = this.#newController();
      this.#controller.loop.start();
    }
  }

  #newController() {
    const store = new FaultyStore(
      this.#store,
      this.prng,
      () => this.faults,
      (what) => {
        this.writes += 1;
        this.#note(`  ${what}`);
      },
    );
    const loop = createFlowController({
      ...{ store, reader: this.#staleReader(store), clock: this.#scheduler, scheduler: this.#scheduler, prng: this.prng },
      ...{ describe: describeComponent, defaultAdmission: "Wait", resyncMs: RESYNC_MS },
      onError: (flow, problem) => this.#note(`  ${flow}: ${problem.slice(0, 60)}`),
    });
    return { loop, store };
  }

  /** A cache that shows the world of some ticks ago. */
  #staleReader(store: FaultyStore) {
    const stale = () => this.prng.chance(this.faults.staleRead);
    return {
      get: async <K extends Kind>(key: { kind: K; namespace: string; name: string }) =>
        stale() ? (this.#snapshot[key.kind].find(({ metadata }) => metadata.name === key.name) as Kinds[K] | undefined) : store.get(key),
      list: async <K extends Kind>(kind: K) => (stale() ? ([...this.#snapshot[kind]] as Kinds[K][]) : store.list(kind)),
    };
  }

  async #look(): Promise<Snapshot> {
    const [VideoFlow, FlowTask] = [await this.#store.list("VideoFlow"), await this.#store.list("FlowTask")];
    const [DeviceClaim, Host] = [await this.#store.list("DeviceClaim"), await this.#store.list("Host")];
    return { VideoFlow, FlowTask, DeviceClaim, Host, Event: await this.#store.list("Event"), Lease: await this.#store.list("Lease") };
  }

  /** Looks only when something was written or a process began or ended. */
  async #check(): Promise<void> {
    const state = `${this.#store.version} ${this.#agents.map(({ changes }) => changes).join(" ")}`;
    if (state === this.#checked) return;
    this.#checked = state;
    const { VideoFlow: flows, FlowTask: tasks, DeviceClaim: claims, Host: hosts } = await this.#look();
    const world: World = { flows, tasks, claims, hosts, processes: this.#agents.flatMap(({ processes }) => processes) };
    this.#invariants.check(world);
  }

  #randomSpec() {
    const { prng } = this;
    const gpu = (name: string): NodeSpec => {
      if (prng.chance(0.3))
        return aGpuNode(name, prng.range(1, 2), { sharing: "Shared", memory: `${prng.range(2, 8)}Gi`, required: prng.chance(0.3) });
      return aGpuNode(name, prng.range(1, 3), { count: prng.range(1, 2), required: prng.chance(0.4) });
    };
    const nodes = aChain(aNode("prepare", { nbTasks: prng.range(1, 2) }), gpu("detect"), ...(prng.chance(0.5) ? [gpu("face")] : []));
    const policy = prng.chance(0.7) ? ("Wait" as const) : ("Fail" as const);
    return aFlowSpec(nodes, {
      flowType: prng.chance(0.8) ? "Batch" : "Realtime",
      admission: { policy, ...(prng.chance(0.2) ? { timeoutSeconds: 5 } : {}) },
    });
  }

  #note(text: string): void {
    this.log.push(`${String(this.#tick).padStart(5)} ${text}`);
  }
}

/** Lets promises that are ready settle. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
}
