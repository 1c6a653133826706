/**
 * The nodes of a flow, as users write them.
 * Knows the graph model (producer, processor, consumer); must not know processes, memory or devices of a machine.
 */
import type { NodeSpec } from "../api/kinds.js";
import type { DType, Tensor } from "../base/tensor.js";
import { type ComponentDescriptor, DEFAULT_DESCRIPTOR, type PartialDescriptor, type Role } from "./descriptor.js";

/** Returned by `next()` when a producer has nothing more to give. */
export const END: unique symbol = Symbol.for("videoflow.end");
export type End = typeof END;

/** What a message carries beside its payload. */
export interface MessageOptions {
  /** Epoch seconds of the real event; absent is not 0. */
  readonly eventTs?: number;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** A payload with an event time or metadata of its own; return it from `next()` or `process()` instead of the bare payload. */
export class Message<T> {
  readonly payload: T;
  readonly options: MessageOptions;
  constructor(payload: T, options: MessageOptions = {}) {
    this.payload = payload;
    this.options = options;
  }
}

/** Zero or many outputs of one input; return it from `process()`. `undefined` is the same as `new Outputs([])`. */
export class Outputs<T> {
  readonly payloads: readonly (T | Message<T>)[];
  constructor(payloads: readonly (T | Message<T>)[]) {
    this.payloads = payloads;
  }
}

/** What one call may give: one output, a message with options, many outputs, or nothing (`undefined` filters the input out). */
export type Output<T> = T | Message<T> | Outputs<T> | undefined;

/** The surroundings of a running node. One per task; the message fields change with each call. */
export interface NodeContext {
  readonly flow: string;
  readonly run: string;
  readonly node: string;
  /** 0 to nbTasks - 1. */
  readonly taskIndex: number;
  readonly nbTasks: number;
  /** Full UUIDs of the GPUs of this task's claim, in allocation order; empty on the CPU. */
  readonly devices: readonly string[];
  readonly logger: NodeLogger;
  /** Producers: number of messages that earlier incarnations of this task committed; 0 at first. */
  readonly committed: number;
  /** Lineage of the current input. */
  readonly traceId: string;
  /** Number of the current input at its producer, from 1. */
  readonly seq: number;
  /** Epoch seconds of the real event; the minimum over the inputs of a join. */
  readonly eventTs: number | undefined;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly partitionKey: string | undefined;
  /** A tensor in the slot of the next output: what is written into it and returned is not copied. Contents are undefined. */
  allocate<D extends DType>(shape: readonly number[], dtype: D): Tensor<D>;
  /** Says where the node really computes; a GPU task that says "cpu" makes its flow Degraded with the reason and the fix. */
  reportDevice(report: DeviceReport): void;
}

export interface NodeLogger {
  info(text: string): void;
  warn(text: string): void;
  error(text: string): void;
}

/** Where a task computes. */
export interface DeviceReport {
  /** "cuda", "cpu", … : the execution provider that really loaded. */
  readonly provider: string;
  /** Why it is not the wished one. */
  readonly reason?: string;
  /** The one command that installs what is missing. */
  readonly fix?: string;
}

/** How the tasks of a node are started and watched over: fields of the node in YAML, under the same names. */
type TaskFields = Pick<
  Partial<NodeSpec>,
  "progressDeadlineSeconds" | "resources" | "retries" | "startupDeadlineSeconds" | "terminationGracePeriodSeconds" | "workingDir"
>;

/** Options that every node takes. */
export interface NodeOptions extends TaskFields {
  /** DNS label, unique in the flow. Absent: the class name in kebab case, numbered. */
  readonly name?: string;
  /** Environment variables of its tasks. */
  readonly env?: readonly NodeSpec["env"][number][];
  /** What happens when a task dies. */
  readonly restart?: Partial<NonNullable<NodeSpec["restart"]>>;
}

/** Options of a processor, under Videoflow's names in camelCase. */
export interface ProcessorOptions extends NodeOptions {
  /** Number of tasks (processes); default 1. */
  readonly nbTasks?: number;
  /** A wish: what finds no GPU runs on the CPU. Default "cpu". */
  readonly deviceType?: "cpu" | "gpu";
  /** Metadata field, or "trace_id": messages of one key go to one task. */
  readonly partitionBy?: string;
  /** How several inputs are brought together; default: by trace. */
  readonly join?: JoinOptions;
  /** Sizes the output pool. */
  readonly buffer?: { readonly messages?: number; readonly bytes?: number };
  /** What the GPUs of each task must be like. */
  readonly device?: Partial<NonNullable<NodeSpec["device"]>>;
}

/** Joins by event time: which messages belong together, and what happens where one is missing. */
export interface JoinOptions {
  readonly mode: "Time";
  /** Milliseconds that events of one group may be apart. */
  readonly toleranceMs: number;
  /** Milliseconds after which a group no longer waits for a silent input. Default: 10,000 in realtime, for ever in batch. */
  readonly timeoutMs?: number;
  /** A group that waits no longer is given out if it has this many inputs, with null for the others. Default: all. */
  readonly quorum?: number;
  /** Names of inputs that give a list of all their messages within the tolerance. */
  readonly collect?: readonly string[];
  /** What becomes of a group without its quorum. Default: "drop" in realtime, "wait" in batch. */
  readonly missing?: "drop" | "wait" | "error";
}

/** Anything that has outputs of type T. */
export interface Source<T> {
  readonly name: string;
  /** Compile-time only: the type of the outputs. */
  readonly __output?: T;
}

/** The sources that a node with inputs `In` can be wired to, in order. */
export type Sources<In extends readonly unknown[]> = { readonly [K in keyof In]: Source<In[K]> };

let unnamed = 0;

/** A vertex of the graph. Extend {@link ProducerNode}, {@link ProcessorNode} or {@link ConsumerNode} instead. */
export abstract class Node<Params extends object = object> {
  /** What the class says about itself; merged with the defaults of its base class. */
  static readonly descriptor: PartialDescriptor = {};

  readonly params: Params;
  readonly options: ProcessorOptions;
  #name: string | undefined;
  #parents: readonly Node[] = [];
  #context: NodeContext | undefined;

  /**
   * @param params  plain data, handed to the constructor again in the task's own process.
   * @param options name, number of tasks, device.
   */
  constructor(params?: Params, options: ProcessorOptions = {}) {
    this.params = (params ?? {}) as Params;
    this.options = options;
    this.#name = options.name;
  }

  get name(): string {
    if (this.#name === undefined) {
      unnamed += 1;
      this.#name = `${kebab(this.constructor.name)}-${unnamed}`;
    }
    return this.#name;
  }

  /** Names a node whose user gave it no name. */
  rename(name: string): void {
    if (this.options.name === undefined) this.#name = name;
  }

  /** The nodes whose outputs this node reads, in the order of `process(...inputs)`. */
  get parents(): readonly Node[] {
    return this.#parents;
  }

  protected wire(parents: readonly Node[]): void {
    this.#parents = parents;
  }

  /** The surroundings; set by the worker before `open()`. @throws TypeError outside a worker. */
  get context(): NodeContext {
    if (this.#context === undefined) throw new TypeError(`node "${this.name}" has no context: it is not running in a task`);
    return this.#context;
  }

  /** Called by the worker. */
  attach(context: NodeContext): void {
    this.#context = context;
  }

  /** Called once in the task's process before the first message. */
  open(_context: NodeContext): void | Promise<void> {}

  /** Called once after the last message, also after a failure. */
  close(): void | Promise<void> {}

  /**
   * What the node must remember after its last input, at most 1 MiB. It is stored in the commit of that input, so after a death
   * the node continues from exactly the inputs that count. The bytes are read at once: a buffer may be used again.
   */
  snapshot?(): Uint8Array | Promise<Uint8Array>;

  /**
   * Continues from a {@link snapshot}: after `open()` in a task that was started again, and before another attempt at an input
   * that failed.
   */
  restore?(state: Uint8Array): void;
}

/** A source of messages: no inputs, one task. */
export abstract class ProducerNode<Out, Params extends object = object> extends Node<Params> implements Source<Out> {
  declare readonly __output?: Out;

  constructor(params?: Params, options: NodeOptions & Pick<ProcessorOptions, "buffer"> = {}) {
    super(params, options);
  }

  /** @returns the next payload, or {@link END} when there are no more. */
  abstract next(): Out | Message<Out> | End | Promise<Out | Message<Out> | End>;
}

/** Turns inputs into outputs; may have many tasks, so it must not keep state between inputs. */
export abstract class ProcessorNode<In extends readonly unknown[], Out, Params extends object = object>
  extends Node<Params>
  implements Source<Out>
{
  declare readonly __output?: Out;

  /** Wires the inputs: `process(...inputs)` gets them in this order. */
  from(...parents: Sources<In>): this {
    this.wire(parents as unknown as readonly Node[]);
    return this;
  }

  /**
   * One input of each parent in, its outputs out. Inputs are views that are valid until the call settles.
   *
   * @returns one output; `undefined` for none; {@link Outputs} for many; a promise of these.
   */
  abstract process(...inputs: In): Output<Out> | Promise<Output<Out>>;

  /** Called once per task when all parents have ended; what it returns goes out after the last message. */
  flush(): Output<Out> | Promise<Output<Out>> {
    return undefined;
  }

  /**
   * Says whether the node can run on the device. Called while the flow is turned into a spec: a node that throws for "cpu"
   * can only run on a GPU, and the flow fails at allocation time if there is none. Called again in the task's process, before
   * `open()`, with the device that the task was given.
   */
  changeDevice(_device: "cpu" | "gpu"): void {}
}

/** A processor that keeps state between inputs: always one task, a larger `nbTasks` is ignored and told. */
export abstract class OneTaskProcessorNode<In extends readonly unknown[], Out, Params extends object = object> extends ProcessorNode<
  In,
  Out,
  Params
> {
  static override readonly descriptor: PartialDescriptor = { oneTask: true };
}

/** An end of the graph: no outputs, one task. */
export abstract class ConsumerNode<In extends readonly unknown[], Params extends object = object> extends Node<Params> {
  constructor(params?: Params, options: NodeOptions = {}) {
    super(params, options);
  }

  /** Wires the inputs: `consume(...inputs)` gets them in this order. */
  from(...parents: Sources<In>): this {
    this.wire(parents as unknown as readonly Node[]);
    return this;
  }

  abstract consume(...inputs: In): void | Promise<void>;

  /**
   * For a consumer that holds inputs back until what it did is safe, `holds` of its descriptor at most: how many of the calls of
   * `consume()` in this process are safe. These are acknowledged, with the {@link snapshot} taken now, which must tell of them and
   * of no later ones. After a death the others are consumed again. Without this method a call is safe when it returns.
   */
  settled?(): number;

  /** Only with {@link settled}: all parents have ended; makes everything safe. */
  flush?(): void | Promise<void>;

  /**
   * Only with {@link settled}: this process makes way for the next one of its task; makes everything safe, and is closed then.
   * Without this method the next process consumes again what is not safe.
   */
  makeSafe?(): void | Promise<void>;
}

/** A class that a flow can run. */
export type ComponentClass = (new (params?: never, options?: never) => Node) & { readonly descriptor: PartialDescriptor };

/** @returns the role that follows from the base class. */
export function roleOf(component: { readonly prototype: object }): Role | undefined {
  const { prototype } = component;
  if (prototype instanceof ProducerNode) return "Producer";
  if (prototype instanceof ProcessorNode) return "Processor";
  if (prototype instanceof ConsumerNode) return "Consumer";
  return undefined;
}

/** @returns the whole descriptor of a class: defaults, then what its ancestors and it state. */
export function describe(component: ComponentClass): ComponentDescriptor {
  const role = roleOf(component);
  if (role === undefined) throw new TypeError(`${component.name} extends none of ProducerNode, ProcessorNode, ConsumerNode`);
  const oneTask = component.prototype instanceof OneTaskProcessorNode;
  return { ...DEFAULT_DESCRIPTOR, ...component.descriptor, ...(oneTask ? { oneTask } : {}), role };
}

function kebab(className: string): string {
  return className.replace(/([a-z0-9])([A-Z])/g, "$1-$2").toLowerCase();
}
