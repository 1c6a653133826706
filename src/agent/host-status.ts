/** What the agent says of its machine, in the object `Host`. */

import { readFileSync, statfsSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import { HOSTNAME_LABEL } from "../api/host-lease.js";
import { API_VERSION, DEFAULT_NAMESPACE, type Host, type HostStatus } from "../api/kinds.js";
import { OperatorError } from "../base/errors.js";
import { readBootId } from "../base/process-identity.js";
import { sameJson } from "../base/same-json.js";
import type { Events } from "../store/event-recorder.js";
import { isLostRace, type ObjectKey, type Store } from "../store/store.js";
import { coresOfGroups, memoryOfGroups } from "./group-limits.js";
import type { HostInventory } from "./options.js";
import { hostStory } from "./story.js";

const MIB = 1024 * 1024;

/**
 * Looks at the machine.
 *
 * @param containment what its keeper says of itself.
 * @param shared what of its shared memory this agent's flows use: what they may need is counted where flows are admitted; and what
 *   runs of others have reserved and do not use yet.
 */
export function observeHost(
  shmBase: string,
  inventory: HostInventory,
  containment: HostStatus["containment"] = "Keeper",
  shared = { own: 0, reserved: 0 },
): HostStatus & { readonly shmBytes: number } {
  const { provider, message, devices } = inventory;
  const memberships = readText("/proc/self/cgroup");
  return {
    bootId: readBootId(),
    cores: Math.min(availableParallelism(), coresOfGroups(memberships, readText)),
    memoryMiB: Math.floor(Math.min(totalmem(), memoryOfGroups(memberships, readText)) / MIB),
    shmBytes: freeBytes(shmBase, shared),
    containment,
    provider,
    ...(message === undefined ? {} : { providerMessage: message }),
    devices: [...devices],
  };
}

/** Free bytes of a file system, and those of this agent's flows. */
function freeBytes(path: string, { own, reserved }: { readonly own: number; readonly reserved: number }): number {
  const { bavail, bsize } = statfsSync(path);
  return Math.max(0, bavail * bsize + own - reserved);
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** The controller writes the condition of the Host at the same time, when it is new above all, and people delete it: look again, write again. */
const PUBLISH_ATTEMPTS = 5;

/** Creates the Host if it is not there and writes its status if it changed. */
export async function publishHost(store: Store, name: string, status: HostStatus, events?: Events): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await publishOnce(store, name, status, events);
    } catch (error) {
      if (!isLostRace(error) || attempt >= PUBLISH_ATTEMPTS) throw error;
    }
  }
}

async function publishOnce(store: Store, name: string, status: HostStatus, events?: Events): Promise<void> {
  const host = await getOrCreate(store, name);
  const conditions = host.status?.conditions; // The controller's.
  const next = { ...status, ...(conditions === undefined ? {} : { conditions }) };
  if (sameJson(host.status, next)) return;
  await store.updateStatus({ ...host, status: next });
  for (const note of hostStory(host.status, next)) events?.record(host, note);
}

async function getOrCreate(store: Store, name: string): Promise<Host> {
  const key: ObjectKey<"Host"> = { kind: "Host", namespace: DEFAULT_NAMESPACE, name };
  const host = await store.get(key);
  if (host !== undefined) return host;
  try {
    const metadata = { name, namespace: DEFAULT_NAMESPACE, labels: { [HOSTNAME_LABEL]: name } };
    return await store.create<"Host">({ apiVersion: API_VERSION, kind: "Host", metadata, spec: { schedulable: true } });
  } catch (error) {
    const made = await store.get(key);
    if (made !== undefined && error instanceof OperatorError && error.code === "STORE_EXISTS") return made;
    throw error;
  }
}
