/** What an agent is given when it starts, and what it tells. */
import type { HostDevice, TaskMember } from "../api/kinds.js";
import type { TaskRules } from "../api/refusal.js";
import type { Clock } from "../base/clock.js";
import type { TaskUser } from "../base/task-user.js";
import type { DeviceHolds } from "../devices/holds.js";
import type { ComputeProcess } from "../devices/provider.js";
import type { FlowKey } from "../store/agent-services.js";
import type { Events } from "../store/event-recorder.js";
import type { Store } from "../store/store.js";
import type { FlowMemories } from "./flow-memories.js";
import type { KeeperClient } from "./keeper-client.js";
import type { RecordJournal } from "./record-journal.js";

/** What a provider of devices found. */
export interface HostInventory {
  /** "nvidia", "static", "none". */
  readonly provider: string;
  /** Why there are no devices, if so. */
  readonly message?: string;
  readonly devices: readonly HostDevice[];
  /** Who computes on them, as far as it is known. */
  readonly processes?: readonly ComputeProcess[];
}

/** Something that the agent did or saw, for logs and progress display. */
export interface AgentNote {
  /** Name of the task, or of the host. */
  readonly subject: string;
  /** One word: Spawned, Started, Ready, Exited, Restarting, Failed, Stopping, Stopped, Succeeded, MemoryCreated, … */
  readonly what: string;
  readonly message: string;
}

/** What lets tasks outlive their agent. Absent: they end with it. */
export interface Survival {
  /** Records of an earlier agent of the same state, and a place for those of this one. */
  readonly journal: RecordJournal;
  /** Folder in which the keeper leaves exit records, whether or not an agent listens. */
  readonly exitsDir: string;
  /** Starts another keeper after the present one died. @throws Error if that is not possible now; asked again. */
  readonly newKeeper: () => Promise<KeeperClient>;
}

export interface AgentOptions {
  readonly store: Store;
  readonly hostName: string;
  readonly keeper: KeeperClient;
  readonly clock: Clock;
  readonly survival?: Survival;
  /** Logs go to `<stateDir>/logs/<flow>/<task>.log`. */
  readonly stateDir: string;
  /** Launch and report files; default `<stateDir>/run`. */
  readonly runtimeDir?: string;
  /** Where the dead letters of a flow are kept; default `<stateDir>/dead-letters/<namespace>/<flow>`. */
  readonly deadLettersDir?: (flow: FlowKey) => string;
  /** Where shared memory lives, such as /dev/shm. */
  readonly shmBase: string;
  /** Absolute paths of the files that these nodes write: a run does not begin while another one writes one of them. Default: none. */
  readonly outputsOf?: (members: readonly TaskMember[]) => readonly string[];
  /** The launch file is appended: `[process.execPath, "dist/main/worker.js"]`. */
  readonly workerCommand: readonly string[];
  /** Looks at the machine's devices; called at start and every 30 s. Absent: none. */
  readonly inventory?: () => Promise<HostInventory>;
  /** Variables that show a task exactly these devices; an empty list hides all. Default: src/devices. */
  readonly deviceEnvironment?: (devices: readonly string[]) => Readonly<Record<string, string>>;
  /** Devices of this machine that others hold without this store: asked before a task starts. Absent: nobody else is here. */
  readonly holds?: Pick<DeviceHolds, "take" | "keepOnly">;
  /** What tasks may use of this host, and what is read for them. Absent: everything that stands in their specs. */
  readonly rules?: TaskRules;
  /** Renews this host's Lease, and lets the keeper fence tasks that ask for it. Absent: nobody waits for this host. */
  readonly heartbeat?: { readonly renewMs?: number };
  /** Passed on to the tasks, minus what is reserved; default process.env. */
  readonly env?: NodeJS.ProcessEnv;
  /** Tasks run as this user. Absent: as the agent's. */
  readonly taskUser?: TaskUser;
  readonly logLevel?: "debug" | "info" | "warn" | "error";
  readonly onNote?: (note: AgentNote) => void;
  /** Told what people should read about tasks and this host. */
  readonly events?: Events;
  /** Shared memory; default: src/transport. */
  readonly memories?: FlowMemories;
  /** In [0, 1); jitter of the backoff. Default Math.random. */
  readonly chance?: () => number;
}
