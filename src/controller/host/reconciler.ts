/** Writes the condition Reachable of hosts and of their tasks: the thin shell of reach.ts. */
import { LEASE_NAMESPACE, LEASE_SECONDS } from "../../api/host-lease.js";
import type { Condition, FlowTask, Host } from "../../api/kinds.js";
import type { Clock } from "../../base/clock.js";
import type { Store } from "../../store/store.js";
import { conditionsOf, type Fact } from "../flow/conditions.js";
import { isFinal } from "../flow/identity.js";
import type { Heartbeats } from "./heartbeats.js";
import { reachableFact } from "./reach.js";

export interface HostReconcilerOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly heartbeats: Heartbeats;
}

export class HostReconciler {
  readonly #options: HostReconcilerOptions;

  constructor(options: HostReconcilerOptions) {
    this.#options = options;
  }

  /** @returns when to look again, in milliseconds: silence makes no event. */
  async reconcile(name: string): Promise<number | undefined> {
    const { store, clock, heartbeats } = this.#options;
    const [hosts, leases] = [await store.list("Host"), await store.list("Lease", { namespace: LEASE_NAMESPACE })];
    const nowMs = clock.nowMs();
    heartbeats.see(
      hosts.map(({ metadata }) => metadata.name),
      leases,
      nowMs,
    );
    const host = hosts.find(({ metadata }) => metadata.name === name);
    if (host === undefined) return undefined;
    const silentMs = heartbeats.silentMs(name, nowMs);
    const fact = reachableFact(host, new Map([[name, silentMs]]));
    const isNews = statusOf(host) !== fact.status;
    if (isNews || fact.status !== "True") await this.#tellTasks(name, fact);
    if (isNews) await this.#write(host, fact);
    return Math.max(1_000, LEASE_SECONDS * 1_000 - silentMs + 1);
  }

  /** A task of a host that was always there needs no word of it. The host itself comes last: until then all of it is done again. */
  async #tellTasks(host: string, fact: Fact): Promise<void> {
    for (const task of await this.#options.store.list("FlowTask", { spec: { host } })) {
      const known = statusOf(task) ?? "True";
      if (!isFinal(task) && known !== fact.status) await this.#write(task, fact);
    }
  }

  async #write(object: Host | FlowTask, fact: Fact): Promise<void> {
    const old: readonly Condition[] = object.status?.conditions ?? [];
    const others = old.filter(({ type }) => type !== fact.type);
    const conditions = [...others, ...conditionsOf([fact], old, object.metadata.generation, this.#options.clock.wallMs())];
    await this.#options.store.updateStatus({ ...object, status: { ...object.status, conditions } } as Host);
  }
}

function statusOf({ status }: Host | FlowTask): Condition["status"] | undefined {
  return status?.conditions?.find(({ type }) => type === "Reachable")?.status;
}
