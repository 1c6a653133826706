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
  /** What each host could give the flow, by name. */
  readonly hosts?: readonly HostVerdict[];
  readonly warnings: readonly string[];
  /** Shared memory of all messages that can be in flight, at their nominal size. */
  readonly sharedMemoryBytes: number;
  /** Why the flow would not be admitted; undefined if it would. */
  readonly refused?: string;
}

/** What a flow asks for, and what a host has left for it. */
export interface Share {
  readonly asked: number;
  /** Absent: the host has not told. */
  readonly free?: number;
}

/** Why a flow fits on a host, or not; computed where hosts are chosen. */
export interface HostVerdict {
  readonly host: string;
  /** It runs there, or could begin there now. */
  readonly fits: boolean;
  readonly why: string;
  /** Tasks that ask for a GPU, and those of them that would have one. */
  readonly gpuTasks: { readonly asked: number; readonly granted: number };
  readonly cores: Share;
  readonly memoryMiB: Share;
  readonly shmBytes: Share;
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
