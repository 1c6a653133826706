/** A flow under the real controller and store; its agent makes each step when the test says so. */
import type { FlowTask, Host, NodeSpec, VideoFlow, VideoFlowSpec } from "../../src/api/kinds.js";
import { conditionOf } from "../../src/controller/flow/conditions.js";
import type { Change } from "../../src/controller/flow/observed.js";
import { FlowReconciler } from "../../src/controller/flow/reconciler.js";
import { EmbeddedStore } from "../../src/store/embedded/embedded-store.js";
import { FakeAgent } from "../sim/fake-agent.js";
import { NO_FAULTS } from "../sim/faulty-store.js";
import { aNewFlow, describeComponent } from "./builders.js";

const KEY = { kind: "VideoFlow", namespace: "default", name: "f" } as const;
const CLOCK = { nowMs: () => 1_000_000, wallMs: () => 1_000_000 };
/** The fake agent always does at once what it may do by chance. */
const SURE = {
  next: () => 0,
  chance: (probability: number) => probability >= 0.5,
  pick: <T>(items: readonly T[]) => items[0] as T,
  range: (least: number) => least,
};

export class LiveWorld {
  readonly store: EmbeddedStore;
  /** What was done since the last look: "update f.work.0 Retired", "spawn f.work.0 on cpu". */
  readonly log: string[] = [];
  readonly agent: FakeAgent;
  readonly #reconciler: FlowReconciler;

  private constructor(store: EmbeddedStore) {
    this.store = store;
    this.agent = new FakeAgent({ store, name: "h", clock: CLOCK, prng: SURE as never, note: (text) => this.log.push(text) });
    this.#reconciler = new FlowReconciler({
      ...{ store, clock: CLOCK, describe: describeComponent, defaultAdmission: "Fail", isScalable: true },
      onChange: (_flow, change) => this.log.push(told(change)),
    });
  }

  static async start(spec: VideoFlowSpec, host: Host): Promise<LiveWorld> {
    const store = await EmbeddedStore.open();
    const { status, ...newHost } = host;
    await store.updateStatus({ ...(await store.create<"Host">(newHost)), ...(status === undefined ? {} : { status }) });
    const world = new LiveWorld(store);
    await store.create(aNewFlow("f", spec));
    await world.settle();
    world.log.length = 0;
    return world;
  }

  /** Controller and agent in turn, until nothing changes. */
  async settle(): Promise<void> {
    for (let rounds = 0; rounds < 50; rounds += 1) {
      const before = `${this.store.version} ${this.agent.changes}`;
      await this.reconcile();
      await this.agent.tick(NO_FAULTS);
      if (`${this.store.version} ${this.agent.changes}` === before) return;
    }
    throw new Error(`does not settle:\n${this.log.slice(-30).join("\n")}`);
  }

  async reconcile(): Promise<void> {
    let again = await this.#reconciler.reconcile(KEY);
    while (again === 0) again = await this.#reconciler.reconcile(KEY);
  }

  async flow(): Promise<VideoFlow> {
    return (await this.store.get(KEY)) as VideoFlow;
  }

  async edit(change: (spec: VideoFlowSpec) => VideoFlowSpec): Promise<void> {
    const flow = await this.flow();
    await this.store.update<"VideoFlow">({ ...flow, spec: change(flow.spec) });
  }

  /** From now on its host has so many bytes of shared memory for flows. */
  async hasMemory(shmBytes: number): Promise<void> {
    const host = (await this.store.get({ kind: "Host", namespace: "", name: "h" })) as Host;
    await this.store.updateStatus<"Host">({ ...host, status: { ...(host.status as NonNullable<Host["status"]>), shmBytes } });
  }

  editNode(node: string, change: Partial<NodeSpec>): Promise<void> {
    return this.edit((spec) => ({ ...spec, nodes: spec.nodes.map((old) => (old.name === node ? { ...old, ...change } : old)) }));
  }

  async tasks(): Promise<FlowTask[]> {
    return this.store.list("FlowTask");
  }

  /** "True HeldBack". */
  async condition(type: string): Promise<string> {
    const found = conditionOf(type, (await this.flow()).status?.conditions);
    return `${found?.status} ${found?.reason}`;
  }

  /** The agent says how a task ended. */
  async report(name: string, status: NonNullable<FlowTask["status"]>): Promise<void> {
    const task = (await this.store.get({ kind: "FlowTask", namespace: "default", name })) as FlowTask;
    await this.store.updateStatus<"FlowTask">({ ...task, status: { ...task.status, ...status } });
  }

  /** What was logged since, without finalizers. */
  told(): string[] {
    return this.log.splice(0).filter((text) => !text.startsWith("setFinalizers"));
  }
}

function told(change: Change): string {
  switch (change.op) {
    case "updateTask":
      return `${change.spec.templateHash === change.task.spec.templateHash ? "update" : "replace"} ${change.task.metadata.name} ${change.spec.desiredState}`;
    case "decideClaim":
      return `decide ${change.claim} ${change.status.allocation?.devices.join() ?? change.status.reason}`;
    case "createClaim":
    case "updateClaim":
    case "deleteClaim":
      return `${change.op} ${change.claim.metadata.name}`;
    case "setFinalizers":
      return `${change.op} ${change.object.metadata.name}`;
    default:
      return `${change.op} ${change.task.metadata.name}`;
  }
}
