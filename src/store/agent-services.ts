/**
 * What an agent answers beside the objects of its store: logs, figures, decisions. The agent's process fulfils it, commands ask.
 * Everything is plain data: it travels over a socket.
 */
import type { Explanation } from "../api/explanation.js";
import type { EdgeSnapshot, FlowSnapshot } from "../api/snapshot.js";
import type { DeadLetter, LetterOutput } from "../base/dead-letters.js";

/** A namespaced name. */
export interface FlowKey {
  readonly namespace: string;
  readonly name: string;
}

export interface AgentAbout {
  readonly version: string;
  readonly pid: number;
  readonly host: string;
  /** RFC 3339. */
  readonly startedAt: string;
  readonly stateDir: string;
  /** Absent while there is none. */
  readonly keeperPid?: number;
  /** What guarantees that no process is left behind. */
  readonly containment?: string;
  /** Name of the user of the tasks, if it is not the agent's. */
  readonly taskUser?: string;
}

/** Which logs to read. */
export interface LogQuery {
  readonly flow: FlowKey;
  /** Only the tasks of this node. */
  readonly node?: string;
  /** Only this task of the node. */
  readonly index?: number;
  /** Go on when the end is reached, until the reader stops or the flow is gone. */
  readonly follow?: boolean;
  /** Only so many of the last lines of each task. */
  readonly tail?: number;
  /** The log that was set aside before this one. */
  readonly previous?: boolean;
  /** Only what was written so many seconds ago or later. */
  readonly sinceSeconds?: number;
  /** With the time of each line. */
  readonly timestamps?: boolean;
}

/** Whole lines of one task, in order; control characters are as the task wrote them. */
export interface LogChunk {
  /** Name of the task. */
  readonly task: string;
  /** Ends in a newline. */
  readonly text: string;
  /** RFC 3339, when the lines were there, if that was asked: the agent looks once a second. */
  readonly at?: string;
}

/** What one task uses now. */
export interface TaskUsage {
  readonly task: string;
  readonly flow: FlowKey;
  readonly node: string;
  readonly index: number;
  readonly phase: string;
  readonly pid?: number;
  /** Cores of the whole process tree: 1.5 is one and a half. Absent: not known yet. */
  readonly cpuCores?: number;
  /** Resident bytes of the whole process tree. */
  readonly memoryBytes?: number;
  readonly restarts: number;
  readonly devices: readonly string[];
  /** What the task's processes take of its devices, as far as it is measured. */
  readonly deviceUse?: readonly TaskDeviceUse[];
  /** Inputs finished since the run began; of a producer, messages given out. */
  readonly messages: number;
  readonly received: number;
  readonly published: number;
  readonly dropped: number;
  /** Microseconds in user code since the run began. */
  readonly processUs: number;
  /** Calls of user code by how long they took: upper bounds in microseconds, the last without one, and calls per bucket. */
  readonly processTimes?: { readonly boundsUs: readonly number[]; readonly counts: readonly number[] };
  /** What the task does now: working, waiting-input, … */
  readonly state?: string;
}

/** One device of a task. */
export interface TaskDeviceUse {
  readonly uuid: string;
  /** Of the task's own processes. Absent: the driver does not tell who has what. */
  readonly memoryUsedMiB?: number;
  /** 0 to 100, of the device: whoever shares it is in it. */
  readonly utilizationPercent?: number;
}

/** What became of the messages of one edge since the run began. */
export interface EdgeUsage extends EdgeSnapshot {
  readonly flow: FlowKey;
}

/** What one device is used for. */
export interface DeviceUsage {
  readonly uuid: string;
  readonly product: string;
  readonly memoryMiB: number;
  readonly healthy: boolean;
  /** Why it is not granted. */
  readonly message?: string;
  /** Tasks that hold it, `<namespace>/<name>`. */
  readonly holders: readonly string[];
  /** 0 to 100; absent where the provider does not know. */
  readonly utilizationPercent?: number;
  readonly memoryUsedMiB?: number;
}

export interface Usage {
  /** Boot clock of the agent, in milliseconds: rates are differences of two usages. */
  readonly nowMs: number;
  readonly tasks: readonly TaskUsage[];
  readonly devices: readonly DeviceUsage[];
  readonly edges: readonly EdgeUsage[];
}

export interface AgentServices {
  about(): Promise<AgentAbout>;
  /** Ends at the end of the logs, or, with follow, when the reader stops. */
  logs(query: LogQuery): AsyncIterable<LogChunk>;
  /** What a running flow looks like; undefined if there is no such flow. */
  snapshot(flow: FlowKey): Promise<FlowSnapshot | undefined>;
  usage(flow?: FlowKey): Promise<Usage>;
  /** What each claim of a stored flow asked, tried and got, and who holds the rest; by the allocator itself. */
  explain(flow: FlowKey): Promise<Explanation>;
  /** The inputs of the flow that no attempt could process; payloads as they are on disk. */
  deadLetters(flow: FlowKey): Promise<readonly DeadLetter[]>;
  /** What a retry, which is a flow of its own, gave for each letter; payloads as they are on disk. */
  letterOutputs(flow: FlowKey): Promise<readonly LetterOutput[]>;
  /** Folder of the flow's dead letters on the agent's machine. */
  deadLettersDir(flow: FlowKey): Promise<string>;
}
