/**
 * How long each host has been silent: the age of its Lease, counted from when this controller saw it change.
 * Knows Leases and this machine's clock; clocks of other machines count for nothing, so no jump of one changes a decision.
 */
import { hostLeaseName, LEASE_NAMESPACE } from "../../api/host-lease.js";
import type { Lease } from "../../api/kinds.js";

interface Seen {
  /** What was last seen; undefined: there is no Lease. */
  readonly mark: string | undefined;
  readonly atMs: number;
}

export class Heartbeats {
  readonly #seen = new Map<string, Seen>();

  /**
   * Takes all Leases as they are now, read from the store and not from a cache.
   *
   * @param nowMs this machine's boot clock.
   */
  see(hosts: readonly string[], leases: readonly Lease[], nowMs: number): void {
    const marks = new Map(leases.filter(isOfHost).map((lease) => [lease.metadata.name, markOf(lease)]));
    for (const host of hosts) this.#note(host, marks.get(hostLeaseName(host)), nowMs);
    for (const host of this.#seen.keys()) if (!hosts.includes(host)) this.#seen.delete(host);
  }

  /** Milliseconds since the Lease was seen to change; since the first look if it never did. */
  silentMs(host: string, nowMs: number): number {
    return nowMs - (this.#seen.get(host)?.atMs ?? nowMs);
  }

  #note(host: string, mark: string | undefined, atMs: number): void {
    const known = this.#seen.get(host);
    if (known === undefined || known.mark !== mark) this.#seen.set(host, { mark, atMs });
  }
}

function isOfHost({ metadata }: Lease): boolean {
  return metadata.namespace === LEASE_NAMESPACE;
}

/** A renewal changes it, whatever the clock of the host says. */
function markOf({ metadata }: Lease): string {
  return `${metadata.uid} ${metadata.resourceVersion}`;
}
