/**
 * The controller of hosts: it hears their heartbeats.
 * Knows Leases, Hosts and the tasks on them; must not know flows.
 */
import { hostLeaseName, LEASE_NAMESPACE } from "../../api/host-lease.js";
import type { Host, Lease } from "../../api/kinds.js";
import type { Prng } from "../../base/prng.js";
import { Controller, type Source } from "../runtime/controller.js";
import type { Scheduler } from "../runtime/scheduler.js";
import type { Backoff } from "../runtime/work-queue.js";
import { HostReconciler, type HostReconcilerOptions } from "./reconciler.js";

export interface HostControllerOptions extends HostReconcilerOptions {
  readonly scheduler: Scheduler;
  readonly prng: Prng;
  readonly backoff?: Backoff;
  readonly resyncMs?: number;
  readonly onError?: (host: string, problem: string, delayMs: number) => void;
}

const PREFIX = hostLeaseName("");

/** Needed where hosts have heartbeats: in a cluster. */
export function createHostController(options: HostControllerOptions): Controller {
  const reconciler = new HostReconciler(options);
  const { store, scheduler, clock, prng, backoff, resyncMs, onError } = options;
  return new Controller({
    ...{ store, scheduler, clock, prng, reconcile: (host) => reconciler.reconcile(host) },
    sources: [
      { kind: "Host", keysOf: ({ object }) => [(object as Host).metadata.name] },
      { kind: "Lease", namespace: LEASE_NAMESPACE, keysOf: ({ object }) => hostOf(object as Lease) },
    ] satisfies Source[],
    ...(backoff === undefined ? {} : { backoff }),
    ...(resyncMs === undefined ? {} : { resyncMs }),
    ...(onError === undefined ? {} : { onError }),
  });
}

function hostOf({ metadata }: Lease): string[] {
  return metadata.namespace === LEASE_NAMESPACE && metadata.name.startsWith(PREFIX) ? [metadata.name.slice(PREFIX.length)] : [];
}
