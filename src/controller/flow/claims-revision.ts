/** Devices for a changed spec of a flow that runs: all or nothing, decided before anything is retired. Pure. */

import type { DeviceClaim, DeviceClaimStatus, FlowTask, NewResource } from "../../api/kinds.js";
import { sameJson } from "../../base/same-json.js";
import { allocateDevices, type DeviceDecision } from "../../devices/allocate.js";
import type { FlowGraph } from "../../flow/graph.js";
import { type ClaimStatuses, statusOf } from "./admission.js";
import { desiredClaims, requestsOf, runId } from "./desired.js";
import { heldOn, isFinal, reservedOn } from "./holding.js";
import type { Change, Observed } from "./observed.js";
import type { Own } from "./own.js";
import { deviceHost } from "./place.js";
import { isRetired } from "./task-state.js";

interface Granted {
  readonly outcome: "Granted";
  readonly changes: readonly Change[];
  /** Decisions per claim, as they are once the changes are made. */
  readonly claims: ClaimStatuses;
}

export type ClaimRevision =
  | Granted
  /** These nodes must have no process before what they hold is decided anew; until then none of these claims is decided. */
  | { readonly outcome: "Retire"; readonly nodes: ReadonlySet<string>; readonly undecided: ReadonlySet<string> }
  /** The wish cannot be met now: what runs keeps what it has. */
  | { readonly outcome: "Refused"; readonly reason: string; readonly message: string };

type Wanted = NewResource<"DeviceClaim">;

/**
 * Decides for all claims of the run at once; those that ask for the same as before keep what they have.
 *
 * What a live process holds is given to nobody, not even to a sibling: where a claim changes that holds devices, its node
 * is retired first. Nobody else gets them meanwhile, for the claim still holds them.
 */
export function reviseClaims(observed: Observed, own: Own, graph: FlowGraph, host: string): ClaimRevision {
  const done = new Set(own.tasks.filter(isFinal).map(({ metadata }) => metadata.name));
  const all = desiredClaims(observed.flow, graph, runId(observed.flow));
  const wanted = all.filter(({ metadata }) => !done.has(metadata.name));
  const known = new Map(own.claims.map((claim) => [claim.metadata.name, claim]));
  const open = wanted.filter((claim) => !isDecided(known.get(claim.metadata.name), claim));
  const changed = new Set([...open, ...surplusOf(own.claims, all)].map(({ spec }) => spec.node));
  if (changed.size === 0) return { outcome: "Granted", changes: [], claims: statusesOf(own.claims) };
  const allocation = allocate(observed, own.claims, graph, host, { wanted, open });
  if (typeof allocation === "string") return { outcome: "Refused", reason: "HostGone", message: allocation };
  if (!allocation.admitted) return { outcome: "Refused", reason: allocation.reason ?? "WaitingForDevices", message: allocation.message };
  const nodes = holders(own.tasks, open, known);
  if (nodes.size > 0) return { outcome: "Retire", nodes, undecided: new Set(open.map(({ metadata }) => metadata.name)) };
  const settled = wanted.filter((claim) => changed.has(claim.spec.node) && !open.includes(claim));
  return tellAnew(grant(host, own.claims, open, known, allocation.decisions), settled, known, allocation.decisions);
}

/** Claims of tasks that the spec has no more. */
function surplusOf(claims: readonly DeviceClaim[], all: readonly Wanted[]): readonly DeviceClaim[] {
  const names = new Set(all.map(({ metadata }) => metadata.name));
  return claims.filter(({ metadata }) => !names.has(metadata.name));
}

/** Claims of a node that keep what they have say what is true of the node now: what they said is of another number of tasks. */
function tellAnew(
  revision: Granted,
  settled: readonly Wanted[],
  known: ReadonlyMap<string, DeviceClaim>,
  decisions: readonly DeviceDecision[],
): Granted {
  const statuses = new Map(revision.claims);
  const changes = settled.flatMap(({ metadata: { name } }): Change[] => {
    const { prepared: _, ...status } = known.get(name)?.status ?? {};
    const message = decisions.find(({ claim }) => claim === name)?.message;
    if (message === undefined || message === status.message) return [];
    statuses.set(name, { ...status, message });
    return [{ op: "decideClaim", claim: name, status: { ...status, message }, why: "its node has another number of tasks", inTurn: true }];
  });
  return { outcome: "Granted", changes: [...revision.changes, ...changes], claims: statuses };
}

/** It stands in the store as it is wanted, and the decision speaks of it. */
function isDecided(claim: DeviceClaim | undefined, wanted: Wanted): boolean {
  if (claim?.status?.observedGeneration !== claim?.metadata.generation) return false;
  if (claim?.status?.reason !== "Allocated" && claim?.status?.reason !== "CpuFallback") return false;
  return sameJson(claim.spec, wanted.spec);
}

function allocate(
  observed: Observed,
  own: Own["claims"],
  graph: FlowGraph,
  host: string,
  { wanted, open }: { readonly wanted: readonly Wanted[]; readonly open: readonly Wanted[] },
) {
  const { flow, flows, claims, tasks, hosts } = observed;
  const there = hosts.find(({ metadata }) => metadata.name === host);
  if (there === undefined) return `host ${host} is not there`;
  const undecided = new Set(open.map(({ metadata }) => metadata.name));
  const held = heldOn(host, flow.metadata.namespace, claims, tasks).filter(({ claim }) => !undecided.has(claim));
  const reserved = reservedOn(there, flow, flows, claims);
  const onCpu = new Set(own.filter(({ status }) => status?.reason === "CpuFallback").map(({ metadata }) => metadata.name));
  const requests = requestsOf(wanted, graph).map((request) => ({
    ...request,
    staysOnCpu: onCpu.has(request.claim) && !undecided.has(request.claim),
  }));
  return allocateDevices(deviceHost(there), [...held, ...reserved], requests);
}

/** Nodes of which a task still has a process, and a claim that holds devices and is decided anew. */
function holders(tasks: readonly FlowTask[], open: readonly Wanted[], known: ReadonlyMap<string, DeviceClaim>): Set<string> {
  const holding = new Set(
    open.filter(({ metadata }) => known.get(metadata.name)?.status?.allocation !== undefined).map(({ spec }) => spec.node),
  );
  const alive = new Set(tasks.filter((task) => !isFinal(task) && !isRetired(task)).map(({ spec }) => spec.node));
  return new Set([...holding].filter((node) => alive.has(node)));
}

function grant(
  host: string,
  claims: readonly DeviceClaim[],
  open: readonly Wanted[],
  known: ReadonlyMap<string, DeviceClaim>,
  decisions: readonly DeviceDecision[],
): Granted {
  const decided = new Map(decisions.map((decision) => [decision.claim, decision]));
  const statuses = new Map(statusesOf(claims));
  const changes = leaversFirst(open, known, decided).flatMap(({ wanted, leaves, hasLeft }): Change[] => {
    const { name } = wanted.metadata;
    const decision = decided.get(name) as DeviceDecision;
    const claim = known.get(name);
    const isSame = claim !== undefined && sameJson(claim.spec, wanted.spec);
    const generation = claim === undefined ? 1 : claim.metadata.generation + (isSame ? 0 : 1);
    const status = leaves ? leaving(generation) : statusOf(host, decision, generation);
    statuses.set(name, status);
    const decide: Change = { op: "decideClaim", claim: name, status, why: leaves ? LEAVES : decision.message, inTurn: true };
    return [...(hasLeft ? [] : made(wanted, claim, isSame)), decide];
  });
  return { outcome: "Granted", changes, claims: statuses };
}

interface Step {
  readonly wanted: Wanted;
  /** It gives back what it has and is decided by a later step. */
  readonly leaves: boolean;
  readonly hasLeft: boolean;
}

const LEAVES = "its devices go to a sibling, whose devices it gets";

/**
 * Each claim is one write, and the controller may die between two: a claim leaves a device before a sibling gets it. Of claims
 * that trade devices in a ring one leaves what it has first, and is decided when that is taken. Nobody of them has a process.
 */
function leaversFirst(
  open: readonly Wanted[],
  known: ReadonlyMap<string, DeviceClaim>,
  decided: ReadonlyMap<string, DeviceDecision>,
): readonly Step[] {
  const left = [...open];
  const holding = new Map([...known].map(([name, { status }]) => [name, status?.allocation?.devices ?? []]));
  const holds = ({ metadata }: Wanted, device: string) => holding.get(metadata.name)?.includes(device) === true;
  const isFree = (claim: Wanted) =>
    decided.get(claim.metadata.name)?.devices.every((device) => !left.some((other) => other !== claim && holds(other, device))) === true;
  const steps: Step[] = [];
  const gone = new Set<Wanted>();
  while (left.length > 0) {
    const blocked = left.find(({ metadata }) => (holding.get(metadata.name) ?? []).length > 0);
    const next = left.find(isFree) ?? (blocked === undefined ? left[0] : undefined);
    const wanted = (next ?? blocked) as Wanted;
    steps.push({ wanted, leaves: next === undefined, hasLeft: gone.has(wanted) });
    if (next !== undefined) left.splice(left.indexOf(next), 1);
    else gone.add(wanted);
    holding.delete(wanted.metadata.name);
  }
  return steps;
}

function leaving(generation: number): DeviceClaimStatus {
  return { observedGeneration: generation, reason: "WaitingForDevices", message: LEAVES };
}

function made(wanted: Wanted, claim: DeviceClaim | undefined, isSame: boolean): Change[] {
  if (claim === undefined) return [{ op: "createClaim", claim: wanted, why: "the task asks for a GPU" }];
  return isSame ? [] : [{ op: "updateClaim", claim, spec: wanted.spec, why: "the spec asks for something else" }];
}

function statusesOf(claims: readonly DeviceClaim[]): Map<string, DeviceClaimStatus> {
  return new Map(claims.flatMap(({ metadata, status }) => (status === undefined ? [] : [[metadata.name, status] as const])));
}

/** Claims that nobody asks for any more, of tasks that run without them or are not there. */
export function idleClaims(own: Own, wanted: ReadonlySet<string>): Change[] {
  const users = new Set(own.tasks.filter(usesClaim).map(({ metadata }) => metadata.name));
  return own.claims
    .filter(({ metadata }) => !wanted.has(metadata.name) && !users.has(metadata.name))
    .map((claim) => ({ op: "deleteClaim", claim, why: "the spec asks for no GPU any more" }));
}

/** The process that may have the devices is not proved to be replaced yet. */
function usesClaim(task: FlowTask): boolean {
  return task.spec.claim !== undefined || (!isFinal(task) && task.status?.templateHash !== task.spec.templateHash);
}
