/** One flow on this machine as a daemon runs it: real controller, agent, keeper, tasks; the test is the user who edits it. */
import { Agent } from "../../src/agent/agent.js";
import { KeeperClient } from "../../src/agent/keeper-client.js";
import type { FlowTask, NodeSpec, VideoFlow, VideoFlowSpec } from "../../src/api/kinds.js";
import { validateVideoFlow } from "../../src/api/validate.js";
import { REAL_CLOCK } from "../../src/base/clock.js";
import { OperatorError } from "../../src/base/errors.js";
import { Prng } from "../../src/base/prng.js";
import { DESCRIPTORS } from "../../src/components/descriptors.js";
import { createFlowController } from "../../src/controller/flow/flow-controller.js";
import type { Controller } from "../../src/controller/runtime/controller.js";
import { REAL_SCHEDULER } from "../../src/controller/runtime/scheduler.js";
import { EmbeddedStore } from "../../src/store/embedded/embedded-store.js";
import { eventually, type Workplace } from "./flow-process.js";

const HOST = "here";

export class LiveFlow {
  readonly #place: Workplace;
  readonly #store: EmbeddedStore;
  readonly #keeper: KeeperClient;
  readonly #agent: Agent;
  readonly #controller: Controller;
  #flow: VideoFlow | undefined;
  readonly #tasks = new Map<string, FlowTask>();
  /** What the agent said, in order. */
  readonly notes: string[] = [];

  private constructor(place: Workplace, store: EmbeddedStore, keeper: KeeperClient, agent: Agent, notes: string[]) {
    this.#place = place;
    this.#store = store;
    this.#keeper = keeper;
    this.#agent = agent;
    this.notes = notes;
    this.#controller = createFlowController({
      ...{ store, clock: REAL_CLOCK, scheduler: REAL_SCHEDULER, prng: new Prng(1), defaultAdmission: "Fail", isScalable: true },
      describe: (component) => DESCRIPTORS.get(component),
      onError: (flow, problem) => notes.push(`controller: ${flow}: ${problem}`),
    });
    store.watch("VideoFlow", ({ object }) => {
      this.#flow = object;
    });
    store.watch("FlowTask", ({ type, object }) => {
      if (type === "Deleted") this.#tasks.delete(object.metadata.name);
      else this.#tasks.set(object.metadata.name, object);
    });
    this.#controller.start();
  }

  /** Starts everything and applies a flow with these nodes. */
  static async start(place: Workplace, nodes: readonly object[], spec: object = {}): Promise<LiveFlow> {
    const keeper = KeeperClient.spawn({ command: [process.execPath, "dist/main/keeper.js"] });
    const store = await EmbeddedStore.open();
    const notes: string[] = [];
    const agent = await Agent.start({
      ...{ store, hostName: HOST, keeper, clock: REAL_CLOCK, stateDir: place.path("state"), shmBase: place.shm },
      workerCommand: [process.execPath, "dist/main/worker.js"],
      env: { ...process.env, NODE_OPTIONS: "", TMPDIR: place.path("tmp") },
      onNote: ({ subject, what, message }) => notes.push(`${subject} ${what}: ${message}`),
    });
    const live = new LiveFlow(place, store, keeper, agent, notes);
    const document = { apiVersion: "videoflow.io/v1alpha1", kind: "VideoFlow", metadata: { name: place.flow }, spec: { ...spec, nodes } };
    const { flow, problems } = validateVideoFlow(document);
    if (flow === undefined) throw new Error(JSON.stringify(problems));
    await store.create(flow);
    return live;
  }

  get flow(): VideoFlow {
    if (this.#flow === undefined) throw new Error("the flow is not there yet");
    return this.#flow;
  }

  get tasks(): FlowTask[] {
    return [...this.#tasks.values()].toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  }

  /** `<node>.<index>` of each task to its pid. */
  get pids(): Map<string, number | undefined> {
    return new Map(this.tasks.map(({ spec, status }) => [`${spec.node}.${spec.index}`, status?.pid]));
  }

  /** "True HeldBack". */
  condition(type: string): string {
    const found = this.#flow?.status?.conditions?.find((condition) => condition.type === type);
    return `${found?.status} ${found?.reason}`;
  }

  /** Edits the spec as `apply` does. */
  async edit(change: (spec: VideoFlowSpec) => VideoFlowSpec): Promise<void> {
    for (;;) {
      const { namespace, name } = this.flow.metadata;
      const flow = (await this.#store.get({ kind: "VideoFlow", namespace, name })) as VideoFlow;
      try {
        await this.#store.update<"VideoFlow">({ ...flow, spec: change(flow.spec) });
        return;
      } catch (error) {
        if (!(error instanceof OperatorError) || error.code !== "STORE_CONFLICT") throw error;
      }
    }
  }

  editNode(node: string, change: Partial<NodeSpec>): Promise<void> {
    return this.edit((spec) => ({ ...spec, nodes: spec.nodes.map((old) => (old.name === node ? { ...old, ...change } : old)) }));
  }

  /** Waits until the status speaks of the present spec and fits. */
  async until(what: string, fits: (flow: VideoFlow) => boolean): Promise<void> {
    const seen = () => `${what}: ${JSON.stringify(this.#flow?.status, null, 1)}\n${this.notes.join("\n")}`;
    await eventually(seen, () => {
      const flow = this.#flow;
      return flow?.status?.observedGeneration === flow?.metadata.generation && flow !== undefined && fits(flow);
    });
  }

  untilState(state: string): Promise<void> {
    return this.until(`state ${state}`, ({ status }) => status?.state === state);
  }

  /** All tasks run what the spec asks for. */
  untilSettled(): Promise<void> {
    return this.until(
      "nothing under way",
      () => this.condition("Reconciling") === "False Settled" && this.condition("Ready").startsWith("True"),
    );
  }

  async close(): Promise<void> {
    await this.#controller.stop();
    await this.#agent.stop();
    await this.#keeper.close();
    await this.#store.close();
    await this.#place.remove();
  }
}
