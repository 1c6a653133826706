/** What a daemon answers beside its objects: logs, figures, decisions. Joins parts; decides nothing. */

import type { Agent } from "../agent/agent.js";
import { ProcessUsage } from "../agent/process-usage.js";
import { deadLettersOf, logsOf } from "../agent/task-files.js";
import { readLogs } from "../agent/task-logs.js";
import { isDnsLabel } from "../api/dns-label.js";
import type { Explanation } from "../api/explanation.js";
import type { FlowTask, VideoFlow } from "../api/kinds.js";
import type { FlowSnapshot } from "../api/snapshot.js";
import type { Clock } from "../base/clock.js";
import { type DeadLetter, type LetterOutput, readLetters, readOutputs } from "../base/dead-letters.js";
import { OperatorError } from "../base/errors.js";
import { type DeviceReadings, NO_READINGS } from "../devices/provider.js";
import type { Describe } from "../flow/graph.js";
import type {
  AgentAbout,
  AgentServices,
  DeviceUsage,
  FlowKey,
  LogChunk,
  LogQuery,
  TaskDeviceUse,
  TaskUsage,
  Usage,
} from "../store/agent-services.js";
import type { Store } from "../store/store.js";
import { PROCESS_BOUNDS_US } from "../transport/process-times.js";
import { explainFromStore } from "./explain.js";
import { edgeSnapshot, flowSnapshot, outputFiles } from "./flow-snapshot.js";

/** The last bucket has no bound. */
const FINITE_BOUNDS_US = PROCESS_BOUNDS_US.filter(Number.isFinite);

export interface ServicesOptions {
  readonly store: Store;
  readonly agent: Agent;
  readonly clock: Clock;
  readonly describe: Describe;
  /** The store is of many hosts. */
  readonly isCluster: boolean;
  readonly hostName: string;
  readonly stateDir: string;
  readonly version: string;
  readonly startedAt: string;
  /** What the devices do now. Answers soon. */
  readonly readings: () => Promise<DeviceReadings>;
  /** As whom tasks run, if not as the agent. */
  readonly taskUser?: string;
  readonly keeper: () => { readonly pid: number | undefined; readonly containment: string | undefined };
}

export class DaemonServices implements AgentServices {
  readonly #options: ServicesOptions;
  readonly #usage = new ProcessUsage();

  constructor(options: ServicesOptions) {
    this.#options = options;
  }

  async about(): Promise<AgentAbout> {
    const { version, hostName, stateDir, startedAt, taskUser, keeper } = this.#options;
    const { pid, containment } = keeper();
    return {
      version,
      pid: process.pid,
      host: hostName,
      startedAt,
      stateDir,
      ...(pid === undefined ? {} : { keeperPid: pid }),
      ...(containment === undefined ? {} : { containment }),
      ...(taskUser === undefined ? {} : { taskUser }),
    };
  }

  logs({ flow, node, index, follow, tail, previous, sinceSeconds, timestamps }: LogQuery): AsyncIterable<LogChunk> {
    const isWanted = (task: string) => {
      const [own, of, number] = task.split(".");
      return own === flow.name && (node === undefined || node === of) && (index === undefined || String(index) === number);
    };
    return readLogs({
      dir: logsOf(this.#options.stateDir, named(flow)),
      isWanted,
      ...(tail === undefined ? {} : { tail }),
      ...(previous === undefined ? {} : { previous }),
      ...(sinceSeconds === undefined ? {} : { sinceMs: this.#options.clock.wallMs() - sinceSeconds * 1_000 }),
      ...(timestamps === undefined ? {} : { timestamps }),
      ...(follow ? { goesOn: () => this.#goesOn(flow) } : {}),
    });
  }

  /** In a cluster an API server is not asked a few times a second. */
  async #goesOn(flow: FlowKey): Promise<boolean> {
    const { isCluster, agent } = this.#options;
    return isCluster ? agent.knows(flow) : (await this.#find(flow)) !== undefined;
  }

  async snapshot(key: FlowKey): Promise<FlowSnapshot | undefined> {
    const { agent, describe, clock } = this.#options;
    const flow = await this.#find(key);
    if (flow === undefined) return undefined;
    return flowSnapshot({
      flow,
      tasks: await this.#tasksOf(key),
      observation: agent.observe(key),
      elapsedMs: clock.wallMs() - startOf(flow),
      outputs: outputFiles(flow.spec.nodes, describe),
    });
  }

  async usage(key?: FlowKey): Promise<Usage> {
    const nowMs = this.#options.clock.nowMs();
    const all = key === undefined ? await this.#options.store.list("FlowTask") : await this.#tasksOf(key);
    const tasks = all.filter(({ spec }) => spec.host === this.#options.hostName);
    const used = this.#usage.look(
      tasks.flatMap(({ status }) => status?.pid ?? []),
      nowMs,
    );
    const devices = await this.#devicesOf(tasks);
    const views = await this.#devices();
    const readings = views.length === 0 ? NO_READINGS : await this.#options.readings();
    const flows = new Map(tasks.map(({ spec, metadata }) => [spec.run, { namespace: metadata.namespace, name: spec.flow }]));
    const observed = new Map([...flows].map(([run, flow]) => [run, this.#options.agent.observe(flow)]));
    return {
      nowMs,
      tasks: tasks.map((task): TaskUsage => {
        const { spec, status, metadata } = task;
        const own = observed.get(spec.run)?.tasks.find((one) => one.node === spec.node && one.taskIndex === spec.index);
        const { pids = [], ...usage } = (status?.pid === undefined ? undefined : used.get(status.pid)) ?? {};
        const held = devices.get(`${metadata.namespace}/${spec.claim}`) ?? [];
        const isProducer = spec.members[0]?.role === "Producer";
        return {
          task: metadata.name,
          flow: { namespace: metadata.namespace, name: spec.flow },
          node: spec.node,
          index: spec.index,
          phase: status?.phase ?? "Pending",
          ...(status?.pid === undefined ? {} : { pid: status.pid }),
          ...usage,
          restarts: status?.restarts ?? 0,
          devices: held,
          ...(held.length === 0 ? {} : { deviceUse: held.map((uuid) => deviceUseOf(uuid, pids, readings)) }),
          messages: (isProducer ? own?.messagesOut : own?.messagesIn) ?? 0,
          received: own?.messagesIn ?? 0,
          published: own?.messagesOut ?? 0,
          dropped: (own?.dropped ?? 0) + (own?.late ?? 0),
          processUs: own?.processUs ?? 0,
          ...(own === undefined ? {} : { state: own.state, processTimes: { boundsUs: FINITE_BOUNDS_US, counts: own.processTimes } }),
        };
      }),
      devices: views.map((device) => ({ ...device, ...readingOf(device.uuid, readings) })),
      edges: [...flows].flatMap(([run, flow]) => (observed.get(run)?.edges ?? []).map((edge) => ({ flow, ...edgeSnapshot(edge) }))),
    };
  }

  async explain(key: FlowKey): Promise<Explanation> {
    return explainFromStore(this.#options.store, key);
  }

  async deadLetters(flow: FlowKey): Promise<readonly DeadLetter[]> {
    return readLetters(await this.deadLettersDir(flow));
  }

  async letterOutputs(flow: FlowKey): Promise<readonly LetterOutput[]> {
    return readOutputs(await this.deadLettersDir(flow));
  }

  async deadLettersDir(flow: FlowKey): Promise<string> {
    return deadLettersOf(this.#options.stateDir, named(flow));
  }

  #find({ namespace, name }: FlowKey): Promise<VideoFlow | undefined> {
    return this.#options.store.get({ kind: "VideoFlow", namespace, name });
  }

  async #tasksOf({ namespace, name }: FlowKey): Promise<FlowTask[]> {
    return (await this.#options.store.list("FlowTask", { namespace })).filter(({ spec }) => spec.flow === name);
  }

  /** Devices by claim. */
  async #devicesOf(tasks: readonly FlowTask[]): Promise<Map<string, readonly string[]>> {
    if (!tasks.some(({ spec }) => spec.claim !== undefined)) return new Map();
    const claims = await this.#options.store.list("DeviceClaim");
    return new Map(claims.map(({ metadata, status }) => [`${metadata.namespace}/${metadata.name}`, status?.allocation?.devices ?? []]));
  }

  async #devices(): Promise<DeviceUsage[]> {
    const host = await this.#options.store.get({ kind: "Host", namespace: "", name: this.#options.hostName });
    const claims = await this.#options.store.list("DeviceClaim");
    return (host?.status?.devices ?? []).map(({ uuid, product, memoryMiB, healthy, message }) => ({
      uuid,
      product,
      memoryMiB,
      healthy,
      ...(message === undefined ? {} : { message }),
      holders: claims
        .filter(({ status }) => status?.allocation?.devices.includes(uuid))
        .map(({ metadata }) => `${metadata.namespace}/${metadata.name}`),
    }));
  }
}

/** What clients name may be no way to the files of others. @throws OperatorError REQUEST_INVALID */
function named(flow: FlowKey): FlowKey {
  for (const part of [flow.namespace, flow.name])
    if (!isDnsLabel(part)) throw new OperatorError("REQUEST_INVALID", { problem: `${JSON.stringify(part)} is not the name of a flow` });
  return flow;
}

function readingOf(uuid: string, { devices }: DeviceReadings): Pick<DeviceUsage, "utilizationPercent" | "memoryUsedMiB"> {
  const { uuid: _, ...reading } = devices.find((device) => device.uuid === uuid) ?? { uuid };
  return reading;
}

function deviceUseOf(uuid: string, pids: readonly number[], readings: DeviceReadings): TaskDeviceUse {
  const { utilizationPercent } = readingOf(uuid, readings);
  const own = readings.processes.filter((process) => process.uuid === uuid && pids.includes(process.pid));
  const known = own.flatMap(({ usedMiB }) => usedMiB ?? []);
  return {
    uuid,
    ...(known.length === 0 ? {} : { memoryUsedMiB: known.reduce((sum, mib) => sum + mib, 0) }),
    ...(utilizationPercent === undefined ? {} : { utilizationPercent }),
  };
}

/** When the present run was admitted; before that, when the flow was made. */
function startOf({ metadata, status }: VideoFlow): number {
  const admitted = status?.conditions?.find(({ type, status: is }) => type === "Admitted" && is === "True");
  return Date.parse(admitted?.lastTransitionTime ?? metadata.creationTimestamp);
}
