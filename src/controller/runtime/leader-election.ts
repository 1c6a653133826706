/**
 * One leader at a time, by a Lease: the thin shell of leadership.ts.
 * Knows the store and the clock; must not know what the leader does.
 */
import { type Lease, microTime } from "../../api/kinds.js";
import type { Clock } from "../../base/clock.js";
import { errorText } from "../../base/errors.js";
import { isLostRace, type Store } from "../../store/store.js";
import { LEADERSHIP_TIMES, type LeadershipTimes, leadershipStep } from "./leadership.js";
import type { Cancel, Scheduler } from "./scheduler.js";

export interface LeaderElectionOptions {
  readonly store: Pick<Store, "get" | "create" | "update">;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly namespace: string;
  /** Name of the Lease. */
  readonly name: string;
  /** Unlike that of any other candidate, also of an earlier process of this machine. */
  readonly identity: string;
  readonly times?: LeadershipTimes;
  /** Called once, when this candidate has become the leader. */
  readonly onLead: () => void;
  /** Called once, when it must not act as the leader any more; it never leads again. */
  readonly onLose: (why: string) => void;
  readonly onError?: (problem: string) => void;
}

export class LeaderElection {
  readonly #options: LeaderElectionOptions;
  readonly #times: LeadershipTimes;
  #version: string | undefined;
  #changedAtMs: number;
  #renewedAtMs = 0;
  #leads = false;
  #ended = false;
  #cancel: Cancel = () => {};
  #working: Promise<void> = Promise.resolve();

  constructor(options: LeaderElectionOptions) {
    this.#options = options;
    this.#times = options.times ?? LEADERSHIP_TIMES;
    this.#changedAtMs = options.clock.nowMs();
  }

  get leads(): boolean {
    return this.#leads;
  }

  start(): void {
    this.#plan(0);
  }

  /** Ends the candidacy; a leader gives the Lease free, so that another need not wait. */
  async stop(): Promise<void> {
    this.#ended = true;
    this.#cancel();
    await this.#working;
    if (!this.#leads) return;
    this.#leads = false;
    const lease = await this.#read();
    if (lease?.spec.holderIdentity !== this.#options.identity) return;
    await this.#options.store.update<"Lease">({ ...lease, spec: { ...lease.spec, holderIdentity: "" } });
  }

  #plan(delayMs: number): void {
    if (this.#ended) return;
    this.#cancel = this.#options.scheduler.after(delayMs, () => {
      this.#working = this.#round().finally(() => this.#plan(this.#times.retryMs));
    });
  }

  async #round(): Promise<void> {
    // A clock of its own: a write that hangs must not keep a leader in office.
    const cancelDeadline = this.#leads
      ? this.#options.scheduler.after(this.#remainingMs(), () => this.#lose("it could not renew its Lease in time"))
      : () => {};
    try {
      await this.#step();
    } catch (error) {
      if (!isLostRace(error)) this.#options.onError?.(errorText(error));
    } finally {
      cancelDeadline();
    }
    if (this.#leads && this.#remainingMs() <= 0) this.#lose("it could not renew its Lease in time");
  }

  #remainingMs(): number {
    return Math.max(0, this.#renewedAtMs + this.#times.renewDeadlineMs - this.#options.clock.nowMs());
  }

  async #step(): Promise<void> {
    const { store, clock, identity, namespace, name } = this.#options;
    const lease = await this.#read();
    if (lease?.metadata.resourceVersion !== this.#version) {
      this.#version = lease?.metadata.resourceVersion;
      this.#changedAtMs = clock.nowMs();
    }
    const startMs = clock.nowMs();
    const step = leadershipStep({ nowMs: startMs, identity, lease, changedAtMs: this.#changedAtMs, times: this.#times });
    if (step === "wait") return this.#leads ? this.#lose("another took its Lease") : undefined;
    const time = microTime(clock.wallMs());
    const held = { holderIdentity: identity, leaseDurationSeconds: this.#times.leaseMs / 1_000, renewTime: time };
    const written =
      lease === undefined
        ? await store.create<"Lease">({
            apiVersion: "coordination.k8s.io/v1",
            kind: "Lease",
            metadata: { namespace, name },
            spec: { ...held, acquireTime: time, leaseTransitions: 0 },
          })
        : await store.update<"Lease">({
            ...lease,
            spec: {
              ...lease.spec,
              ...held,
              ...(step === "renew" ? {} : { acquireTime: time, leaseTransitions: (lease.spec.leaseTransitions ?? 0) + 1 }),
            },
          });
    this.#version = written.metadata.resourceVersion;
    this.#changedAtMs = clock.nowMs();
    this.#renewedAtMs = startMs; // From before the write: others count from when they see it.
    this.#lead();
  }

  #lead(): void {
    if (this.#leads || this.#ended) return;
    this.#leads = true;
    this.#options.onLead();
  }

  #lose(why: string): void {
    if (!this.#leads) return;
    this.#leads = false;
    this.#ended = true;
    this.#cancel();
    this.#options.onLose(why);
  }

  #read(): Promise<Lease | undefined> {
    const { store, namespace, name } = this.#options;
    return store.get({ kind: "Lease", namespace, name });
  }
}
