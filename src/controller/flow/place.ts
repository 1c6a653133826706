/** Stage 5: one host for the whole flow, where its channels can be shared memory. Pure. */
import type { Host } from "../../api/kinds.js";
import { type Allocation, allocateDevices, type DeviceHost, type DeviceRequest, type HeldDevices } from "../../devices/allocate.js";

/** A host that may get the flow, and what is taken there. */
export interface Candidate {
  readonly host: Host;
  readonly held: readonly HeldDevices[];
}

export type PlaceResult =
  | { readonly admitted: true; readonly host: string; readonly allocation: Allocation }
  | {
      readonly admitted: false;
      readonly reason: "NoHost" | "WaitingForDevices" | "Unsatisfiable" | "SharedMemoryUnavailable";
      readonly message: string;
    };

/** The devices of a host, as the allocator reads them. */
export function deviceHost(host: Host): DeviceHost {
  return { name: host.metadata.name, devices: host.status?.devices ?? [] };
}

/** Hosts that may get flows: schedulable, and their agent has reported. */
export function candidateHosts(hosts: readonly Host[]): Host[] {
  return hosts
    .filter(({ spec, status }) => spec.schedulable && status !== undefined)
    .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
}

/**
 * Chooses the host that grants the most wishes; among equals the first by name.
 *
 * @param memoryBytes shared memory that the flow may need on its host.
 */
export function placeFlow(candidates: readonly Candidate[], requests: readonly DeviceRequest[], memoryBytes: number): PlaceResult {
  if (candidates.length === 0) return { admitted: false, reason: "NoHost", message: "no schedulable host has reported yet" };
  const roomy = candidates.filter(({ host }) => (host.status?.shmBytes ?? Number.POSITIVE_INFINITY) >= memoryBytes);
  if (roomy.length === 0) return { admitted: false, reason: "SharedMemoryUnavailable", message: memoryText(candidates, memoryBytes) };
  const tried = roomy.map(({ host, held }) => ({
    host: host.metadata.name,
    allocation: allocateDevices(deviceHost(host), held, requests),
  }));
  const [best] = tried.filter(({ allocation }) => allocation.admitted).toSorted((a, b) => granted(b.allocation) - granted(a.allocation));
  if (best !== undefined) return { admitted: true, ...best };
  const waiting = tried.some(({ allocation }) => allocation.reason === "WaitingForDevices");
  const message = tried.map(({ allocation }) => allocation.message).join("; ");
  return { admitted: false, reason: waiting ? "WaitingForDevices" : "Unsatisfiable", message };
}

function granted({ decisions }: Allocation): number {
  return decisions.filter(({ reason }) => reason === "Allocated").length;
}

function memoryText(candidates: readonly Candidate[], memoryBytes: number): string {
  const there = candidates.map(({ host }) => `host ${host.metadata.name} has ${toMiB(host.status?.shmBytes ?? 0)} MiB free`);
  return `the flow needs ${toMiB(memoryBytes)} MiB of shared memory, ${there.join(", ")}; lower buffer.messages of its nodes, or enlarge /dev/shm`;
}

function toMiB(bytes: number): number {
  return Math.ceil(bytes / 2 ** 20);
}
