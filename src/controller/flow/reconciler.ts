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
import { Turns } from "../runtime/turns.js";
import { CLAIM_FINALIZER } from "./desired.js";
import type { AdmissionPolicy, Change, Observed, Plan } from "./observed.js";
import { reconcileFlow, reconcileOrphans } from "./reconcile.js";
import { shapeOf } from "./shape.js";
import { atOnce, isInLine, needsTurn, stepsOf } from "./steps.js";
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
  /** Whether it is still wanted that flows get something; absent: it is. */
  readonly isRunning?: () => boolean;
  /** Told of every change that was made, for logs. */
  readonly onChange?: (flow: string, change: Change) => void;
  /** Told what people should read about the flow. */
  readonly events?: Events;
}

interface Decided {
  readonly observed: Observed;
  readonly plan: Plan;
}

export class FlowReconciler {
  readonly #options: FlowReconcilerOptions;
  readonly #bootId: string;
  /** Flow uid to the boot time since which it waits. */
  readonly #waiting = new Map<string, number>();
  /** Of the flows that take something. */
  readonly #turns = new Turns();

  constructor(options: FlowReconcilerOptions) {
    this.#options = options;
    this.#bootId = options.bootId ?? readBootId();
  }

  /**
   * With a reader several flows may be reconciled at once; without one, one at a time.
   *
   * @returns when to run again, in milliseconds; undefined to wait for the next event.
   */
  async reconcile(key: ObjectKey<"VideoFlow">): Promise<number | undefined> {
    const { store, reader } = this.#options;
    const flow = await this.#read(key);
    if (flow === undefined) return this.#applyOrphans(key, reader ?? store);
    if (reader === undefined) return this.#finish(await this.#carryOut(await this.#decide(flow, store)));
    const decided = await this.#decide(flow, reader);
    if (!needsTurn(flow, decided.plan)) return this.#finish(await this.#carryOut(decided));
    await this.#adopt(decided);
    return this.#takeTurn(key, reader);
  }

  /** Only the store can say that there is none. */
  async #read(key: ObjectKey<"VideoFlow">): Promise<VideoFlow | undefined> {
    const { store, reader = store } = this.#options;
    return (await reader.get(key)) ?? store.get(key);
  }

  /** That a flow must not vanish concerns no other one: nobody need wait while it is written. */
  async #adopt({ observed: { flow }, plan }: Decided): Promise<void> {
    const [first] = plan.changes;
    if (first?.op === "setFinalizers") await this.#make(keyOf(flow), first);
  }

  /** Decides once more, and makes the changes before anybody else decides. */
  async #takeTurn(key: ObjectKey<"VideoFlow">, reader: Reader): Promise<number | undefined> {
    const carriedOut = await this.#turns.take(async () => {
      const flow = this.#options.isRunning?.() === false ? undefined : await this.#read(key);
      if (flow === undefined) return undefined;
      const decided = await this.#carryOut(await this.#decideFresh(flow, reader));
      return isInLine(flow, decided.plan) ? { ...decided, againMs: await this.#finish(decided) } : decided;
    });
    if (carriedOut === undefined) return 0;
    return "againMs" in carriedOut ? carriedOut.againMs : this.#finish(carriedOut);
  }

  async #decide(flow: VideoFlow, others: Reader, devices = others): Promise<Decided> {
    const observed = await this.#observe(flow, { others, devices });
    return { observed, plan: reconcileFlow(observed) };
  }

  /** What is granted is decided on claims and hosts as they stand in the store. */
  async #decideFresh(flow: VideoFlow, reader: Reader): Promise<Decided> {
    const decided = await this.#decide(flow, reader);
    return grantsDevices(decided.plan) ? this.#decide(flow, reader, this.#options.store) : decided;
  }

  /** Makes the changes. @returns the same with the flow as it is then. */
  async #carryOut({ observed, plan }: Decided): Promise<Decided> {
    let { flow } = observed;
    for (const step of stepsOf(plan.changes)) {
      await atOnce(step, async (change) => {
        flow = (await this.#make(keyOf(flow), change)) ?? flow;
      });
    }
    for (const note of changeStory(plan.changes)) this.#options.events?.record(flow, note);
    return { observed: { ...observed, flow }, plan };
  }

  /** Says what came of it. */
  async #finish({ observed, plan }: Decided): Promise<number | undefined> {
    if (plan.status !== undefined) await this.#writeStatus(observed.flow, plan.status);
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

function grantsDevices({ changes }: Plan): boolean {
  return changes.some((change) => change.op === "decideClaim" && change.status.allocation !== undefined);
}

function keptOf({ status }: DeviceClaim, next: DeviceClaimStatus): DeviceClaimStatus {
  const same = sameJson(status?.allocation, next.allocation);
  return same && status?.prepared !== undefined ? { prepared: status.prepared } : {};
}

function keyOf<K extends "VideoFlow" | "FlowTask" | "DeviceClaim">(object: {
  kind: K;
  metadata: { namespace: string; name: string };
}): ObjectKey<K> {
  return { kind: object.kind, namespace: object.metadata.namespace, name: object.metadata.name };
}
