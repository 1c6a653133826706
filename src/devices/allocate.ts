/**
 * Which task gets which device of a host: stage 5, pure.
 * Knows devices, what holds them and what a flow asks for; must not know processes, stores or how devices are found.
 */
import type { HostDevice } from "../api/kinds.js";
import { nodeSummaries, refusals, type Scene } from "./explain.js";
import { type DeviceUse, Ledger, sharedMiB, suits } from "./ledger.js";
import { grantAll } from "./search.js";

/** The devices of one host, in the agent's order. */
export interface DeviceHost {
  readonly name: string;
  readonly devices: readonly HostDevice[];
}

/** What one task of the flow asks for. */
export interface DeviceRequest {
  /** Name of the claim, which is the name of the task. */
  readonly claim: string;
  readonly node: string;
  readonly index: number;
  /** Place of the node in the topological order of the graph. */
  readonly order: number;
  readonly required: boolean;
  /** Devices of the task, all on one host. */
  readonly count: number;
  /** Memory that each device must have (Exclusive) or give (Shared), in MiB. */
  readonly memoryMiB?: number;
  /** Text that the product must contain; case is ignored. */
  readonly product?: string;
  readonly sharing: "Exclusive" | "Shared";
  /** A wish that was not met before: its process runs on the CPU and is not moved, whatever is free now. */
  readonly staysOnCpu?: boolean;
}

/** Devices that somebody has. A claim of the same name as a request keeps them: a running process is never moved. */
export interface HeldDevices {
  readonly claim: string;
  readonly devices: readonly string[];
  /** Shared: memory taken of each device, in MiB. Absent: the whole device. */
  readonly memoryMiB?: number;
  /** Nothing is granted yet: an older flow waits for these devices. */
  readonly reserved?: boolean;
}

/** What became of one request. */
export interface DeviceDecision {
  readonly claim: string;
  readonly reason: "Allocated" | "CpuFallback" | "WaitingForDevices" | "Unsatisfiable";
  /** Full UUIDs in allocation order; empty unless Allocated. */
  readonly devices: readonly string[];
  /** Shared: memory granted on each device, in MiB. */
  readonly memoryMiB?: number;
  /** What was asked, what was tried, who holds the rest. */
  readonly message: string;
}

/** All or nothing. */
export interface Allocation {
  /** False: a required request found nothing, so the flow gets nothing. */
  readonly admitted: boolean;
  /** "Unsatisfiable": not even with all devices free and healthy. */
  readonly reason: "Allocated" | "WaitingForDevices" | "Unsatisfiable";
  /** A sentence with the numbers, per node. */
  readonly message: string;
  /** One per request, in order of allocation. */
  readonly decisions: readonly DeviceDecision[];
}

/**
 * Decides for all requests of one flow on one host.
 *
 * Required requests come first, then wishes, each in topological order of the nodes, then by task index; each takes the
 * first devices of the host's order that fit. A required request that finds none: the whole flow gets nothing. A wish
 * that finds none: that task runs on the CPU. What a request of the flow holds already is kept. Busy and unhealthy
 * devices are never granted; a whole GPU and its MIG instances exclude each other. Pure, and the order of `held` and
 * `requests` does not matter.
 *
 * @param host     the devices that its agent may grant, UUIDs unique, memory in MiB.
 * @param held     what is taken on this host, by this and by other flows.
 * @param requests what the tasks of the flow ask for; claims unique.
 */
export function allocateDevices(host: DeviceHost, held: readonly HeldDevices[], requests: readonly DeviceRequest[]): Allocation {
  const ordered = requests.toSorted(inOrderOfAllocation);
  const kept = new Map(
    held
      .filter((hold) => hold.reserved !== true && ordered.some(({ claim }) => claim === hold.claim))
      .map((hold) => [hold.claim, hold.devices]),
  );
  const fresh = ordered.filter(({ claim, staysOnCpu }) => !kept.has(claim) && staysOnCpu !== true);
  const before = new Ledger(host, held);
  const ledger = new Ledger(host, held);
  const required = grantAll(host, ledger, fresh.filter(isRequired));
  if (required === undefined) return refuse({ host, before, after: before }, ordered);
  const granted = new Map<string, readonly string[]>([...kept, ...required, ...grantWishes(host, ledger, fresh)]);
  return admit({ host, before, after: ledger }, ordered, granted);
}

/** What each device of a host is doing: free, held by whom, unhealthy and why. */
export function deviceUses(host: DeviceHost, held: readonly HeldDevices[]): readonly DeviceUse[] {
  return new Ledger(host, held).uses();
}

/** Devices that an older flow waits for: nobody who came later gets them. */
export function suitableDevices(host: DeviceHost, request: Pick<DeviceRequest, "product" | "memoryMiB">): string[] {
  return host.devices.filter((device) => suits(device, request)).map(({ uuid }) => uuid);
}

function isRequired({ required }: DeviceRequest): boolean {
  return required;
}

function inOrderOfAllocation(a: DeviceRequest, b: DeviceRequest): number {
  if (a.required !== b.required) return a.required ? -1 : 1;
  if (a.order !== b.order) return a.order - b.order;
  if (a.index !== b.index) return a.index - b.index;
  return a.claim < b.claim ? -1 : a.claim > b.claim ? 1 : 0;
}

/** Each wish takes what is there when its turn comes. */
function grantWishes(host: DeviceHost, ledger: Ledger, fresh: readonly DeviceRequest[]): Map<string, string[]> {
  const wishes = fresh.filter(({ required }) => !required);
  return new Map(wishes.flatMap((wish) => [...(grantAll(host, ledger, [wish]) ?? [])]));
}

function admit(scene: Scene, ordered: readonly DeviceRequest[], granted: ReadonlyMap<string, readonly string[]>): Allocation {
  const summaries = nodeSummaries(scene, ordered, granted);
  const decisions = ordered.map((request): DeviceDecision => {
    const devices = granted.get(request.claim);
    const memoryMiB = sharedMiB(request);
    const message = summaries.get(request.node) ?? "";
    if (devices === undefined) return { claim: request.claim, reason: "CpuFallback", devices: [], message };
    return { claim: request.claim, reason: "Allocated", devices, message, ...(memoryMiB === undefined ? {} : { memoryMiB }) };
  });
  return { admitted: true, reason: "Allocated", message: [...summaries.values()].join("; "), decisions };
}

function refuse(scene: Scene, ordered: readonly DeviceRequest[]): Allocation {
  const required = ordered.filter(isRequired);
  const reason = isSatisfiable(scene.host, required) ? "WaitingForDevices" : "Unsatisfiable";
  const message = [...refusals(scene, required, reason === "Unsatisfiable").values()].join("; ");
  return { admitted: false, reason, message, decisions: ordered.map(({ claim }) => ({ claim, reason, devices: [], message })) };
}

/** Whether the host could give it with every device free and healthy. */
export function isSatisfiable(host: DeviceHost, requests: readonly DeviceRequest[]): boolean {
  const ideal = { name: host.name, devices: host.devices.map((device) => ({ ...device, healthy: true })) };
  return grantAll(ideal, new Ledger(ideal), requests.filter(isRequired).toSorted(inOrderOfAllocation)) !== undefined;
}
