/**
 * Renews the Lease by which others know that this host is alive, and remembers since when they can think otherwise.
 * Knows the store and the boot clock; must not know tasks.
 */
import { hostLeaseName, LEASE_NAMESPACE, LEASE_SECONDS, RENEW_SECONDS } from "../api/host-lease.js";
import { type Lease, microTime } from "../api/kinds.js";
import { bootTimeMs, type Clock } from "../base/clock.js";
import { errorText } from "../base/errors.js";
import type { Store } from "../store/store.js";

export interface HeartbeatOptions {
  readonly store: Store;
  readonly hostName: string;
  readonly clock: Clock;
  /** Default {@link RENEW_SECONDS}. */
  readonly renewMs?: number;
  /** Called after each renewal with the time before which nobody can have seen the one before expire. */
  readonly onRenewed: (renewedAtMs: number) => void;
  /** Told once when renewals begin to fail, and again when they succeed. */
  readonly onTrouble: (problem: string | undefined) => void;
}

/** Two renewals in a row may fail before a fence strikes. */
const RENEWALS_PER_FENCE = 3;

export class Heartbeat {
  readonly #options: HeartbeatOptions;
  /** How often without a fence that asks for more. */
  readonly #renewMs: number;
  #everyMs: number;
  #renewedAtMs: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #trouble = false;
  #stopped = false;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#renewMs = options.renewMs ?? RENEW_SECONDS * 1_000;
    this.#everyMs = this.#renewMs;
  }

  /** When the last renewal that succeeded was begun, on {@link bootTimeMs}; undefined: none has. */
  get renewedAtMs(): number | undefined {
    return this.#renewedAtMs;
  }

  /** Renews at once and then for ever. An answer that does not come does not hold up the next renewal. */
  start(): void {
    void this.#beat();
    this.#plan();
  }

  #plan(): void {
    clearInterval(this.#timer);
    this.#timer = setInterval(() => void this.#beat(), this.#everyMs);
    this.#timer.unref();
  }

  /**
   * Renews often enough for processes that are killed so long after the last renewal; at once if that is more often than before.
   *
   * @param fenceMs the shortest of them; undefined: there are none.
   */
  pace(fenceMs = Number.POSITIVE_INFINITY): void {
    const everyMs = Math.min(this.#renewMs, fenceMs / RENEWALS_PER_FENCE);
    if (this.#stopped || everyMs === this.#everyMs) return;
    const isSooner = everyMs < this.#everyMs;
    this.#everyMs = everyMs;
    this.#plan();
    if (isSooner) void this.#beat();
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
  }

  async #beat(): Promise<void> {
    const beganAtMs = bootTimeMs();
    try {
      await this.#renew();
      if (this.#stopped) return;
      this.#renewedAtMs = Math.max(beganAtMs, this.#renewedAtMs ?? 0);
      this.#options.onRenewed(this.#renewedAtMs);
      this.#tell(undefined);
    } catch (error) {
      if (!this.#stopped) this.#tell(errorText(error));
    }
  }

  #tell(problem: string | undefined): void {
    if (this.#trouble === (problem !== undefined)) return;
    this.#trouble = problem !== undefined;
    this.#options.onTrouble(problem);
  }

  async #renew(): Promise<void> {
    const { store, hostName, clock } = this.#options;
    const name = hostLeaseName(hostName);
    const time = microTime(clock.wallMs());
    const spec = { holderIdentity: hostName, leaseDurationSeconds: LEASE_SECONDS, renewTime: time };
    const lease = await store.get({ kind: "Lease", namespace: LEASE_NAMESPACE, name });
    if (lease !== undefined) {
      await store.update<"Lease">({ ...lease, spec: { ...lease.spec, ...spec } });
      return;
    }
    const metadata = { name, namespace: LEASE_NAMESPACE };
    const first: Lease["spec"] = { ...spec, acquireTime: time };
    await store.create<"Lease">({ apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata, spec: first });
  }
}
