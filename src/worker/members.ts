/** Runs the nodes of a task: one, or the members of a fused group one after the other. */
import { type Message, Message as MessageClass, type Node, Outputs, type ProcessorNode } from "../flow/node.js";
import { type Lineage, NO_LINEAGE, type TaskContext } from "./context.js";
import type { LoadedNode } from "./load.js";

/** One output of a node, with what its user said about it. */
export interface Item {
  readonly payload: unknown;
  readonly eventTs: number | undefined;
  readonly metadata: Readonly<Record<string, unknown>> | undefined;
}

/** A node of the task, ready to run. */
export interface Member extends LoadedNode {
  readonly context: TaskContext;
}

/** What a node returned, as a list. */
export function itemsOf(output: unknown): readonly Item[] {
  if (output === undefined) return [];
  if (output instanceof Outputs) return output.payloads.map(itemOf);
  return [itemOf(output)];
}

function itemOf(output: unknown): Item {
  if (!(output instanceof MessageClass)) return { payload: output, eventTs: undefined, metadata: undefined };
  const { payload, options } = output as Message<unknown>;
  return { payload, eventTs: options.eventTs, metadata: options.metadata };
}

/**
 * Processors of one task, in topological order. Values between members stay in this process.
 *
 * A member with several inputs inside the group gets one value of each; where one of them filtered the message out, it gets none.
 */
export class Pipeline {
  readonly members: readonly Member[];
  readonly #externalInputs: readonly string[];

  /** @param externalInputs names of the nodes outside the group, in the order of the unit's inputs. */
  constructor(members: readonly Member[], externalInputs: readonly string[]) {
    this.members = members;
    this.#externalInputs = externalInputs;
  }

  get exit(): Member {
    return this.members[this.members.length - 1] as Member;
  }

  /** The inputs are no longer there to be asked. */
  forget(): void {
    for (let i = 0; i < this.members.length; i += 1) (this.members[i] as Member).context.lineage = NO_LINEAGE;
  }

  /** Runs one message (one payload per external input) through all members. @returns the outputs of the last one. */
  process(payloads: readonly unknown[], lineage: Lineage): readonly Item[] | Promise<readonly Item[]> {
    if (this.members.length > 1) return this.#processGroup(payloads, lineage);
    const [{ node, context }] = this.members as readonly [Member];
    context.lineage = lineage;
    const output = (node as ProcessorNode<unknown[], unknown>).process(...payloads);
    return output instanceof Promise ? output.then(itemsOf) : itemsOf(output);
  }

  /** Lets every member give its last outputs, each through the members after it. */
  async flush(lineage: Lineage): Promise<readonly Item[]> {
    const values = new Map<string, readonly Item[]>();
    for (const member of this.members) {
      const flushed = await this.#flushMember(member, values, lineage);
      values.set(member.member.name, flushed);
    }
    return values.get(this.exit.member.name) ?? [];
  }

  async #flushMember(member: Member, values: ReadonlyMap<string, readonly Item[]>, lineage: Lineage): Promise<readonly Item[]> {
    const before = member.member.inputs.flatMap((name) => values.get(name) ?? []);
    const items: Item[] = [];
    member.context.lineage = lineage;
    for (const item of before) items.push(...(await runNode(member.node, [item.payload])));
    items.push(...itemsOf(await (member.node as ProcessorNode<unknown[], unknown>).flush()));
    return items;
  }

  async #processGroup(payloads: readonly unknown[], lineage: Lineage): Promise<readonly Item[]> {
    const values = new Map<string, readonly Item[]>();
    for (const [i, name] of this.#externalInputs.entries()) {
      values.set(name, [{ payload: payloads[i], eventTs: undefined, metadata: undefined }]);
    }
    for (const member of this.members) {
      member.context.lineage = lineage;
      const items: Item[] = [];
      for (const inputs of rowsOf(member.member.inputs.map((name) => values.get(name) ?? []))) {
        items.push(...(await runNode(member.node, inputs)));
      }
      values.set(member.member.name, items);
    }
    return values.get(this.exit.member.name) ?? [];
  }
}

async function runNode(node: Node, inputs: readonly unknown[]): Promise<readonly Item[]> {
  return itemsOf(await (node as ProcessorNode<unknown[], unknown>).process(...inputs));
}

/** The k-th outputs of all inputs side by side; as many rows as the shortest has. */
function rowsOf(columns: readonly (readonly Item[])[]): unknown[][] {
  const count = Math.min(...columns.map((column) => column.length));
  return Array.from({ length: count }, (_, k) => columns.map((column) => column[k]?.payload));
}
