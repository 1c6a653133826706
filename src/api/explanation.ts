/** What a flow would look like on a host: graph, places, memory, and why. Plain data. */

export interface Explanation {
  readonly flow: string;
  readonly flowType: string;
  readonly nodes: readonly NodePlan[];
  readonly edges: readonly EdgePlan[];
  /** Where each task would be placed and why, in the words of the allocator. */
  readonly decisions: readonly {
    readonly task: string;
    readonly deviceType: string;
    readonly devices: readonly string[];
    readonly message: string;
  }[];
  readonly warnings: readonly string[];
  /** Shared memory of all messages that can be in flight, at their nominal size. */
  readonly sharedMemoryBytes: number;
  /** Why the flow would not be admitted; undefined if it would. */
  readonly refused?: string;
}

export interface NodePlan {
  readonly name: string;
  readonly role: string;
  /** Built-in name or absolute path#Export. */
  readonly component: string;
  readonly inputs: readonly string[];
  readonly tasks: number;
  readonly taskGroup?: string;
}

export interface EdgePlan {
  readonly from: string;
  readonly to: string;
  /** Cells of the edge: messages that it holds at most. */
  readonly capacity: number;
}
