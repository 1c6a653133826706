/** The control plane in one thread: the real controller and store, fake agents, virtual time, chance from one seed. */

import type { FlowTask, HostDevice, NodeSpec, VideoFlow } from "../../src/api/kinds.js";
import { Prng } from "../../src/base/prng.js";
import { createFlowController } from "../../src/controller/flow/flow-controller.js";
import { shapeOf } from "../../src/controller/flow/shape.js";
import { Heartbeats } from "../../src/controller/host/heartbeats.js";
import { createHostController } from "../../src/controller/host/host-controller.js";
import type { Controller } from "../../src/controller/runtime/controller.js";
import { EmbeddedStore } from "../../src/store/embedded/embedded-store.js";
import { aChain, aFlowSpec, aGpuNode, aNewFlow, aNode, describeComponent, devices } from "../support/builders.js";
import { FakeAgent } from "./fake-agent.js";
import { type Faults, FaultyStore, NO_FAULTS, swarm } from "./faulty-store.js";
import { Invariants, type World } from "./invariants.js";
import { ManualScheduler } from "./manual-scheduler.js";

const TICK_MS = 2_000;
const RESYNC_MS = 30_000;
const FLOWS = ["a", "b", "c"];
const HOSTS = ["h1", "h2", "h3"];
const REWIRE_CHANCE = 0.6;
/** What a flow waits for that only devices, or a person, can change. */
const WAITS = ["WaitingForDevices", "Unsatisfiable"];

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
  #controller: { readonly loops: readonly Controller[]; readonly store: FaultyStore } | undefined;
  #tick = 0;
  #checked = "";

  private constructor(
    prng: Prng,
    store: EmbeddedStore,
    scheduler: ManualScheduler,
    hosts: readonly { name: string; devices: HostDevice[] }[],
  ) {
    this.prng = prng;
    this.faults = swarm(prng);
    this.#store = store;
    this.#scheduler = scheduler;
    this.#agents = hosts.map(
      ({ name, devices: own }) =>
        new FakeAgent({ store, name, devices: own, clock: scheduler, prng, note: (text) => this.#note(`${name}: ${text}`) }),
    );
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
    const hosts = HOSTS.map((name) => ({
      name,
      devices: devices(prng.range(0, 3)).map((device) => ({ ...device, uuid: `${device.uuid}-${name}` })),
    }));
    return new Simulation(prng, store, scheduler, hosts);
  }

  /** One step of everything. @throws Error with the name of a broken invariant. */
  async tick(): Promise<void> {
    this.#tick += 1;
    this.#scheduler.advance(TICK_MS);
    await this.#ensureController();
    this.#controller?.store.catchUp();
    for (const agent of this.#agents) await agent.tick(this.faults);
    for (let action = this.#scheduler.take(); action !== undefined; action = this.#scheduler.take()) {
      action();
      for (const loop of this.#controller?.loops ?? []) await loop.working;
      await settled();
      await this.#check();
    }
    await this.#check();
  }

  /** The user does something. Other channels are asked now and then of a flow that goes on for ever: chance alone would hardly find one in time. */
  async act(): Promise<void> {
    const flows = await this.#store.list("VideoFlow");
    const running = flows.filter(({ spec, status }) => spec.flowType === "Realtime" && status?.state === "Running" && isSettled(status));
    if (running.length > 0 && this.prng.chance(REWIRE_CHANCE)) {
      const flow = this.prng.pick(running);
      this.#note(`user adds or removes a node of ${flow.metadata.name}, which runs`);
      await this.#changeChannels(flow);
      return;
    }
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
      ["changes a template of", () => this.#changeTemplate(flow)],
      ["scales", () => this.#scale(flow)],
      ["adds or removes a node of", () => this.#changeChannels(flow)],
      ["changes a wish of", () => this.#changeWish(flow)],
      [
        flow.spec.desiredState === "Paused" ? "resumes" : "pauses",
        () =>
          this.#store.update({
            ...flow,
            spec: { ...flow.spec, desiredState: flow.spec.desiredState === "Paused" ? "Running" : "Paused" },
          }),
      ],
      ["runs again", () => this.#store.update({ ...flow, spec: { ...flow.spec, run: flow.spec.run + 1 } })],
      ["changes", () => this.#store.update({ ...flow, spec: { ...this.#randomSpec(), ...keptOf(flow.spec) } })],
      ["spoils", () => this.#store.update({ ...flow, spec: { ...flow.spec, nodes: [aNode("lost", { inputs: ["nowhere"] })] } })],
      ["deletes a task of", () => this.#deleteTask(flow)],
      ["deletes a claim of", () => this.#deleteClaim(flow)],
      ["changes a host, not", () => this.#changeHost()],
      ["changes a host, not", () => this.#changeHost()],
    ]);
    this.#note(`user ${what} ${flow.metadata.name}`);
    await act();
  }

  /** A processor gets other params, or only another deadline. */
  #changeTemplate(flow: VideoFlow): Promise<unknown> {
    const more = this.prng.chance(0.8) ? { params: { edit: this.prng.range(1, 5) } } : { startupDeadlineSeconds: this.prng.range(1, 100) };
    return this.#updateNode(flow, () => more);
  }

  #scale(flow: VideoFlow): Promise<unknown> {
    return this.#updateNode(flow, () => ({ nbTasks: this.prng.range(1, this.prng.chance(0.3) ? 9 : 4) }));
  }

  /** A node more between the first two, or one less: the run needs other channels. */
  #changeChannels(flow: VideoFlow): Promise<unknown> {
    const others = flow.spec.nodes.filter(({ name }) => name !== "extra");
    const next = others[1];
    if (next === undefined) return Promise.resolve();
    const isThere = others.length < flow.spec.nodes.length;
    const extra = aNode("extra", { nbTasks: this.prng.range(1, 3), inputs: [others[0]?.name ?? ""] });
    const rewired = { ...next, inputs: isThere ? [others[0]?.name ?? ""] : ["extra"] };
    const nodes = others.flatMap((node) => (node === next ? (isThere ? [rewired] : [extra, rewired]) : [node]));
    return this.#store.update({ ...flow, spec: { ...flow.spec, nodes } });
  }

  #changeWish(flow: VideoFlow): Promise<unknown> {
    const { prng } = this;
    return this.#updateNode(flow, ({ component }) => {
      if (component !== "Gpu") return {};
      if (prng.chance(0.3)) return { deviceType: "CPU", device: { required: false, count: 1, sharing: "Exclusive" } };
      return { deviceType: "GPU", device: { required: prng.chance(0.5), count: prng.range(1, 2), sharing: "Exclusive" } };
    });
  }

  #updateNode(flow: VideoFlow, change: (node: NodeSpec) => Partial<NodeSpec>): Promise<unknown> {
    const processors = flow.spec.nodes.filter(({ role }) => role === "Processor");
    const chosen = this.prng.pick(processors.length === 0 ? flow.spec.nodes : processors);
    const nodes = flow.spec.nodes.map((node) => (node.name === chosen.name ? { ...node, ...change(node) } : node));
    return this.#store.update({ ...flow, spec: { ...flow.spec, nodes } });
  }

  async #deleteTask(flow: VideoFlow): Promise<void> {
    const tasks = (await this.#store.list("FlowTask")).filter(({ spec }) => spec.flow === flow.metadata.name);
    if (tasks.length > 0) await this.#store.delete({ kind: "FlowTask", namespace: "default", name: this.prng.pick(tasks).metadata.name });
  }

  /** A Host is deleted only when its machine is off: deleting it is the statement that it is dead. */
  async #changeHost(): Promise<void> {
    const agent = this.prng.pick(this.#agents);
    if (this.prng.chance(0.5)) return agent.flipDevice();
    const key = { kind: "Host", namespace: "", name: agent.name } as const;
    const host = await this.#store.get(key);
    if (host === undefined) return;
    if (agent.state === "PowerOff" && this.prng.chance(0.5)) return this.#store.delete(key);
    await this.#store.update<"Host">({ ...host, spec: { schedulable: this.prng.pick([true, false, "Draining"] as const) } });
  }

  async #deleteClaim(flow: VideoFlow): Promise<void> {
    const claims = (await this.#store.list("DeviceClaim")).filter(({ spec }) => spec.flow === flow.metadata.name);
    if (claims.length > 0)
      await this.#store.delete({ kind: "DeviceClaim", namespace: "default", name: this.prng.pick(claims).metadata.name });
  }

  /** From here on nothing goes wrong, and every host and device works. */
  async calm(): Promise<void> {
    this.faults = NO_FAULTS;
    for (const agent of this.#agents) agent.heal();
    for (const host of await this.#store.list("Host")) await this.#store.update<"Host">({ ...host, spec: { schedulable: true } });
  }

  /** Each flow that runs gets a node more or one less; whether what was committed goes into its channels is a toss. */
  async rewire(): Promise<void> {
    this.faults = { ...NO_FAULTS, carryOverRefused: 0.5 };
    for (const flow of await this.#store.list("VideoFlow")) {
      if (flow.status?.state !== "Running") continue;
      this.#note(`user adds or removes a node of ${flow.metadata.name} in the calm`);
      await this.#changeChannels(flow);
    }
  }

  /** Why the system is not settled yet; undefined when it is. */
  async pending(): Promise<string | undefined> {
    const present = await this.#store.list("FlowTask");
    for (const flow of await this.#store.list("VideoFlow")) {
      const why = this.#open(flow) ?? this.#unexplained(flow, present);
      if (why !== undefined) return `${flow.metadata.name} ${why} (${flow.status?.reason}: ${flow.status?.message})`;
    }
    const all = await this.#store.list("VideoFlow");
    const tasks = await this.#store.list("FlowTask");
    const unlike = all.map((flow) => differenceOf(flow, tasks)).find((text) => text !== undefined);
    if (unlike !== undefined) return unlike;
    const flows = new Set(all.map(({ metadata }) => metadata.name));
    const paused = new Set(all.filter(({ spec }) => spec.desiredState === "Paused").map(({ metadata }) => metadata.name));
    const batch = new Set(
      tasks.filter(({ spec }) => spec.flowType === "Batch" && !paused.has(spec.flow)).map(({ metadata }) => metadata.uid),
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
    const runs = spec.desiredState === "Paused" ? ["Paused"] : spec.flowType === "Realtime" ? ["Running"] : [];
    const ends = spec.desiredState === "Stopped" ? ["Stopped", "Succeeded", "Failed"] : ["Succeeded", "Failed", ...runs];
    if (status.state === "Pending" && WAITS.includes(status.reason ?? "") && spec.desiredState !== "Stopped") return undefined;
    if (status.reason === "Invalid") return undefined;
    return ends.includes(status.state ?? "") ? undefined : `is ${status.state}`;
  }

  /**
   * A flow fails because a process of it crashed too often, or because it was not to wait for what it did not get; for nothing else: a
   * memory that is lost, or does not go into other channels, begins the run again.
   */
  #unexplained({ metadata, spec, status }: VideoFlow, tasks: readonly FlowTask[]): string | undefined {
    const isInvalid = status?.conditions?.some(({ type, status: holds }) => type === "Accepted" && holds === "False") === true;
    if (status?.state !== "Failed" || isInvalid) return undefined; // What cannot run as it is written cannot begin again either.
    const own = tasks.filter((task) => task.spec.flow === metadata.name);
    if (own.length > 0) {
      const told = own.filter((task) => task.status?.phase === "Failed").map((task) => this.#failureOf(task));
      return told.includes(status.reason) ? undefined : `is Failed, but its tasks failed with ${told.join() || "nothing"}`;
    }
    const { admission } = spec;
    const isHopeless = /no host has such devices/.test(status.message ?? "");
    const isImpatient = admission?.policy === "Fail" || admission?.timeoutSeconds !== undefined;
    return isHopeless || isImpatient ? undefined : "is Failed without a task, although it may wait";
  }

  /** Why a task failed as its agent saw it. */
  #failureOf({ metadata }: FlowTask): string | undefined {
    return this.#agents.map(({ failures }) => failures.get(metadata.uid)).find((reason) => reason !== undefined);
  }

  async #ensureController(): Promise<void> {
    if (this.#controller?.store.dead === true) {
      for (const loop of this.#controller.loops) await loop.stop();
      this.#controller = undefined;
      this.#note("controller is gone");
    } else if (this.#controller === undefined) {
      this.#controller = this.#newController();
      for (const loop of this.#controller.loops) loop.start();
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
    const heartbeats = new Heartbeats();
    const common = { store, clock: this.#scheduler, scheduler: this.#scheduler, prng: this.prng, heartbeats, resyncMs: RESYNC_MS };
    const onError = (key: string, problem: string) => this.#note(`  ${key}: ${problem.slice(0, 60)}`);
    const flows = createFlowController({
      ...{ ...common, describe: describeComponent, defaultAdmission: "Wait", isScalable: true, isCached: this.prng.chance(0.7), onError },
    });
    return { loops: [flows, createHostController({ ...common, onError })], store };
  }

  /** Looks only when something was written or a process began or ended. */
  async #check(): Promise<void> {
    const state = `${this.#store.version} ${this.#agents.map(({ changes }) => changes).join(" ")}`;
    if (state === this.#checked) return;
    this.#checked = state;
    const [flows, tasks] = [await this.#store.list("VideoFlow"), await this.#store.list("FlowTask")];
    const [claims, hosts] = [await this.#store.list("DeviceClaim"), await this.#store.list("Host")];
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
      flowType: prng.chance(0.6) ? "Batch" : "Realtime",
      admission: { policy, ...(prng.chance(0.2) ? { timeoutSeconds: 5 } : {}) },
      ...(prng.chance(0.5) ? { onHostLoss: "Move" as const, fenceSeconds: prng.pick([20, 30]) } : {}),
    });
  }

  #note(text: string): void {
    this.log.push(`${String(this.#tick).padStart(5)} ${text}`);
  }
}

function isSettled({ conditions }: NonNullable<VideoFlow["status"]>): boolean {
  return conditions?.some(({ type, status }) => type === "Reconciling" && status === "False") === true;
}

/** What a changed spec does not say anew; the type of a flow never changes. */
function keptOf({ flowType, desiredState, run }: VideoFlow["spec"]): Partial<VideoFlow["spec"]> {
  return { flowType, desiredState, run };
}

/** C1: where the tasks of a flow that runs are not those of its spec. */
function differenceOf({ metadata, spec, status }: VideoFlow, tasks: readonly FlowTask[]): string | undefined {
  const { hashes, graph } = shapeOf(spec, describeComponent, true);
  const waits = status?.conditions?.some(
    ({ type, status: holds, reason }) =>
      type === "Reconciling" && holds === "True" && (reason === "WaitingForDevices" || reason === "Unsatisfiable"),
  );
  if (graph === undefined || waits === true || (status?.state !== "Running" && status?.state !== "Paused")) return undefined;
  const own = tasks.filter((task) => task.spec.flow === metadata.name);
  const done = (node: string) => own.some((task) => task.spec.node === node && task.status?.phase === "Succeeded");
  const names = new Set(own.map((task) => `${task.spec.node}.${task.spec.index}`));
  const missing = [...hashes.keys()].find((name) => !names.has(name) && !done(name.slice(0, name.lastIndexOf("."))));
  if (missing !== undefined) return `${metadata.name} has no task ${missing}`;
  const old = own.find(
    (task) =>
      task.status?.phase !== "Succeeded" &&
      (hashes.get(`${task.spec.node}.${task.spec.index}`) !== task.spec.templateHash ||
        task.status?.templateHash !== task.spec.templateHash),
  );
  return old === undefined ? undefined : `${old.metadata.name} is not what the spec asks for`;
}

/** Lets promises that are ready settle. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
}
