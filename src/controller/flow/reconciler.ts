/** The thin shell of reconcile.ts: observe, decide (pure), apply. It contains no decision of its own. */
import { LEASE_NAMESPACE } from "../../api/host-lease.js";
import type { DeviceClaim, DeviceClaimStatus, Host, VideoFlow, VideoFlowStatus } from "../../api/kinds.js";
import type { Clock } from "../../base/clock.js";
import { readBootId } from "../../base/process-identity.js";
import { sameJson } from "../../base/same-json.js";
import type { Describe } from "../../flow/graph.js";
import type { Events } from "../../store/event-recorder.js";
import type { ObjectKey, Store } from "../../store/store.js";
import type { Heartbeats } from "../host/heartbeats.js";
import { isReachable, type Silence } from "../host/reach.js";
import { CLAIM_FINALIZER } from "./desired.js";
import type { AdmissionPolicy, Change, Observed, Plan } from "./observed.js";
import { reconcileFlow, reconcileOrphans } from "./reconcile.js";
import { shapeOf } from "./shape.js";
import { atOnce, stepsOf } from "./steps.js";
import { changeStory, flowStory } from "./story.js";
import { waitingSince } from "./waiting.js";

type Reader = Pick<Store, "get" | "list">;

export interface FlowReconcilerOptions {
  readonly store: Store;
  /** What is known of the store, own writes among it; what others wrote may be missing. Absent: the store itself. */
  readonly reader?: Reader;
  readonly clock: Clock;
  /** Boot that the clock counts from; default: that of this machine. */
  readonly bootId?: string;
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

export class FlowReconciler {
  readonly #options: FlowReconcilerOptions;
  readonly #bootId: string;
  /** Flow uid to the boot time since which it waits. */
  readonly #waiting = new Map<string, number>();

  constructor(options: FlowReconcilerOptions) {
    this.#options = options;
    this.#bootId = options.bootId ?? readBootId();
  }

  /** @returns when to run again, in milliseconds; undefined to wait for the next event. */
  async reconcile(key: ObjectKey<"VideoFlow">): Promise<number | undefined> {
    const { store, reader = store } = this.#options;
    const flow = (await reader.get(key)) ?? (await store.get(key)); // Only the store can say that there is none.
    if (flow === undefined) return this.#applyOrphans(key, reader);
    const observed = await this.#observe(flow, { others: reader, devices: reader });
    const plan = reconcileFlow(observed);
    if (reader === store || !grantsDevices(plan)) return this.#carryOut(observed, plan);
    const fresh = await this.#observe(flow, { others: reader, devices: store });
    return this.#carryOut(fresh, reconcileFlow(fresh));
  }

  async #carryOut(observed: Observed, plan: Plan): Promise<number | undefined> {
    await this.#apply(observed.flow, plan);
    this.#remember(observed, plan);
    return plan.requeueAfterMs;
  }

  /** @param from where claims and the hosts with their devices are read, and where all the rest is. */
  async #observe(flow: VideoFlow, from: { readonly devices: Reader; readonly others: Reader }): Promise<Observed> {
    const { clock, describe, defaultAdmission, isScalable = false } = this.#options;
    const [flows, tasks, claims, hosts] = [
      await from.others.list("VideoFlow"),
      await from.others.list("FlowTask"),
      await from.devices.list("DeviceClaim"),
      await from.devices.list("Host"),
    ];
    const silence = await this.#silence(hosts);
    const shape = shapeOf(flow.spec, describe, isScalable);
    const now = { nowMs: clock.nowMs(), wallMs: clock.wallMs(), bootId: this.#bootId };
    const waitingSinceMs = this.#waiting.get(flow.metadata.uid) ?? waitingSince(flow, now);
    const times = { ...now, ...(waitingSinceMs === undefined ? {} : { waitingSinceMs }) };
    return { ...times, flow, shape, flows, tasks, claims, hosts, defaultAdmission, ...(silence === undefined ? {} : { silence }) };
  }

  /** Nobody is taken for silent without a look at the Leases in the store itself; another look can only find a host less silent. */
  async #silence(hosts: readonly Host[]): Promise<Silence | undefined> {
    const { heartbeats, store, reader, clock } = this.#options;
    if (heartbeats === undefined) return undefined;
    const names = hosts.map(({ metadata }) => metadata.name);
    const known = () => new Map(names.map((name) => [name, heartbeats.silentMs(name, clock.nowMs())]));
    const silence = known();
    if (reader !== undefined && names.every((name) => isReachable(name, silence))) return silence;
    heartbeats.see(names, await store.list("Lease", { namespace: LEASE_NAMESPACE }), clock.nowMs());
    return known();
  }

  #remember({ flow, nowMs, waitingSinceMs = nowMs }: Observed, plan: Plan): void {
    if (plan.status?.state === "Pending") this.#waiting.set(flow.metadata.uid, waitingSinceMs);
    else this.#waiting.delete(flow.metadata.uid);
  }

  async #applyOrphans(key: ObjectKey<"VideoFlow">, reader: Reader): Promise<undefined> {
    const changes = reconcileOrphans(key, { tasks: await reader.list("FlowTask"), claims: await reader.list("DeviceClaim") });
    for (const change of changes) await this.#make(key, change);
  }

  async #apply(flow: VideoFlow, plan: Plan): Promise<void> {
    let latest = flow;
    const key = { kind: "VideoFlow", namespace: flow.metadata.namespace, name: flow.metadata.name } as const;
    for (const step of stepsOf(plan.changes)) {
      await atOnce(step, async (change) => {
        latest = (await this.#make(key, change)) ?? latest;
      });
    }
    for (const note of changeStory(plan.changes)) this.#options.events?.record(flow, note);
    if (plan.status !== undefined) await this.#writeStatus(latest, plan.status);
  }

  async #writeStatus(flow: VideoFlow, status: VideoFlowStatus): Promise<void> {
    if (sameJson(status, flow.status)) return;
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

/** What is granted is decided on claims and devices as they stand in the store. */
function grantsDevices({ changes }: Plan): boolean {
  return changes.some((change) => change.op === "decideClaim" && change.status.allocation !== undefined);
}

function keptOf({ status }: DeviceClaim, next: DeviceClaimStatus): DeviceClaimStatus {
  const same = sameJson(status?.allocation, next.allocation);
  return same && status?.prepared !== undefined ? { prepared: status.prepared } : {};
}

function keyOf<K extends "FlowTask" | "DeviceClaim">(object: { kind: K; metadata: { namespace: string; name: string } }): ObjectKey<K> {
  return { kind: object.kind, namespace: object.metadata.namespace, name: object.metadata.name };
}
