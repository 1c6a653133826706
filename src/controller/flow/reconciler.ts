/** The thin shell of reconcile.ts: observe, decide (pure), apply. It contains no decision of its own. */
import { isDeepStrictEqual } from "node:util";
import { LEASE_NAMESPACE } from "../../api/host-lease.js";
import type { DeviceClaim, DeviceClaimStatus, Host, VideoFlow, VideoFlowStatus } from "../../api/kinds.js";
import type { Clock } from "../../base/clock.js";
import type { Describe } from "../../flow/graph.js";
import type { Events } from "../../store/event-recorder.js";
import type { ObjectKey, Store } from "../../store/store.js";
import type { Heartbeats } from "../host/heartbeats.js";
import type { Silence } from "../host/reach.js";
import { CLAIM_FINALIZER } from "./desired.js";
import type { AdmissionPolicy, Change, Observed, Plan } from "./observed.js";
import { reconcileFlow, reconcileOrphans } from "./reconcile.js";
import { shapeOf } from "./shape.js";
import { changeStory, flowStory } from "./story.js";

export interface FlowReconcilerOptions {
  readonly store: Store;
  /** A cache that may be behind. Absent: the store itself. What is changed is always decided on the store. */
  readonly reader?: Pick<Store, "get" | "list">;
  readonly clock: Clock;
  readonly describe: Describe;
  /** What flows get that do not say: Fail under `videoflow run`, Wait under the agent and in a cluster. */
  readonly defaultAdmission: AdmissionPolicy;
  /** Flows get room for more tasks than they begin with. Default false: another number of tasks begins the run anew. */
  readonly isScalable?: boolean;
  /** How long hosts are silent; absent: hosts have no heartbeats and are there. */
  readonly heartbeats?: Heartbeats;
  /** Told of every change that was made, for logs. */
  readonly onChange?: (flow: string, change: Change) => void;
  /** Told what people should read about the flow. */
  readonly events?: Events;
}

type Reader = Pick<Store, "get" | "list">;

export class FlowReconciler {
  readonly #options: FlowReconcilerOptions;
  /** Flow uid to the boot time since which it waits. */
  readonly #waiting = new Map<string, number>();

  constructor(options: FlowReconcilerOptions) {
    this.#options = options;
  }

  /** @returns when to run again, in milliseconds; undefined to wait for the next event. */
  async reconcile(key: ObjectKey<"VideoFlow">): Promise<number | undefined> {
    const { store, reader } = this.#options;
    if (reader !== undefined && !(await this.#hasWork(key, reader))) return undefined;
    const observed = await this.#observe(key, store);
    if (observed === undefined) return this.#applyOrphans(key);
    const plan = reconcileFlow(observed);
    await this.#apply(observed.flow, plan);
    this.#remember(observed, plan);
    return plan.requeueAfterMs;
  }

  /** Devices are never granted, and nothing is removed, on a view that may be old: a cache only tells that there is nothing to do. */
  async #hasWork(key: ObjectKey<"VideoFlow">, reader: Reader): Promise<boolean> {
    const observed = await this.#observe(key, reader);
    if (observed === undefined) return true;
    const plan = reconcileFlow(observed);
    return plan.changes.length > 0 || plan.requeueAfterMs !== undefined || !isDeepStrictEqual(plan.status, observed.flow.status);
  }

  async #observe(key: ObjectKey<"VideoFlow">, reader: Reader): Promise<Observed | undefined> {
    const { clock, describe, defaultAdmission, isScalable = false } = this.#options;
    const flow = await reader.get(key);
    if (flow === undefined) return undefined;
    const [flows, tasks, claims, hosts] = [
      await reader.list("VideoFlow"),
      await reader.list("FlowTask"),
      await reader.list("DeviceClaim"),
      await reader.list("Host"),
    ];
    const silence = await this.#silence(hosts, reader);
    const waitingSinceMs = this.#waiting.get(flow.metadata.uid);
    const shape = shapeOf(flow.spec, describe, isScalable);
    const times = { nowMs: clock.nowMs(), wallMs: clock.wallMs(), ...(waitingSinceMs === undefined ? {} : { waitingSinceMs }) };
    return { ...times, flow, shape, flows, tasks, claims, hosts, defaultAdmission, ...(silence === undefined ? {} : { silence }) };
  }

  /** Leases are looked at in the store itself: what a cache shows is no sign of silence. */
  async #silence(hosts: readonly Host[], reader: Reader): Promise<Silence | undefined> {
    const { heartbeats, store, clock } = this.#options;
    if (heartbeats === undefined) return undefined;
    const names = hosts.map(({ metadata }) => metadata.name);
    if (reader === store) heartbeats.see(names, await store.list("Lease", { namespace: LEASE_NAMESPACE }), clock.nowMs());
    return new Map(names.map((name) => [name, heartbeats.silentMs(name, clock.nowMs())]));
  }

  #remember({ flow, nowMs }: Observed, plan: Plan): void {
    if (plan.status?.state !== "Pending") this.#waiting.delete(flow.metadata.uid);
    else if (!this.#waiting.has(flow.metadata.uid)) this.#waiting.set(flow.metadata.uid, nowMs);
  }

  async #applyOrphans(key: ObjectKey<"VideoFlow">): Promise<undefined> {
    const { store } = this.#options;
    const changes = reconcileOrphans(key, { tasks: await store.list("FlowTask"), claims: await store.list("DeviceClaim") });
    for (const change of changes) await this.#make(key, change);
  }

  async #apply(flow: VideoFlow, plan: Plan): Promise<void> {
    let latest = flow;
    for (const change of plan.changes) {
      const result = await this.#make({ kind: "VideoFlow", namespace: flow.metadata.namespace, name: flow.metadata.name }, change);
      if (result?.kind === "VideoFlow") latest = result;
    }
    for (const note of changeStory(plan.changes)) this.#options.events?.record(flow, note);
    if (plan.status !== undefined) await this.#writeStatus(latest, plan.status);
  }

  async #writeStatus(flow: VideoFlow, status: VideoFlowStatus): Promise<void> {
    if (isDeepStrictEqual(plain(status), plain(flow.status))) return;
    await this.#options.store.updateStatus({ ...flow, status });
    for (const note of flowStory(flow, status)) this.#options.events?.record(flow, note);
  }

  /** Makes one change. @throws OperatorError STORE_CONFLICT, STORE_EXISTS, STORE_GONE: the queue tries again. */
  async #make(flow: ObjectKey<"VideoFlow">, change: Change): Promise<VideoFlow | undefined> {
    const { store, onChange } = this.#options;
    let result: VideoFlow | undefined;
    switch (change.op) {
      case "setFinalizers":
        result = await this.#setFinalizers(change.object, change.finalizers);
        break;
      case "createClaim":
        await store.create(change.claim);
        break;
      case "decideClaim":
        await this.#decideClaim(flow.namespace, change.claim, change.status);
        break;
      case "createTask":
        await store.create(change.task);
        break;
      case "updateTask":
        await store.update({ ...change.task, spec: change.spec });
        break;
      case "updateClaim":
        await store.update({ ...change.claim, spec: change.spec });
        break;
      case "stopTask":
        await store.update({ ...change.task, spec: { ...change.task.spec, desiredState: "Stopped" } });
        break;
      case "deleteTask":
        await store.delete(keyOf(change.task), { uid: change.task.metadata.uid });
        break;
      case "deleteClaim":
        await this.#removeClaim(change.claim);
        break;
      default:
        change satisfies never;
    }
    onChange?.(flow.name, change);
    return result;
  }

  async #setFinalizers(
    object: Extract<Change, { op: "setFinalizers" }>["object"],
    finalizers: readonly string[],
  ): Promise<VideoFlow | undefined> {
    const { store } = this.#options;
    const metadata = { ...object.metadata, finalizers };
    if (object.kind === "VideoFlow") return store.update<"VideoFlow">({ ...object, metadata });
    await store.update<"FlowTask">({ ...object, metadata });
    return undefined;
  }

  /** Its finalizer first: the claim goes with it if somebody had deleted it, and by the delete otherwise. */
  async #removeClaim(claim: DeviceClaim): Promise<void> {
    const { store } = this.#options;
    const finalizers = (claim.metadata.finalizers ?? []).filter((name) => name !== CLAIM_FINALIZER);
    if (finalizers.length !== (claim.metadata.finalizers ?? []).length)
      await store.update<"DeviceClaim">({ ...claim, metadata: { ...claim.metadata, finalizers } });
    await store.delete(keyOf(claim), { uid: claim.metadata.uid });
  }

  /** What the agent wrote (`prepared`) stays as long as the allocation does. */
  async #decideClaim(namespace: string, name: string, status: DeviceClaimStatus): Promise<void> {
    const { store } = this.#options;
    const claim = await store.get({ kind: "DeviceClaim", namespace, name });
    if (claim !== undefined) await store.updateStatus({ ...claim, status: { ...keptOf(claim, status), ...status } });
  }
}

function keptOf({ status }: DeviceClaim, next: DeviceClaimStatus): DeviceClaimStatus {
  const same = isDeepStrictEqual(status?.allocation, next.allocation);
  return same && status?.prepared !== undefined ? { prepared: status.prepared } : {};
}

function keyOf<K extends "FlowTask" | "DeviceClaim">(object: { kind: K; metadata: { namespace: string; name: string } }): ObjectKey<K> {
  return { kind: object.kind, namespace: object.metadata.namespace, name: object.metadata.name };
}

/** Without undefined fields: what the store keeps. */
function plain(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}
