/** The controller of flows: which objects wake which flow. */
import type { FlowTask, VideoFlow } from "../../api/kinds.js";
import type { Prng } from "../../base/prng.js";
import type { WatchEvent } from "../../store/store.js";
import { type CacheOf, readerOf, withOwnWrites } from "../runtime/cached-store.js";
import { Controller, type Source } from "../runtime/controller.js";
import type { Scheduler } from "../runtime/scheduler.js";
import type { Backoff } from "../runtime/work-queue.js";
import { conditionOf } from "./conditions.js";
import { isFinal } from "./holding.js";
import { FlowReconciler, type FlowReconcilerOptions } from "./reconciler.js";

export interface FlowControllerOptions extends Omit<FlowReconcilerOptions, "reader"> {
  /**
   * For a store that is far away: decides on what was heard and on its own writes, and reconciles several flows at once. This controller
   * must be the only one that writes what it decides on: what others write is seen a moment later, and never makes less free than it was.
   */
  readonly isCached?: boolean;
  readonly scheduler: Scheduler;
  readonly prng: Prng;
  readonly backoff?: Backoff;
  readonly resyncMs?: number;
  readonly onError?: (flow: string, problem: string, delayMs: number) => void;
}

/** Flows that wait for the answers of a store that is far away, at once. */
const FLOWS_AT_ONCE = 8;

export function createFlowController(options: FlowControllerOptions): Controller {
  const known: CacheOf = (kind) => controller.cache(kind);
  const reconciler = new FlowReconciler(
    options.isCached === true
      ? { ...options, reader: readerOf(known), store: withOwnWrites(options.store, known), isRunning: () => controller.isRunning }
      : options,
  );
  // What is being decided may have been decided before this was heard, and wait for it.
  const pending = () => [...pendingFlows(controller.cache("VideoFlow").values()), ...controller.inHand];
  const flowsOn = (host: string) =>
    new Set(
      controller
        .cache("FlowTask")
        .values()
        .flatMap((task) => (task.spec.host === host ? flowKey(task) : [])),
    );
  const sources: readonly Source[] = [
    asSource({ kind: "VideoFlow", keysOf: (event) => (mayFree(event) ? [keyOf(event.object), ...pending()] : [keyOf(event.object)]) }),
    asSource({
      kind: "FlowTask",
      keysOf: ({ type, object }) => (type === "Deleted" || isFinal(object) ? [flowKey(object), ...pending()] : [flowKey(object)]),
    }),
    asSource({
      kind: "DeviceClaim",
      keysOf: ({ type, object }) => (type === "Deleted" ? [flowKey(object), ...pending()] : [flowKey(object)]),
    }),
    asSource({ kind: "Host", keysOf: ({ object }) => [...pending(), ...flowsOn(object.metadata.name)] }),
  ];
  const { store, scheduler, clock, prng, backoff, resyncMs, onError } = options;
  const controller: Controller = new Controller({
    ...{ store, scheduler, clock, prng, sources, reconcile: (key) => reconciler.reconcile(flowOf(key)) },
    ...(options.isCached === true ? { atOnce: FLOWS_AT_ONCE } : {}),
    ...(backoff === undefined ? {} : { backoff }),
    ...(resyncMs === undefined ? {} : { resyncMs }),
    ...(onError === undefined ? {} : { onError }),
  });
  return controller;
}

/** Flows that wait for a host, devices, memory or tasks, be it for a change while they run; the oldest first. */
function pendingFlows(flows: readonly VideoFlow[]): string[] {
  const waiting = flows.filter(({ status }) => status?.state === undefined || status.state === "Pending" || isHeldUp(status));
  return waiting.toSorted((a, b) => (a.metadata.creationTimestamp < b.metadata.creationTimestamp ? -1 : 1)).map(keyOf);
}

/** Its changed spec asks for what others have. */
function isHeldUp({ conditions }: NonNullable<VideoFlow["status"]>): boolean {
  const { status, reason = "" } = conditionOf("Reconciling", conditions) ?? {};
  return status === "True" && ["WaitingForDevices", "SharedMemoryUnavailable"].includes(reason);
}

/** A flow that ends or gives up may leave devices to those who wait behind it. */
function mayFree({ type, object }: WatchEvent<"VideoFlow">): boolean {
  return type === "Deleted" || object.status?.state === "Failed" || object.spec.desiredState === "Stopped";
}

function keyOf({ metadata }: VideoFlow): string {
  return `${metadata.namespace}/${metadata.name}`;
}

function flowKey({ metadata, spec }: { metadata: FlowTask["metadata"]; spec: { flow: string } }): string {
  return `${metadata.namespace}/${spec.flow}`;
}

function flowOf(key: string) {
  const slash = key.indexOf("/");
  return { kind: "VideoFlow", namespace: key.slice(0, slash), name: key.slice(slash + 1) } as const;
}

/** A source is only given events of its own kind. */
function asSource<S extends Source<"VideoFlow"> | Source<"FlowTask"> | Source<"DeviceClaim"> | Source<"Host">>(source: S): Source {
  return source as unknown as Source;
}
