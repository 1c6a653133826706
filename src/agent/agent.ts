/**
 * Makes one host match its tasks: observe, decide (reconcile-host.ts, pure), apply.
 * Knows the store, the keeper and shared memory; must not know the controller, or what is inside a worker.
 */
import type { AgentOptions } from "./options.js";

export type { AgentNote, AgentOptions, HostInventory } from "./options.js";

/** Statistics of one node, summed over its tasks. */
export interface NodeStatistics {
  readonly node: string;
  readonly tasks: number;
  readonly readyTasks: number;
  /** Messages written. */
  readonly messages: number;
}

/** The agent of one host. */
export class Agent {
  /** Creates the Host object and begins to watch. */
  static async start(_options: AgentOptions): Promise<Agent> {
    throw new TypeError("not built yet");
  }

  /** Stops watching. Tasks live on until the keeper is closed. */
  async stop(): Promise<void> {}

  /** What the tasks of a flow have done so far, from shared memory; empty before it exists. */
  observe(_flow: string): readonly NodeStatistics[] {
    return [];
  }
}
