/** The surroundings that a node sees while it runs. */
import { type DType, Tensor } from "../base/tensor.js";
import type { DeviceReport, NodeContext, NodeLogger } from "../flow/node.js";
import type { TaskLaunch } from "./launch.js";

/** What a message says about itself, apart from its payload. */
export interface Lineage {
  readonly traceId: string;
  /** The same as ASCII, of a message that is made here; valid until the next one. */
  readonly traceText?: Uint8Array | undefined;
  readonly seq: number;
  readonly eventTs: number | undefined;
  readonly metadata: Readonly<Record<string, unknown>>;
}

const NO_METADATA: Readonly<Record<string, unknown>> = Object.freeze({});
export const NO_LINEAGE: Lineage = { traceId: "", seq: 0, eventTs: undefined, metadata: NO_METADATA };

/** What a context needs of its task. */
export interface ContextOptions {
  readonly launch: TaskLaunch;
  readonly node: string;
  readonly committed: number;
  readonly partitionBy: string | undefined;
  /** Gives tensors in the slot of the next output; undefined where the output stays in this process. */
  readonly allocate: (<D extends DType>(shape: readonly number[], dtype: D) => Tensor<D>) | undefined;
  readonly reportDevice: (report: DeviceReport) => void;
  readonly reportStateLost: () => void;
}

/** One per node and task; {@link lineage} changes with each call. */
export class TaskContext implements NodeContext {
  readonly flow: string;
  readonly run: string;
  readonly node: string;
  readonly taskIndex: number;
  readonly nbTasks: number;
  readonly devices: readonly string[];
  readonly logger: NodeLogger;
  readonly committed: number;
  lineage: Lineage = NO_LINEAGE;
  readonly #options: ContextOptions;

  constructor(options: ContextOptions) {
    const { launch } = options;
    this.flow = launch.flow;
    this.run = launch.run;
    this.node = options.node;
    this.taskIndex = launch.index;
    this.nbTasks = launch.nbTasks;
    this.devices = launch.devices;
    this.committed = options.committed;
    this.logger = lineLogger(options.node);
    this.#options = options;
  }

  get traceId(): string {
    return this.lineage.traceId;
  }
  get seq(): number {
    return this.lineage.seq;
  }
  get eventTs(): number | undefined {
    return this.lineage.eventTs;
  }
  get metadata(): Readonly<Record<string, unknown>> {
    return this.lineage.metadata;
  }

  get partitionKey(): string | undefined {
    const { partitionBy } = this.#options;
    if (partitionBy === undefined) return undefined;
    const key = partitionBy === "trace_id" ? this.lineage.traceId : this.lineage.metadata[partitionBy];
    return key === undefined ? undefined : String(key);
  }

  allocate<D extends DType>(shape: readonly number[], dtype: D): Tensor<D> {
    return this.#options.allocate?.(shape, dtype) ?? Tensor.zeros(dtype, shape);
  }

  reportDevice(report: DeviceReport): void {
    this.#options.reportDevice(report);
  }

  /** The node goes on without what it had kept, because it does so in a process of its own that died. */
  reportStateLost(): void {
    this.#options.reportStateLost();
  }
}

/** Lines on stderr, which is the task's log file. */
function lineLogger(node: string): NodeLogger {
  const line = (level: string) => (text: string) => {
    process.stderr.write(`${new Date().toISOString()} ${level} ${node}: ${text}\n`);
  };
  return { info: line("info"), warn: line("warn"), error: line("error") };
}
