/** Stage 5: one host for the whole flow, where its channels can be shared memory. Pure. */
import type { Host } from "../../api/kinds.js";
import { type Allocation, allocateDevices, type DeviceHost, type DeviceRequest, type HeldDevices } from "../../devices/allocate.js";
import { couldFit, type Resources } from "./hosts.js";

/** A host that may get the flow, and what is taken there. */
export interface Candidate {
  readonly host: Host;
  readonly held: readonly HeldDevices[];
  /** What the tasks there have asked for, and what older flows wait for. */
  readonly used: Resources;
  /** Tasks of all flows there. */
  readonly tasks: number;
  /** Shared memory that the flows there may need; absent: none. */
  readonly shmBytes?: number;
}

/** What a flow needs of its host. */
export interface Needs extends Resources {
  readonly requests: readonly DeviceRequest[];
  /** Shared memory that it may need. */
  readonly shmBytes: number;
  /** What to make smaller where there is only so much. */
  readonly advice?: (freeBytes: number) => string;
}

export type Refusal =
  | "NoHost"
  | "WaitingForDevices"
  | "WaitingForResources"
  | "SharedMemoryUnavailable"
  /** Not even with all devices free and healthy. */
  | "Unsatisfiable"
  /** More cores or memory than the host has. */
  | "ResourcesUnsatisfiable";

export type PlaceResult =
  | { readonly admitted: true; readonly host: string; readonly allocation: Allocation }
  | { readonly admitted: false; readonly reason: Refusal; readonly message: string };

/** Sums of tenths of cores are not exact. */
const ROUNDING = 1e-6;

/** One host, tried. */
export interface Tried {
  readonly candidate: Candidate;
  readonly allocation: Allocation;
  /** Why it does not fit now; undefined: it fits. */
  readonly refusal?: { readonly reason: Refusal; readonly message: string };
}

/** The devices of a host, as the allocator reads them. */
export function deviceHost(host: Host): DeviceHost {
  return { name: host.metadata.name, devices: host.status?.devices ?? [] };
}

/** Chooses the host that grants the most wishes; among equals the one with the fewest tasks per core, then the first by name. */
export function placeFlow(candidates: readonly Candidate[], needs: Needs): PlaceResult {
  const tried = candidates.map((candidate) => tryHost(candidate, needs));
  const [best] = tried.filter(({ refusal }) => refusal === undefined).toSorted(byFitness);
  if (best !== undefined) return { admitted: true, host: best.candidate.host.metadata.name, allocation: best.allocation };
  const refusals = tried.flatMap(({ refusal }) => refusal ?? []);
  const reason = MOST_HOPEFUL.find((known) => refusals.some((refusal) => refusal.reason === known)) ?? "NoHost";
  return { admitted: false, reason, message: textOf(refusals) };
}

/** What is waited for: the first of these that some host says. */
const MOST_HOPEFUL: readonly Refusal[] = [
  "WaitingForDevices",
  "WaitingForResources",
  "SharedMemoryUnavailable",
  "Unsatisfiable",
  "ResourcesUnsatisfiable",
];

/** No wait brings it, whoever ends meanwhile. */
export function isNever(reason: Refusal): boolean {
  return reason === "Unsatisfiable" || reason === "ResourcesUnsatisfiable";
}

/** What the host could give the flow now. */
export function tryHost(candidate: Candidate, needs: Needs): Tried {
  const { host, held } = candidate;
  const allocation = allocateDevices(deviceHost(host), held, needs.requests);
  const refusal =
    allocation.reason === "Unsatisfiable" ? undefined : (resourceRefusal(candidate, needs) ?? memoryRefusal(candidate, needs));
  if (refusal !== undefined) return { candidate, allocation, refusal };
  if (allocation.admitted) return { candidate, allocation };
  const reason = allocation.reason === "WaitingForDevices" ? "WaitingForDevices" : "Unsatisfiable";
  return { candidate, allocation, refusal: { reason, message: allocation.message } };
}

function resourceRefusal({ host, used }: Candidate, needs: Needs): Tried["refusal"] {
  const { cores = Number.POSITIVE_INFINITY, memoryMiB = Number.POSITIVE_INFINITY } = host.status ?? {};
  const reason = couldFit(host, needs) ? "WaitingForResources" : "ResourcesUnsatisfiable";
  const { name } = host.metadata;
  if (needs.cpu + used.cpu > cores + ROUNDING)
    return { reason, message: `the flow asks for ${needs.cpu} cores, host ${name} has ${free(cores, used.cpu)} of ${cores} free` };
  if (needs.memoryMiB + used.memoryMiB > memoryMiB) {
    const left = free(memoryMiB, used.memoryMiB);
    return { reason, message: `the flow asks for ${needs.memoryMiB} MiB of memory, host ${name} has ${left} of ${memoryMiB} MiB free` };
  }
  return undefined;
}

/** What is left; sums of tenths of cores are not exact. */
export function free(all: number, used: number): number {
  return Math.max(0, Math.round((all - used) * 1_000) / 1_000);
}

function memoryRefusal({ host, shmBytes: reserved = 0 }: Candidate, needs: Needs): Tried["refusal"] {
  return memoryShortage(host, reserved, needs.shmBytes, needs.advice);
}

/** @param reserved bytes that other flows may need. @returns undefined: the host has the shared memory. */
export function memoryShortage(
  { metadata, status }: Host,
  reserved: number,
  shmBytes: number,
  advise?: (freeBytes: number) => string,
): { readonly reason: Refusal; readonly message: string } | undefined {
  const all = status?.shmBytes ?? Number.POSITIVE_INFINITY;
  const left = Math.max(0, all - reserved);
  if (left >= shmBytes) return undefined;
  const others = reserved === 0 ? "" : ` (${toMiB(all)} MiB, of which other flows may need ${toMiB(reserved)})`;
  const text = `the flow needs ${toMiB(shmBytes)} MiB of shared memory, host ${metadata.name} has ${Math.floor(left / 2 ** 20)} MiB free${others}`;
  const advice = advise === undefined ? "" : `: ${advise(left)}`;
  return { reason: "SharedMemoryUnavailable", message: `${text}${advice}` };
}

/** Several hosts say the same of shared memory; what to do about it is said once. */
function textOf(refusals: readonly NonNullable<Tried["refusal"]>[]): string {
  const text = refusals.map(({ message }) => message).join("; ");
  const isShort = refusals.some(({ reason }) => reason === "SharedMemoryUnavailable");
  return isShort ? `${text}; or enlarge /dev/shm, or name a larger folder: --shm DIR, VIDEOFLOW_SHM` : text;
}

/** The better one first. */
export function byFitness(a: Tried, b: Tried): number {
  return granted(b.allocation) - granted(a.allocation) || loadOf(a.candidate) - loadOf(b.candidate);
}

/** Requests that get what they asked for. */
export function granted({ decisions }: Allocation): number {
  return decisions.filter(({ reason }) => reason === "Allocated").length;
}

/** Tasks per core. */
function loadOf({ host, tasks }: Candidate): number {
  return tasks / (host.status?.cores ?? 1);
}

function toMiB(bytes: number): number {
  return Math.ceil(bytes / 2 ** 20);
}
