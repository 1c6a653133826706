/** Which hosts may get a flow, and what is left of them. Pure. */
import { memoryBytes } from "../../api/channel-memory.js";
import type { FlowTask, Host, VideoFlow } from "../../api/kinds.js";
import { isReachable } from "../host/reach.js";
import { isFinal, isOlder, mayWait } from "./identity.js";
import type { Observed } from "./observed.js";
import { needsOf } from "./resources.js";

/** Cores and memory. */
export interface Resources {
  readonly cpu: number;
  readonly memoryMiB: number;
}

/** The hosts that may get a flow, in the order of their names, and why the others may not. */
export interface Eligible {
  readonly hosts: readonly Host[];
  readonly others: readonly {
    readonly host: Host;
    /** "is draining" */
    readonly why: string;
  }[];
}

/** Hosts that may get the flow: schedulable, reachable, of the flow's choice, and their agent has reported. */
export function eligibleHosts({ flow, hosts, silence }: Pick<Observed, "flow" | "hosts" | "silence">): Eligible {
  const sorted = hosts.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  const judged = sorted.map((host) => ({ host, why: whyNot(host, flow, silence) }));
  return {
    hosts: judged.filter(({ why }) => why === undefined).map(({ host }) => host),
    others: judged.flatMap(({ host, why }) => (why === undefined ? [] : [{ host, why }])),
  };
}

function whyNot(host: Host, { spec }: VideoFlow, silence: Observed["silence"]): string | undefined {
  if (host.status === undefined || host.metadata.deletionTimestamp !== undefined) return "has not reported yet";
  if (host.spec.schedulable === "Draining") return "is draining";
  if (!host.spec.schedulable) return "is not schedulable";
  if (!isReachable(host.metadata.name, silence)) return "is not reachable";
  return isChosen(host, spec.hostSelector) ? undefined : `has not the labels ${labelText(spec.hostSelector ?? {})}`;
}

/** Whether the host carries all the labels. */
export function isChosen(host: Host, selector: VideoFlow["spec"]["hostSelector"]): boolean {
  return Object.entries(selector ?? {}).every(([name, value]) => host.metadata.labels?.[name] === value);
}

function labelText(selector: Readonly<Record<string, string>>): string {
  return Object.entries(selector)
    .map(([name, value]) => `${name}=${value}`)
    .join(", ");
}

/** What the tasks of all flows have asked of a host and not given back. */
export function usedOf(host: string, tasks: readonly FlowTask[]): Resources & { readonly tasks: number; readonly shmBytes: number } {
  const own = tasks.filter((task) => task.spec.host === host && !isFinal(task));
  return {
    cpu: own.reduce((sum, { spec }) => sum + (spec.resources?.cpu ?? 0), 0),
    memoryMiB: own.reduce((sum, { spec }) => sum + (spec.resources?.memoryMiB ?? 0), 0),
    tasks: own.length,
    shmBytes: reservedShm(own),
  };
}

/** Shared memory that the flows of these tasks may need, whether or not they use it yet. */
function reservedShm(tasks: readonly FlowTask[]): number {
  const runs = new Map<string, Map<string, FlowTask["spec"]>>();
  for (const { spec } of tasks) runs.set(spec.run, (runs.get(spec.run) ?? new Map()).set(spec.node, spec));
  const perRun = [...runs.values()].map((nodes) => {
    const specs = [...nodes.values()];
    const counted = specs.map(({ node, nbTasks, channels }) => ({ name: node, tasks: nbTasks, channels }));
    return memoryBytes(specs[0]?.flowType ?? "Batch", counted);
  });
  return perRun.reduce((sum, bytes) => sum + bytes, 0);
}

/** What older flows wait for on this host: nobody who came later gets it. */
export function reservedFor(host: Host, { flow, flows }: Pick<Observed, "flow" | "flows">): Resources {
  const older = flows.filter(
    (other) =>
      other.status?.reason === "WaitingForResources" && mayWait(other) && isOlder(other, flow) && isChosen(host, other.spec.hostSelector),
  );
  const needs = older.map(({ spec }) => needsOf(spec)).filter((need) => couldFit(host, need));
  return { cpu: needs.reduce((sum, { cpu }) => sum + cpu, 0), memoryMiB: needs.reduce((sum, { memoryMiB }) => sum + memoryMiB, 0) };
}

/** Whether the host has that much at all. */
export function couldFit({ status }: Host, need: Resources): boolean {
  return need.cpu <= (status?.cores ?? Number.POSITIVE_INFINITY) && need.memoryMiB <= (status?.memoryMiB ?? Number.POSITIVE_INFINITY);
}
