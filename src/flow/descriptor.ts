/** What a component class says about itself. Read without running anything. */

export type Role = "Producer" | "Processor" | "Consumer";
export type DeviceType = "CPU" | "GPU";

/** JSON Schema (draft 2020-12) of a component's params object. */
export type ParamsSchema = Readonly<Record<string, unknown>>;

/** The static description of a component class. */
export interface ComponentDescriptor {
  readonly role: Role;
  /** The component keeps state between inputs: it always gets one task (`OneTaskProcessorNode`). */
  readonly oneTask: boolean;
  /** Devices that the source code supports. A GPU wish for a component without "GPU" gets a CPU and a reason. */
  readonly devices: readonly DeviceType[];
  /** JSON Schema of `params`; built-ins are checked against it before anything starts. Absent: not checked. */
  readonly params?: ParamsSchema;
  /** Names of params that are paths of files which must exist, resolved against the folder of the manifest. */
  readonly inputFiles?: readonly string[];
  /** Names of params that are paths of files to be written, resolved against the folder of the manifest. */
  readonly outputFiles?: readonly string[];
  /** Its outputs are made beside their names and get them when they are whole: their folders must be open to it, whatever is there. */
  readonly replacesOutputs?: true;
  /** Writes into its inputs: it gets private copies. Others read the parents' memory in place. */
  readonly changesInputs: boolean;
  /** Finishes an input only after at most this many further inputs: `Batcher(n)` holds n - 1. */
  readonly holds: number;
  /** Producers: can start at message `context.committed` by itself instead of having the first ones discarded. */
  readonly seekable: boolean;
  /** Producers: false for live sources, whose missed messages are a counted gap. */
  readonly replayable: boolean;
}

/** What a class states; the rest follows from its base class. */
export type PartialDescriptor = Partial<ComponentDescriptor>;

export const DEFAULT_DESCRIPTOR = {
  oneTask: false,
  devices: ["CPU"],
  changesInputs: false,
  holds: 0,
  seekable: false,
  replayable: true,
} as const satisfies PartialDescriptor;
