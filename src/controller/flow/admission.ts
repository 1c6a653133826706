/** Whether a flow may start, where, and with which devices: all or nothing. Pure. */

import type { DeviceClaim, DeviceClaimStatus, NewResource } from "../../api/kinds.js";
import { sameJson } from "../../base/same-json.js";
import type { DeviceDecision } from "../../devices/allocate.js";
import type { FlowGraph } from "../../flow/graph.js";
import { candidateOf, placeNeeds } from "./candidates.js";
import { desiredClaims, runId } from "./desired.js";
import { isFinal } from "./holding.js";
import { type Eligible, eligibleHosts, isChosen } from "./hosts.js";
import type { Change, Observed } from "./observed.js";
import type { Own } from "./own.js";
import { isNever, type Needs, type PlaceResult, placeFlow, type Refusal, tryHost } from "./place.js";
import { remainingMs } from "./waiting.js";

/** Decisions per claim, as they are once the changes are made. */
export type ClaimStatuses = ReadonlyMap<string, DeviceClaimStatus>;

export type Admission =
  | {
      readonly outcome: "Admitted";
      readonly host: string;
      readonly run: string;
      readonly claims: ClaimStatuses;
      readonly changes: readonly Change[];
    }
  | {
      readonly outcome: "Waiting" | "Refused";
      readonly reason: string;
      readonly message: string;
      readonly changes: readonly Change[];
      readonly requeueAfterMs?: number;
    };

const MEMORY_RETRY_MS = 5_000;
/** What a refused flow says that would wait otherwise. */
const FAILURES: Readonly<Record<string, string>> = {
  NoHost: "NoHost",
  SharedMemoryUnavailable: "SharedMemoryUnavailable",
  WaitingForResources: "ResourcesUnavailable",
  ResourcesUnsatisfiable: "ResourcesUnavailable",
};

/** Decides for a flow that should run and has no tasks yet. */
export function admitFlow(observed: Observed, own: Own, graph: FlowGraph): Admission {
  const run = runId(observed.flow);
  return decideNow(observed, own, graph, desiredClaims(observed.flow, graph, run), run);
}

function decideNow(observed: Observed, own: Own, graph: FlowGraph, wanted: readonly NewResource<"DeviceClaim">[], run: string): Admission {
  const stale = staleClaims(own.claims, wanted);
  const place = chooseHost(observed, own, graph, wanted, stale);
  if (!place.admitted) return refuseOrWait(observed, own, wanted, place);
  const changes = grantChanges(own, wanted, stale, place.host, place.allocation.decisions);
  return { outcome: "Admitted", host: place.host, run, claims: statusesOf(place.host, place.allocation.decisions), changes };
}

/** Tries the host on which an interrupted decision began, then all. */
function chooseHost(
  observed: Observed,
  own: Own,
  graph: FlowGraph,
  wanted: readonly NewResource<"DeviceClaim">[],
  stale: ReadonlySet<string>,
): PlaceResult {
  const { hosts, others } = eligibleHosts(observed);
  const candidates = hosts.map((host) => candidateOf(host, observed, observed.tasks, stale));
  const partial = own.claims.find(({ status }) => status?.allocation !== undefined)?.status?.allocation?.host;
  const resumed = candidates.filter(({ host }) => host.metadata.name === partial);
  const needs = placeNeeds(observed, graph, wanted);
  const again = resumed.length > 0 ? placeFlow(resumed, needs) : undefined;
  const place = again?.admitted === true ? again : placeFlow(candidates, needs);
  if (place.admitted) return place;
  const texts = others.map(({ host, why }) => `host ${host.metadata.name} ${why}`);
  const isHopeful = isNever(place.reason) && others.some(({ host }) => couldServeLater(host, observed, needs, stale));
  return withOthers(isHopeful ? { ...place, reason: "NoHost" } : place, texts);
}

/** Whether a host that may not be asked now, being silent, drained or closed, could ever take the flow. */
function couldServeLater(host: Eligible["hosts"][number], observed: Observed, needs: Needs, stale: ReadonlySet<string>): boolean {
  if (host.metadata.deletionTimestamp !== undefined || !isChosen(host, observed.flow.spec.hostSelector)) return false;
  if (host.status === undefined) return true; // Nobody knows yet what it has.
  const { refusal } = tryHost(candidateOf(host, observed, observed.tasks, stale), needs);
  return refusal === undefined || !isNever(refusal.reason);
}

/** Whether the host of the tasks is being drained and another one would take the flow now. */
export function movesAway(observed: Observed, own: Own, graph: FlowGraph): boolean {
  const left = own.tasks.find((task) => !isFinal(task));
  const host = observed.hosts.find(({ metadata }) => metadata.name === left?.spec.host);
  if (host?.spec.schedulable !== "Draining") return false;
  const wanted = desiredClaims(observed.flow, graph, runId(observed.flow));
  return chooseHost(observed, { tasks: [], claims: [] }, graph, wanted, new Set()).admitted;
}

/** Hosts that were not even tried may be what the flow waits for. */
function withOthers(place: Extract<PlaceResult, { admitted: false }>, others: readonly string[]): PlaceResult {
  const text = [place.message, ...others].filter((part) => part !== "").join("; ");
  return { ...place, message: text === "" ? "no host has reported yet" : text };
}

/** Names of claims that exist but ask for something else than the spec does now, or are deleted. */
function staleClaims(claims: readonly DeviceClaim[], wanted: readonly NewResource<"DeviceClaim">[]): Set<string> {
  const specs = new Map(wanted.map(({ metadata, spec }) => [metadata.name, spec]));
  return new Set(
    claims
      .filter(({ metadata, spec }) => isDeleted(metadata) || !sameJson(spec, specs.get(metadata.name)))
      .map(({ metadata }) => metadata.name),
  );
}

/** Somebody deleted it by hand: nobody has its devices, so it goes and comes again. */
function isDeleted({ deletionTimestamp }: DeviceClaim["metadata"]): boolean {
  return deletionTimestamp !== undefined;
}

/** First what is wrong goes, then all claims come, then each is decided: required ones first, as the allocator orders them. */
function grantChanges(
  own: Own,
  wanted: readonly NewResource<"DeviceClaim">[],
  stale: ReadonlySet<string>,
  host: string,
  decisions: readonly DeviceDecision[],
): Change[] {
  const kept = new Map(own.claims.filter(({ metadata }) => !stale.has(metadata.name)).map((claim) => [claim.metadata.name, claim]));
  const decide = decisions.flatMap((decision): Change[] => {
    const status = statusOf(host, decision);
    const same = sameJson(withoutPrepared(kept.get(decision.claim)?.status), status);
    return same ? [] : [{ op: "decideClaim", claim: decision.claim, status, why: decision.message }];
  });
  return [...syncClaims(own, wanted, stale), ...decide];
}

function syncClaims(own: Own, wanted: readonly NewResource<"DeviceClaim">[], stale: ReadonlySet<string>): Change[] {
  const kept = new Set(own.claims.map(({ metadata }) => metadata.name).filter((name) => !stale.has(name)));
  return [
    ...own.claims
      .filter(({ metadata }) => stale.has(metadata.name))
      .map((claim): Change => ({ op: "deleteClaim", claim, why: "the spec asks for something else" })),
    ...wanted
      .filter(({ metadata }) => !kept.has(metadata.name))
      .map((claim): Change => ({ op: "createClaim", claim, why: "the task asks for a GPU" })),
  ];
}

function statusesOf(host: string, decisions: readonly DeviceDecision[]): ClaimStatuses {
  return new Map(decisions.map((decision) => [decision.claim, statusOf(host, decision)]));
}

/** @param generation of the claim that was decided; 1 for one that is made with the decision. */
export function statusOf(host: string, { reason, message, devices, memoryMiB }: DeviceDecision, generation = 1): DeviceClaimStatus {
  const base = { observedGeneration: generation, reason, message };
  if (reason !== "Allocated") return base;
  return { ...base, allocation: { host, devices: [...devices], ...(memoryMiB === undefined ? {} : { memoryMiB, isolation: "None" }) } };
}

function withoutPrepared(status: DeviceClaimStatus | undefined): DeviceClaimStatus | undefined {
  if (status === undefined) return undefined;
  const { prepared: _, ...rest } = status;
  return rest;
}

/** Nothing was granted; what an earlier, interrupted decision granted is given back. */
function refuseOrWait(
  observed: Observed,
  own: Own,
  wanted: readonly NewResource<"DeviceClaim">[],
  place: { reason: Refusal; message: string },
): Admission {
  const { reason, message } = place;
  const admission = observed.flow.spec.admission;
  const leftMs = remainingMs(observed);
  const isKnown = observed.hosts.some(({ status }) => status !== undefined); // Else one that would take it may be about to report.
  const gone = own.claims.map((claim): Change => ({ op: "deleteClaim", claim, why: "the flow is refused" }));
  const failed = FAILURES[reason] ?? "DeviceUnavailable";
  if (isNever(reason)) {
    const never = reason === "Unsatisfiable" ? "no host has such devices" : "no host has so much";
    return { outcome: "Refused", reason: failed, message: `${message}: ${never}`, changes: gone };
  }
  if (isKnown && (admission?.policy ?? observed.defaultAdmission) === "Fail")
    return { outcome: "Refused", reason: failed, message, changes: gone };
  if (leftMs !== undefined && leftMs <= 0) {
    return { outcome: "Refused", reason: failed, message: `${message}: waited ${admission?.timeoutSeconds} s`, changes: gone };
  }
  const retryMs = reason === "SharedMemoryUnavailable" ? MEMORY_RETRY_MS : undefined;
  const againMs = Math.min(leftMs ?? Number.POSITIVE_INFINITY, retryMs ?? Number.POSITIVE_INFINITY);
  const requeue = againMs === Number.POSITIVE_INFINITY ? {} : { requeueAfterMs: againMs };
  return { outcome: "Waiting", reason, message, changes: isKnown ? waitChanges(own, wanted, message) : [], ...requeue };
}

/** A waiting flow has claims that say so: others see by them who waits longer. */
function waitChanges(own: Own, wanted: readonly NewResource<"DeviceClaim">[], message: string): Change[] {
  const status: DeviceClaimStatus = { observedGeneration: 1, reason: "WaitingForDevices", message };
  const stale = staleClaims(own.claims, wanted);
  const kept = new Map(own.claims.filter(({ metadata }) => !stale.has(metadata.name)).map((claim) => [claim.metadata.name, claim]));
  const decide = wanted
    .map(({ metadata }) => metadata.name)
    .filter((name) => !sameJson(withoutPrepared(kept.get(name)?.status), status))
    .map((claim): Change => ({ op: "decideClaim", claim, status, why: message }));
  return [...syncClaims(own, wanted, stale), ...decide];
}
