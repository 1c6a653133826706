/** The graph as users build it: consumers in, `run()`, `join()`, `stop()` out. */
import type { VideoFlow } from "../api/kinds.js";
import { OperatorError } from "../base/errors.js";
import { callerFile } from "./caller.js";
import { type ManifestFlow, manifestOf, nodesOf } from "./manifest.js";
import type { ConsumerNode, Node } from "./node.js";
import { type FlowRun, session } from "./session.js";

/** Fields of the flow in YAML, under the same names. */
type Placement = Pick<Partial<VideoFlow["spec"]>, "admission" | "fenceSeconds" | "hostSelector" | "onAgentLoss" | "onHostLoss">;

export interface FlowOptions extends Placement {
  /** DNS label; default: the name of the file that builds the flow. */
  readonly name?: string;
  /** "batch" loses nothing and ends; in "realtime" the freshest message wins. Default "batch". */
  readonly flowType?: "batch" | "realtime";
}

/**
 * A directed acyclic graph of nodes, given by its consumers.
 *
 * @see docs/guides/typescript.md
 */
export class Flow {
  readonly consumers: readonly ConsumerNode<never>[];
  readonly options: FlowOptions;
  /** Absolute path of the module that built this flow; tasks import it to find the user's own classes. */
  readonly module: string | undefined;
  #run: FlowRun | undefined;

  constructor(consumers: readonly ConsumerNode<never>[], options: FlowOptions = {}) {
    this.consumers = consumers;
    this.options = options;
    this.module = callerFile(Flow);
    session().flows.push(this);
  }

  /** All nodes, parents first, with the names they have in the manifest; members of a fused module stand for it. */
  nodes(): readonly Node[] {
    return nodesOf(this);
  }

  /** The same flow as a `VideoFlow` resource. @throws OperatorError NODE_NOT_SERIALIZABLE naming node, parameter and fix. */
  toManifest(): ManifestFlow {
    return manifestOf(this);
  }

  /**
   * Starts the flow; resolves when its tasks are placed. Does nothing in a task's own process.
   *
   * @throws OperatorError DEVICE_UNAVAILABLE before any process starts, if a node that can only run on a GPU finds none.
   * @throws OperatorError FLOW_INVALID with all problems of the graph.
   */
  async run(): Promise<void> {
    const { mode, runner } = session();
    if (mode === "collect") return;
    if (runner === undefined) throw new OperatorError("FLOW_NO_RUNNER", { flow: this.options.name ?? "flow" });
    if (this.#run !== undefined) throw new OperatorError("FLOW_RUNNING", { flow: this.options.name ?? "flow" });
    this.#run = runner(this);
    await this.#run.admitted;
  }

  /** Resolves when the last consumer closed. @throws OperatorError FLOW_FAILED with the first task's error. */
  async join(): Promise<void> {
    await this.#run?.finished;
  }

  /** Ends the producers, drains what is in flight and resolves when all tasks ended. */
  async stop(): Promise<void> {
    await this.#run?.stop();
  }
}
