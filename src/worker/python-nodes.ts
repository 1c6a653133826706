/** Nodes of ours that stand for a class written in Python; the class runs in a child process. */
import type { TaskMember } from "../api/kinds.js";
import {
  ConsumerNode,
  END,
  type End,
  type Node,
  type NodeContext,
  type NodeOptions,
  type Output,
  ProcessorNode,
  ProducerNode,
} from "../flow/node.js";
import type { PythonComponent } from "../flow/python-component.js";
import { PythonLink } from "./python-link.js";
import type { MayForget } from "./states.js";

/** Passes over what an earlier incarnation gave by itself, without a round for each message. */
export class PythonProducer extends ProducerNode<unknown> {
  static override readonly descriptor = { seekable: true };
  readonly #link: PythonLink;

  constructor(params: object, options: NodeOptions, component: PythonComponent) {
    super(params, options);
    this.#link = new PythonLink(component, "Producer", params);
  }

  override async open(context: NodeContext): Promise<void> {
    await this.#link.open(context);
    keepState(this, this.#link);
  }

  override async next(): Promise<unknown | End> {
    const { output, ended } = await this.#link.call([]);
    return ended ? END : output;
  }

  override close(): Promise<void> {
    return this.#link.close();
  }
}

export class PythonProcessor extends ProcessorNode<unknown[], unknown> {
  readonly #link: PythonLink;

  /** @param oneTask the spec says that the class keeps state. */
  constructor(params: object, options: NodeOptions, component: PythonComponent, oneTask = false) {
    super(params, options);
    this.#link = new PythonLink(component, "Processor", params, oneTask);
  }

  override async open(context: NodeContext): Promise<void> {
    await this.#link.open(context);
    keepState(this, this.#link);
  }

  override async process(...inputs: unknown[]): Promise<Output<unknown>> {
    return (await this.#link.call(inputs)).output;
  }

  override async flush(): Promise<Output<unknown>> {
    return (await this.#link.call([], "Flush")).output;
  }

  override close(): Promise<void> {
    return this.#link.close();
  }
}

export class PythonConsumer extends ConsumerNode<unknown[]> {
  readonly #link: PythonLink;

  constructor(params: object, options: NodeOptions, component: PythonComponent) {
    super(params, options);
    this.#link = new PythonLink(component, "Consumer", params);
  }

  override async open(context: NodeContext): Promise<void> {
    await this.#link.open(context);
    keepState(this, this.#link);
  }

  override async consume(...inputs: unknown[]): Promise<void> {
    await this.#link.call(inputs);
  }

  override close(): Promise<void> {
    return this.#link.close();
  }
}

/** A node has state if its Python class has: that is known once it is open. */
function keepState(node: Node & Partial<MayForget>, link: PythonLink): void {
  if (link.isForgetful) Object.assign(node, { isForgetful: true } satisfies MayForget);
  if (link.state === undefined) return;
  Object.assign(node, { snapshot: () => link.state, restore: (state: Uint8Array) => link.restore(state) });
}

const CLASSES = { Producer: PythonProducer, Processor: PythonProcessor, Consumer: PythonConsumer } as const;

/** The node of a task whose component is a Python class; the class must have the method of the role. */
export function pythonNode(member: TaskMember, component: PythonComponent): Node {
  return new CLASSES[member.role](member.params, { name: member.name }, component, member.oneTask);
}
