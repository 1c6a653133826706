/**
 * What a command needs from outside, handed in by src/main: streams, environment, and the parts of the product that lie above this layer.
 * Knows their contracts; must not know who fulfils them.
 */
import { resolve } from "node:path";
import type { Explanation } from "../api/explanation.js";
import type { NewResource } from "../api/kinds.js";
import type { FlowSnapshot } from "../api/snapshot.js";
import type { ComponentDescriptor } from "../flow/descriptor.js";
import type { AgentServices } from "../store/agent-services.js";
import type { Store } from "../store/store.js";

export type { EdgePlan, Explanation, NodePlan } from "../api/explanation.js";

/** A stream that people or programs read. */
export interface Output {
  /** What is written is masked: no credentials pass. Exact: as it is, for whole objects, which may be applied again. */
  write(text: string, how?: "exact"): void;
  /** Resolves when what was written is on its way: who writes without end waits for it. */
  settled?(): Promise<void>;
  readonly isTTY: boolean;
  /** Characters of a line; 80 where unknown. */
  readonly columns: number;
  /** Lines of the terminal; 24 where unknown. */
  readonly rows: number;
}

/** The surroundings of a command. */
export interface World {
  readonly out: Output;
  readonly err: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Text on standard input, to its end. */
  readInput?(): Promise<string>;
  /** Version of this package. */
  readonly version: string;
  readonly engine: Engine;
}

/** A VideoFlow before it is stored. */
export type FlowDocument = NewResource<"VideoFlow">;

/** The parts of the product that the commands use; each is loaded when it is called. */
export interface Engine {
  /** Imports a user's module without running its flows. @returns the manifests of the flows that it builds. */
  loadModule(path: string): Promise<readonly unknown[]>;
  /** What each built-in component says about itself. */
  descriptors(): Promise<ReadonlyMap<string, ComponentDescriptor>>;
  /** Runs a flow to its end. */
  run(flow: FlowDocument, options: RunOptions): Promise<RunResult>;
  /** Runs flows as a daemon until this process is told to end. @throws OperatorError AGENT_RUNNING and others: nothing was started. */
  agent(options: AgentCommandOptions): Promise<void>;
  /** Runs the controllers of a cluster until this process is told to end. */
  controller(options: ControllerProcessOptions): Promise<void>;
  /** Reaches the agent of this machine, or a cluster. @throws OperatorError AGENT_UNREACHABLE, or what the cluster answers. */
  connect(choice: ConnectionChoice): Promise<Connection>;
  /** Decides everything that a run would decide, and starts nothing. */
  explain(flow: FlowDocument, options: HostOptions): Promise<Explanation>;
  /** The GPUs of this host, and what stands in their way. */
  devices(options: HostOptions): Promise<readonly DeviceView[]>;
  /** Loads the inference library and asks it what really works. */
  inference(): Promise<InferenceReport>;
  /** Finds out which FFmpeg decodes and encodes. */
  media(): Promise<MediaReport>;
  /** Whether the system calls that supervise processes work here. */
  supervision(): Promise<SupervisionReport>;
}

/** Which cluster, on the command line. */
export interface ClusterFlags {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly inCluster?: boolean;
}

/** @returns the cluster that the options name; undefined if they name none. */
export function clusterOf({ kubeconfig, context, inCluster }: ClusterFlags, cwd: string): ClusterFlags | undefined {
  if (kubeconfig === undefined && context === undefined && inCluster === undefined) return undefined;
  return {
    ...(kubeconfig === undefined ? {} : { kubeconfig: resolve(cwd, kubeconfig) }),
    ...(context === undefined ? {} : { context }),
    ...(inCluster === undefined ? {} : { inCluster }),
  };
}

export interface ControllerProcessOptions {
  readonly cluster: ClusterFlags;
  /** Address of /healthz and /readyz, such as ":8081"; default: none. */
  readonly probes?: string;
  /** Address of /metrics, such as ":8080"; default: none. */
  readonly metrics?: string;
  readonly log: (text: string) => void;
}

/** What was said on the command line about whom to talk to. */
export interface ConnectionChoice {
  /** Folder of a local agent. */
  readonly stateDir?: string;
  readonly kubeconfig?: string;
  /** Context of the kubeconfig. */
  readonly context?: string;
}

/** Where objects are read and written. */
export interface Connection {
  readonly store: Store;
  /** Objects of many hosts, none of which need be this machine. Absent: those of one agent. */
  readonly isCluster?: true;
  /** Absent where nobody answers but the store. */
  readonly services?: AgentServices;
  /** Whom one talks to, for messages. */
  readonly target: string;
  /** Namespace of what does not say: that of the kubeconfig's context, else `default`. */
  readonly namespace: string;
  /** Resolves when the other side is gone. */
  readonly lost: Promise<void>;
  close(): Promise<void>;
}

export interface HostOptions {
  /** YAML or JSON list of devices that replaces what the machine has. */
  readonly devicesFile?: string;
  /** Grant devices on which somebody else's process computes, too. */
  readonly allowBusy?: boolean;
}

/** @returns what the options of a command say of the devices. */
export function hostOptions({ devices, allowBusy }: { readonly devices?: string; readonly allowBusy?: boolean }): HostOptions {
  return { ...(devices === undefined ? {} : { devicesFile: devices }), ...(allowBusy === undefined ? {} : { allowBusy }) };
}

export interface RunOptions extends HostOptions {
  /** Folder of logs and of the embedded store; default: a temporary one. */
  readonly stateDir?: string;
  /** Folder of the inputs that could not be processed; default `<flow>.dead-letters`. */
  readonly deadLettersDir?: string;
  /** Folder of shared memory; default /dev/shm. */
  readonly shmDir?: string;
  /** Called a few times a second. */
  readonly onSnapshot: (snapshot: FlowSnapshot) => void;
  /** Called with what the user should know at once, such as a task that starts again. */
  readonly onNotice: (text: string) => void;
  /** Called with whole lines that a task has printed. @param task `NODE.INDEX`. */
  readonly onPrinted?: (task: string, text: string) => void;
}

export interface AgentCommandOptions extends HostOptions {
  /** Folder of everything that the agent keeps; default: the user's. */
  readonly stateDir?: string;
  /** Folder of shared memory; default /dev/shm. */
  readonly shmDir?: string;
  /** Folder whose files are the flows that run here. */
  readonly manifestsDir?: string;
  /** `ADDRESS:PORT` of the metrics beside their Unix socket, and the file with its token. */
  readonly metrics?: { readonly listen: string; readonly tokenFile: string };
  /** The cluster whose tasks run here; default: none, the agent keeps a store of its own and runs the controllers itself. */
  readonly cluster?: ClusterFlags;
  /** Name of this machine's Host; default: its hostname. */
  readonly hostName?: string;
  /** Nothing that a flow names may lie outside of this folder; default: in a cluster `<state dir>/root`, else nothing is confined. */
  readonly root?: string;
  /** Components that may run; default: `builtin` and `root` in a cluster, else `any`. */
  readonly allowComponents?: readonly string[];
  /** Tasks may run as root, if the agent does; default: not in a cluster. */
  readonly allowRoot?: boolean;
  /** As whom tasks run: a name, or `UID[:GID]`; default: as the agent. */
  readonly taskUser?: string;
  /** Address of /healthz and /readyz, such as ":8082"; default: none. */
  readonly probes?: string;
  /** Called with a line for the log. */
  readonly log: (text: string) => void;
}

/** What a daemon is started with: its folder is known. */
export type DaemonOptions = AgentCommandOptions & { readonly stateDir: string };

/** How a run ended. */
export interface RunResult {
  readonly snapshot: FlowSnapshot;
  readonly reason: string;
  readonly message: string;
  /** "drained" after the first Ctrl-C, "killed" after the second. */
  readonly interrupted?: "drained" | "killed";
}

export interface DeviceView {
  readonly uuid: string;
  readonly product: string;
  readonly memoryMiB: number;
  /** Why it is not granted, such as "busy: 4711 python 512 MiB"; undefined if it may be. */
  readonly unavailable?: string;
}

export interface InferenceReport {
  /** The provider that a task with a GPU would compute on. */
  readonly provider: string;
  /** The providers that load and compute here; none if the library does not load. */
  readonly available: readonly string[];
  /** Why CUDA is not among them. */
  readonly reason?: string;
  /** The one command that repairs it. */
  readonly fix?: string;
}

export interface MediaReport {
  /** Where FFmpeg comes from: "the package node-av"; undefined if there is none. */
  readonly source: string | undefined;
  /** Name of the H.264 encoder that opens; undefined if there is none. */
  readonly h264: string | undefined;
  readonly fix?: string;
}

export interface SupervisionReport {
  /** Processes can be signalled by descriptor (pidfd). */
  readonly pidfd: boolean;
  /** Why not. */
  readonly reason?: string;
}
