/**
 * Brings the tasks of a run to a changed spec while messages flow: one node at a time, replicas come and go.
 * Knows what was observed; must not know how a task is retired. Pure, and level-triggered: it can begin anywhere.
 */

import type { FlowTask, NewResource, VideoFlowSpec } from "../../api/kinds.js";
import { sameJson } from "../../base/same-json.js";
import { channelsOf, memoryBytes, type NodeChannels } from "../../flow/channels.js";
import type { FlowGraph, GraphNode } from "../../flow/graph.js";
import { memoryAdvice } from "../../flow/memory-advice.js";
import type { ClaimStatuses } from "./admission.js";
import { type ClaimRevision, idleClaims, reviseClaims } from "./claims-revision.js";
import { desiredClaims, desiredTasks, layoutHash, runId, templateWithoutDevice } from "./desired.js";
import { isFinal } from "./holding.js";
import { usedOf } from "./hosts.js";
import type { Change, Observed } from "./observed.js";
import type { Own } from "./own.js";
import { memoryShortage } from "./place.js";
import { isInProgress, isProducer, isRetired, isSurplus } from "./task-state.js";
import { teardown } from "./teardown.js";

/** What a changed spec still waits for. */
export interface Progress {
  readonly reason:
    | "RollingOut"
    | "Scaling"
    | "ChangingChannels"
    | "WaitingForDevices"
    | "SharedMemoryUnavailable"
    | "Unsatisfiable"
    | "HostGone";
  readonly message: string;
}

export interface Rollout {
  readonly changes: readonly Change[];
  readonly claims: ClaimStatuses;
  /** The graph with the tasks that there really can be. */
  readonly graph: FlowGraph;
  readonly progress?: Progress;
  /** The devices that the spec asks for are not to be had now. */
  readonly isRefused: boolean;
}

type TaskSpec = FlowTask["spec"];
type Wanted = NewResource<"FlowTask">;

/** What the run should look like. */
export interface Target {
  readonly graph: FlowGraph;
  readonly channels: readonly NodeChannels[];
  readonly layout: string;
}

/**
 * The spec as far as the run can still follow: a node that has finished keeps its tasks, and within the room that its
 * shared memory has, a node may have more or fewer tasks.
 */
export function targetOf({ shape }: Pick<Observed, "shape">, tasks: readonly FlowTask[], graph: FlowGraph): Target {
  const asked = { graph, channels: shape.channels, layout: shape.layout };
  if (tasks.some(({ spec }) => spec.layoutHash !== tasks[0]?.spec.layoutHash)) return asked; // Half of them have changed already.
  const settled = withDoneNodes(graph, tasks);
  const rooms = new Map(tasks.map(({ spec }) => [spec.node, spec.channels]));
  const fits = settled.nodes.every((node) => node.tasks <= (rooms.get(node.name)?.capacity ?? 0));
  const present = tasks[0]?.spec.layoutHash;
  if ((settled === graph && present === shape.layout) || !fits) return asked;
  const channels = channelsOf(settled, { rooms });
  const layout = layoutHash(channels);
  if (layout === present) return { graph: settled, channels, layout };
  return asked;
}

/** Finished work never runs again, and a finished node needs no more tasks. */
function withDoneNodes(graph: FlowGraph, tasks: readonly FlowTask[]): FlowGraph {
  const nodes = graph.nodes.map((node) => {
    const own = tasks.filter((task) => task.spec.node === node.name && !isSurplus(task));
    const isDone = own.length > 0 && own.every(({ status }) => status?.phase === "Succeeded");
    return isDone && own.length !== node.tasks ? { ...node, tasks: own.length } : node;
  });
  if (nodes.every((node, index) => node === graph.nodes[index])) return graph;
  return { ...graph, nodes, byName: new Map(nodes.map((node) => [node.name, node])) };
}

/** What cannot be met now leaves alone what runs. */
export function waitsFor({ reason, message }: { readonly reason: string; readonly message: string }): Progress {
  return { reason: reason as Progress["reason"], message: `the changed spec waits, what runs is left alone: ${message}` };
}

/** @param target of the same layout as the tasks. */
export function rollOut(observed: Observed, own: Own, target: Target, host: string): Rollout {
  const revision = reviseClaims(observed, own, target.graph, host);
  const shortage = shortageOf(observed, own, host, neededBytes(own, target));
  const asked = new Set(desiredClaims(observed.flow, target.graph, runId(observed.flow)).map(({ metadata }) => metadata.name));
  const claims = new Map([...(revision.outcome === "Granted" ? revision.claims : claimStatuses(own))].filter(([name]) => asked.has(name)));
  const wanted = wantedTasks(observed, target, host, claims);
  const scene: Scene = { own, target, wanted, waiting: waitingNodes(own, target, revision), revision };
  const refusal = revision.outcome === "Refused" ? revision : shortage;
  if (refusal !== undefined) {
    const changes = keepTasks(own, observed.flow.spec.desiredState);
    return {
      changes,
      claims: revision.outcome === "Refused" ? claims : claimStatuses(own),
      graph: target.graph,
      progress: waitsFor(refusal),
      isRefused: true,
    };
  }
  const changes = [
    ...(revision.outcome === "Granted" ? revision.changes : []),
    ...changeTasks(scene),
    ...createTasks(scene),
    ...retireSurplus(scene),
    ...(revision.outcome === "Granted" ? idleClaims(own, asked) : []),
  ];
  const progress = progressOf(scene);
  return { changes, claims, graph: target.graph, isRefused: false, ...(progress === undefined ? {} : { progress }) };
}

/** Shared memory that the run may need once it has the tasks of its target; undefined: no more than it may need now. */
function neededBytes({ tasks }: Own, { graph, channels }: Target): number | undefined {
  const now = (name: string) => Math.max(0, ...tasks.filter(({ spec }) => spec.node === name).map(({ spec }) => spec.nbTasks));
  const isGrowing = graph.nodes.some((node) => node.tasks > now(node.name));
  return isGrowing ? memoryBytes(graph, channels) : undefined;
}

/**
 * Why the host has not the shared memory that the run asks for; what the run may need already is its own.
 *
 * @param needBytes undefined: no more than it may need already.
 */
export function shortageOf(
  { hosts, tasks, shape }: Observed,
  { tasks: own }: Own,
  name: string,
  needBytes: number | undefined,
): { readonly reason: string; readonly message: string } | undefined {
  if (needBytes === undefined) return undefined;
  const host = hosts.find(({ metadata }) => metadata.name === name);
  if (host === undefined) return { reason: "HostGone", message: `host ${name} is not there` };
  const others = usedOf(
    name,
    tasks.filter((task) => !own.includes(task)),
  );
  const { graph } = shape;
  return memoryShortage(host, others.shmBytes, needBytes, graph && ((freeBytes) => memoryAdvice(graph, freeBytes)));
}

interface Scene {
  readonly own: Own;
  readonly target: Target;
  /** By task name. */
  readonly wanted: ReadonlyMap<string, Wanted>;
  /** Nodes of which no task may have a process for now. */
  readonly waiting: ReadonlySet<string>;
  readonly revision: ClaimRevision;
}

/** Decisions per claim, as they stand in the store. */
export function claimStatuses({ claims }: Own): ClaimStatuses {
  return new Map(claims.flatMap(({ metadata, status }) => (status === undefined ? [] : [[metadata.name, status] as const])));
}

function wantedTasks({ flow }: Observed, { graph, channels }: Target, host: string, claims: ClaimStatuses): Map<string, Wanted> {
  const tasks = desiredTasks(flow, graph, channels, { host, run: runId(flow), onGpu: onGpuOf(claims) });
  return new Map(tasks.map((task) => [task.metadata.name, task]));
}

/** Names of the tasks whose claim was allocated. */
export function onGpuOf(claims: ClaimStatuses): ReadonlySet<string> {
  return new Set([...claims].filter(([, { allocation }]) => allocation !== undefined).map(([name]) => name));
}

/** Devices that change hands, and keys that change replicas, do so while nobody of the node runs. */
function waitingNodes({ tasks }: Own, target: Target, revision: ClaimRevision): Set<string> {
  const byDevices = revision.outcome === "Retire" ? revision.nodes : [];
  const byKeys = target.graph.nodes.filter((node) => isRepartitioned(node, tasks)).map(({ name }) => name);
  return new Set([...byDevices, ...byKeys]);
}

function isRepartitioned({ name, partitionBy, tasks: count }: GraphNode, tasks: readonly FlowTask[]): boolean {
  const own = tasks.filter(({ spec }) => spec.node === name);
  const changes = partitionBy !== undefined && own.some(({ spec }) => spec.nbTasks !== count);
  return changes && own.some((task) => !isFinal(task) && !isRetired(task));
}

/** Producers hold back or go on as the flow is asked to, whatever else its spec says. */
export function pauseTasks(tasks: readonly FlowTask[], desiredState: VideoFlowSpec["desiredState"]): Change[] {
  const wanted = desiredState === "Paused" ? "Paused" : "Running";
  const open = tasks.filter((task) => isProducer(task) && !isFinal(task) && ["Running", "Paused"].includes(task.spec.desiredState));
  return open.flatMap((task) => updateTask(task, { ...task.spec, desiredState: wanted }, `the flow is asked to be ${wanted}`));
}

/** Nothing of the new spec counts yet, apart from whether producers pause. */
export function keepTasks(own: Own, desiredState: VideoFlowSpec["desiredState"]): Change[] {
  const claims = claimStatuses(own);
  return own.tasks.flatMap((task) => {
    if (isFinal(task) || isSurplus(task)) return [];
    const wanted = desiredState === "Paused" && isProducer(task) ? "Paused" : "Running";
    return updateTask(task, { ...withoutLostDevice(task.spec, claims), desiredState: wanted }, "what runs is left alone");
  });
}

/** What made way for a change has lost its device to it if its claim was decided, and the change was given up after that. */
function withoutLostDevice(spec: TaskSpec, claims: ClaimStatuses): TaskSpec {
  const { claim, ...rest } = spec;
  const decided = claim === undefined ? undefined : claims.get(claim);
  if (decided === undefined || decided.allocation !== undefined) return spec;
  return { ...rest, deviceType: "CPU", templateHash: templateWithoutDevice(spec.templateHash) };
}

function changeTasks(scene: Scene): Change[] {
  const turn = nextNode(scene);
  return scene.own.tasks.flatMap((task) => {
    const want = scene.wanted.get(task.metadata.name)?.spec;
    if (want === undefined || isSurplus(task)) return [];
    if (isFinal(task)) return updateTask(task, { ...task.spec, flowTasks: want.flowTasks }, "the number of tasks changed");
    if (scene.waiting.has(want.node)) return updateTask(task, { ...task.spec, desiredState: "Retired" }, "the node must have no process");
    if (!isOutdated(task, want)) return updateTask(task, want, "the spec changed");
    if (want.node === turn) return updateTask(task, want, "its template changed");
    const held = task.spec.desiredState === "Retired" ? ({ desiredState: "Retired" } as const) : {};
    return updateTask(task, { ...withTemplateOf(task.spec, want), ...held }, "the spec changed");
  });
}

/** None if the spec is that already. */
export function updateTask(task: FlowTask, spec: TaskSpec, why: string): Change[] {
  return sameJson(task.spec, spec) ? [] : [{ op: "updateTask", task, spec, why }];
}

function isOutdated(task: FlowTask, want: TaskSpec): boolean {
  return task.spec.templateHash !== want.templateHash;
}

/** What needs another process stays as it is. */
function withTemplateOf(present: TaskSpec, want: TaskSpec): TaskSpec {
  const { workingDir: _dir, claim: _claim, fenceSeconds: _fence, ...rest } = want;
  const { members, env, retries, templateHash, deviceType, workingDir, claim, fenceSeconds } = present;
  return {
    ...rest,
    ...{ members, env, retries, templateHash, deviceType },
    ...(workingDir === undefined ? {} : { workingDir }),
    ...(claim === undefined ? {} : { claim }),
    ...(fenceSeconds === undefined ? {} : { fenceSeconds }),
  };
}

/** The node whose turn it is: the first in topological order, once no other is under way. */
function nextNode(scene: Scene): string | undefined {
  const outdated = outdatedNodes(scene);
  const busy = scene.own.tasks.some((task) => isInProgress(task) && !outdated.includes(task.spec.node));
  return busy ? undefined : outdated.find((node) => !scene.waiting.has(node));
}

/** In topological order. */
function outdatedNodes({ own, wanted, target }: Scene): string[] {
  const names = new Set(
    own.tasks
      .filter((task) => !isFinal(task) && isOutdated(task, wanted.get(task.metadata.name)?.spec ?? task.spec))
      .map(({ spec }) => spec.node),
  );
  return target.graph.nodes.map(({ name }) => name).filter((name) => names.has(name));
}

/** A task that is on its way out under this name goes first, and so does the decision about its claim. */
function createTasks({ own, wanted, waiting, revision }: Scene): Change[] {
  const known = new Set(own.tasks.map(({ metadata }) => metadata.name));
  const undecided = revision.outcome === "Retire" ? revision.undecided : new Set();
  return [...wanted.values()]
    .filter(({ metadata, spec }) => !known.has(metadata.name) && !undecided.has(metadata.name) && !waiting.has(spec.node))
    .map((task) => ({ op: "createTask", task, why: "the spec asks for it" }));
}

/** Replicas beyond the wish are retired for good, then removed; the highest indexes go. */
function retireSurplus({ own, wanted, waiting, target }: Scene): Change[] {
  return own.tasks.flatMap((task): Change[] => {
    const nbTasks = target.graph.byName.get(task.spec.node)?.tasks;
    const isWanted = wanted.has(task.metadata.name);
    if (nbTasks === undefined || (isWanted && !isSurplus(task))) return [];
    if (isFinal(task))
      return teardown(
        [task],
        own.claims.filter(({ metadata }) => metadata.name === task.metadata.name),
        "one task too many",
      );
    if (waiting.has(task.spec.node)) return updateTask(task, { ...task.spec, desiredState: "Retired" }, "the node must have no process");
    if (isWanted) return [];
    return updateTask(task, { ...task.spec, desiredState: "Retired", nbTasks }, "one task too many");
  });
}

function progressOf(scene: Scene): Progress | undefined {
  const outdated = outdatedNodes(scene);
  const replaced = scene.own.tasks.find((task) => isInProgress(task) && task.status?.templateHash !== undefined);
  const node = replaced?.spec.node ?? [...scene.waiting][0] ?? outdated[0];
  if (node !== undefined) return { reason: "RollingOut", message: rollingText(scene, node, outdated) };
  const { graph } = scene.target;
  const scaled = graph.nodes.find(
    ({ name, tasks }) =>
      !isComplete(
        scene.own.tasks.filter(({ spec }) => spec.node === name),
        tasks,
      ),
  );
  if (scaled === undefined) return undefined;
  const there = scene.own.tasks.filter(({ spec }) => spec.node === scaled.name).length;
  return { reason: "Scaling", message: `node ${scaled.name} has ${there} tasks and is to have ${scaled.tasks}` };
}

function isComplete(tasks: readonly FlowTask[], count: number): boolean {
  return (
    tasks.length === count &&
    !tasks.some((task) => isInProgress(task) && task.spec.index > 0 && tasks[0]?.status?.templateHash !== undefined)
  );
}

function rollingText({ own }: Scene, node: string, outdated: readonly string[]): string {
  const tasks = own.tasks.filter((task) => task.spec.node === node && !isFinal(task));
  const done = outdated.includes(node) ? 0 : tasks.filter((task) => !isInProgress(task)).length;
  const rest = outdated.filter((name) => name !== node);
  const next = rest.length === 0 ? "" : `; then ${rest.join(", ")}`;
  return `node ${node}: ${done} of ${tasks.length} tasks run the new template${next}`;
}
