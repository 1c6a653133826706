/** Fuses a subgraph into one task: its nodes run one after the other in one process. */
import { type Node, type Output, ProcessorNode, type ProcessorOptions } from "./node.js";

/**
 * A subgraph of processors that runs as one task (the original's `TaskModuleNode`).
 *
 * @example new TaskModuleNode(first, last, { name: "crop-and-classify", nbTasks: 2 }).from(reader)
 */
export class TaskModuleNode<In extends readonly unknown[], Out> extends ProcessorNode<In, Out> {
  readonly entry: ProcessorNode<In, unknown>;
  readonly exit: ProcessorNode<never, Out>;

  /**
   * @param entry gets the module's inputs; it must not be wired to anything itself.
   * @param exit  its outputs are the module's; it depends on `entry`.
   */
  constructor(entry: ProcessorNode<In, unknown>, exit: ProcessorNode<never, Out>, options: ProcessorOptions = {}) {
    super({}, options);
    this.entry = entry;
    this.exit = exit;
  }

  /** The nodes of the subgraph, parents first. */
  members(): Node[] {
    const done = new Set<Node>();
    const visit = (node: Node): void => {
      if (done.has(node)) return;
      if (node !== (this.entry as Node)) for (const parent of node.parents) visit(parent);
      done.add(node);
    };
    visit(this.exit as Node);
    return [...done];
  }

  /** Never called: the task runs the members. */
  override process(): Output<Out> {
    throw new TypeError(`the members of "${this.name}" run in its place`);
  }
}
