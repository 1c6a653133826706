/** DESIGN §8, as far as the control plane keeps them. Each check throws with the name of its invariant. */
import type { DeviceClaim, FlowTask, Host, VideoFlow } from "../../src/api/kinds.js";
import { shapeOf } from "../../src/controller/flow/shape.js";
import { describeComponent } from "../support/builders.js";
import type { FakeProcess } from "./fake-agent.js";

export interface World {
  readonly flows: readonly VideoFlow[];
  readonly tasks: readonly FlowTask[];
  readonly claims: readonly DeviceClaim[];
  readonly hosts: readonly Host[];
  readonly processes: readonly FakeProcess[];
}

const FINAL = ["Succeeded", "Failed", "Stopped"];

/** Remembers what must never go back. */
export class Invariants {
  readonly #generations = new Map<string, number>();
  readonly #phases = new Map<string, string>();
  readonly #succeeded = new Set<string>();
  readonly #runs = new Map<string, number>();

  check(world: World): void {
    checkDevices("D1", "D2", liveClaims(world), world.hosts);
    checkDevices(
      "D3",
      "D3",
      world.processes.filter(({ devices }) => devices.length > 0),
      world.hosts,
    );
    checkKnown(world);
    checkAllOrNothing(world);
    checkOneIncarnation(world.processes);
    checkProcessClaims(world);
    this.#checkFinal(world.tasks);
    this.#checkFlows(world.flows);
  }

  /** P6 */
  #checkFinal(tasks: readonly FlowTask[]): void {
    for (const { metadata, status } of tasks) {
      const before = this.#phases.get(metadata.uid);
      if (before !== undefined && before !== status?.phase) throw new Error(`P6: ${metadata.name} was ${before} and is ${status?.phase}`);
      if (status?.phase !== undefined && FINAL.includes(status.phase)) this.#phases.set(metadata.uid, status.phase);
    }
  }

  /** C4 and the latch of Succeeded. */
  #checkFlows(flows: readonly VideoFlow[]): void {
    for (const { metadata, status } of flows) {
      const observed = status?.observedGeneration ?? 0;
      if (observed < (this.#generations.get(metadata.uid) ?? 0))
        throw new Error(`C4: ${metadata.name} went back to generation ${observed}`);
      this.#generations.set(metadata.uid, observed);
      const run = `${metadata.uid} ${status?.run}`;
      const succeeded = status?.conditions?.some(({ type, status: holds }) => type === "Succeeded" && holds === "True") === true;
      if (this.#succeeded.has(run) && !succeeded) throw new Error(`P6: run ${run} of ${metadata.name} had succeeded`);
      if (succeeded) this.#succeeded.add(run);
      if ((status?.run ?? 1) < (this.#runs.get(metadata.uid) ?? 1)) throw new Error(`P6: ${metadata.name} went back to run ${status?.run}`);
      this.#runs.set(metadata.uid, status?.run ?? 1);
    }
  }
}

interface Grant {
  readonly devices: readonly string[];
  readonly memoryMiB?: number | undefined;
}

function liveClaims({ claims, tasks }: World): Grant[] {
  const ended = new Set(tasks.filter(({ status }) => FINAL.includes(status?.phase ?? "")).map(({ metadata }) => metadata.name));
  return claims.flatMap(({ metadata, status }) =>
    status?.allocation === undefined || ended.has(metadata.name) ? [] : [status.allocation],
  );
}

/** No device twice, except shared ones within their memory. */
function checkDevices(exclusive: string, sharing: string, grants: readonly Grant[], hosts: readonly Host[]): void {
  for (const { uuid, memoryMiB } of hosts.flatMap(({ status }) => status?.devices ?? [])) {
    const own = grants.filter(({ devices }) => devices.includes(uuid));
    if (own.length > 1 && own.some((grant) => grant.memoryMiB === undefined))
      throw new Error(`${exclusive}: ${uuid} is granted ${own.length} times`);
    const usedMiB = own.reduce((sum, grant) => sum + (grant.memoryMiB ?? 0), 0);
    if (usedMiB > memoryMiB) throw new Error(`${sharing}: ${usedMiB} of ${memoryMiB} MiB of ${uuid} are granted`);
  }
}

/** D6; of a host that was deleted nothing is known any more. */
function checkKnown({ claims, hosts }: World): void {
  for (const { metadata, status } of claims) {
    const host = hosts.find((candidate) => candidate.metadata.name === status?.allocation?.host);
    if (host === undefined) continue;
    const known = new Set(host.status?.devices?.map(({ uuid }) => uuid));
    const strange = status?.allocation?.devices.filter((uuid) => !known.has(uuid)) ?? [];
    if (strange.length > 0) throw new Error(`D6: ${metadata.name} holds ${strange.join()}, which its host does not offer`);
  }
}

/**
 * D5: once a task may run, the claim of every task is decided and every required one allocated, on one host. A replica to come
 * has no task yet, one that still runs what the spec asked for before had no such claim, and one that made way for a change has no
 * process: its claim may be between two decisions.
 */
function checkAllOrNothing({ flows, tasks, claims }: World): void {
  const present = tasks.filter((task) => isPresent(task, flows) && !hasMadeWay(task));
  const names = new Set(present.map(({ metadata }) => metadata.name));
  const running = tasks.filter(({ status }) => status?.phase === "Running");
  for (const { spec } of running) {
    const own = claims.filter((claim) => claim.spec.flow === spec.flow && names.has(claim.metadata.name));
    const open = own.find(({ spec: wanted, status }) =>
      wanted.required ? status?.allocation === undefined : status?.reason === undefined,
    );
    if (open !== undefined) throw new Error(`D5: ${spec.flow} runs, but ${open.metadata.name} is ${open.status?.reason ?? "undecided"}`);
    const strayed = own.find(({ status }) => status?.allocation !== undefined && status.allocation.host !== spec.host);
    if (strayed !== undefined) throw new Error(`D5: ${strayed.metadata.name} is on another host than its flow`);
  }
}

function hasMadeWay({ spec, status }: FlowTask): boolean {
  return spec.desiredState === "Retired" && status?.phase !== "Running";
}

/** It is what the spec asks for now. */
function isPresent({ spec }: FlowTask, flows: readonly VideoFlow[]): boolean {
  const flow = flows.find(({ metadata }) => metadata.name === spec.flow);
  if (flow === undefined) return true;
  const { hashes } = shapeOf(flow.spec, describeComponent, true);
  return hashes.size === 0 || hashes.get(`${spec.node}.${spec.index}`) === spec.templateHash;
}

/** P1 */
function checkOneIncarnation(processes: readonly FakeProcess[]): void {
  const names = processes.map(({ task }) => task);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`P1: ${twice} runs twice`);
}

/** D4, D5 and D3 in a live change: what a process sees is what its claim holds, as long as it lives. */
function checkProcessClaims({ processes, claims }: World): void {
  for (const { task, devices } of processes) {
    const held = claims.find(({ metadata }) => metadata.name === task)?.status?.allocation?.devices ?? [];
    const strange = devices.filter((uuid) => !held.includes(uuid));
    if (strange.length > 0) throw new Error(`D4: ${task} sees ${strange.join()}, which its claim does not hold`);
  }
}
