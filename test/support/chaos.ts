/** Kills tasks of a running flow at random, mostly in the middle of a message, and measures how they come back. */
import { renameSync, writeFileSync } from "node:fs";
import { identityOf, isAlive, type ProcessIdentity, readEnvironment } from "../../src/base/process-identity.js";
import { signalProcess } from "../../src/base/process-signal.js";
import { Prng } from "../../src/base/prng.js";
import { readPlan } from "../../src/transport/files.js";
import type { FlowStats, TaskStats } from "../../src/transport/port.js";
import { openFlowStats } from "../../src/transport/stats.js";
import { type Ended, eventually, type FlowProcess, livePids, liveTasks, memoryOf, type Workplace } from "./flow-process.js";

/** Tasks that are dead or starting at a time. */
const AT_ONCE = 3;
/** Kills at a moment that no statistics chose: starting tasks, sleeping ones, ones that commit. */
const BLIND = 0.1;
const LOOK_MS = 2;
/** So long a victim may take to have a message in hand. */
const AIM_MS = 80;
/** A replacement that finds nothing to do has come back as well. */
const GIVE_UP_MS = 4_000;
/** Messages that the source gives at least after the last counted kill. */
const TAIL = 60;

export interface ChaosOptions {
  readonly seed: number;
  /** After so many the source is asked to end; kills go on until everything has ended. */
  readonly kills: number;
  /** Nodes that stay alive. */
  readonly spared: readonly string[];
  readonly onKill?: (kills: number) => void;
}

export interface ChaosResult {
  readonly ended: Ended;
  /** Messages of the source. */
  readonly messages: number;
  readonly kills: number;
  /** Kills of a task with a message in hand. */
  readonly inHand: number;
  /** By node. */
  readonly victims: Readonly<Record<string, number>>;
  /** From each kill to the first commit of the replacement. */
  readonly recoveryMs: readonly number[];
  /** As the memory of the flow shows them after its end. */
  readonly slotsInUse: number;
  readonly cellsInUse: number;
}

interface Victim {
  readonly task: string;
  readonly committed: number;
  readonly atMs: number;
}

interface Aim {
  readonly task: string;
  readonly victim: ProcessIdentity;
  readonly blind: boolean;
  readonly endMs: number;
}

/** Kills until the flow has ended. The memory stays mapped here, so what is left in it can be read after its names are gone. */
export async function killAtRandom(flow: FlowProcess, place: Workplace, options: ChaosOptions): Promise<ChaosResult> {
  const dir = await eventually(
    () => `the memory of ${place.flow}: ${flow.output}`,
    () => {
      if (flow.child.exitCode !== null) throw new Error(flow.output);
      return liveTasks(place.flow).flatMap(({ pid }) => memoryOf(pid) ?? [])[0];
    },
  );
  const stats = openFlowStats(dir, readPlan(dir));
  try {
    const chaos = new Chaos(place, stats, options);
    const done = flow.ended.then((ended) => ({ ended }));
    for (;;) {
      const end = await Promise.race([done, pause(LOOK_MS)]);
      if (end !== undefined) return chaos.result(end.ended);
      chaos.step();
    }
  } finally {
    stats.close();
  }
}

class Chaos {
  readonly #place: Workplace;
  readonly #stats: FlowStats;
  readonly #options: ChaosOptions;
  readonly #prng: Prng;
  readonly #victims = new Map<string, Victim>();
  readonly #killed = new Set<string>();
  readonly #perNode: Record<string, number> = {};
  readonly #recoveryMs: number[] = [];
  #aim: Aim | undefined;
  #isNextBlind = false;
  #kills = 0;
  #inHand = 0;
  #messages: number | undefined;

  constructor(place: Workplace, stats: FlowStats, options: ChaosOptions) {
    this.#place = place;
    this.#stats = stats;
    this.#options = options;
    this.#prng = new Prng(options.seed);
  }

  step(): void {
    const tasks = this.#stats.tasks().filter(({ node, state }) => !this.#options.spared.includes(node) && state !== "ended");
    this.#noteRecoveries(tasks);
    this.#aim ??= this.#takeAim(tasks);
    if (this.#aim === undefined) return;
    const { task: name, victim, blind, endMs } = this.#aim;
    const task = tasks.find((candidate) => nameOf(candidate) === name);
    const isDue = performance.now() > endMs;
    if (isDue || task === undefined) this.#aim = undefined;
    if (task !== undefined && (blind ? isDue : hasMessage(task))) this.#kill(task, victim);
  }

  result(ended: Ended): ChaosResult {
    return {
      ended,
      messages: this.#messages ?? -1,
      kills: this.#kills,
      inHand: this.#inHand,
      victims: this.#perNode,
      recoveryMs: this.#recoveryMs,
      slotsInUse: this.#stats.slotsInUse(),
      cellsInUse: this.#stats.edges().reduce((sum, { inFlight }) => sum + inFlight, 0),
    };
  }

  /** Finds the process beforehand: looking for it takes longer than a message. */
  #takeAim(tasks: readonly TaskStats[]): Aim | undefined {
    const blind = this.#isNextBlind;
    const waitMs = blind ? this.#prng.range(0, AIM_MS) : AIM_MS;
    const candidates = tasks.filter((task) => blind || !this.#victims.has(nameOf(task)));
    if (candidates.length === 0 || this.#victims.size >= AT_ONCE) return undefined;
    const task = this.#prng.pick(candidates);
    const victim = this.#processOf(task);
    return victim && { task: nameOf(task), victim, blind, endMs: performance.now() + waitMs };
  }

  /** The start time is read before the environment: a process that has the pid later is not signalled. */
  #processOf({ node, taskIndex }: TaskStats): ProcessIdentity | undefined {
    for (const pid of livePids()) {
      const identity = identityOf(pid);
      if (identity === undefined || !isAlive(identity) || this.#killed.has(`${pid} ${identity.startTime}`)) continue;
      const env = readEnvironment(pid);
      const [flow, name, index] = ["VF_FLOW_ID", "VF_NODE_NAME", "VF_REPLICA_ID"].map((variable) => env?.get(variable));
      if (flow === this.#place.flow && name === node && index === String(taskIndex)) return identity;
    }
    return undefined;
  }

  /** What was in hand is read after the signal: the dead change nothing, and their words are put in order milliseconds later. */
  #kill(before: TaskStats, victim: ProcessIdentity): void {
    this.#aim = undefined;
    this.#isNextBlind = this.#prng.chance(BLIND);
    if (signalProcess(victim, "SIGKILL") !== "sent") return;
    const after = this.#stats.tasks().find((task) => nameOf(task) === nameOf(before)) as TaskStats;
    this.#killed.add(`${victim.pid} ${victim.startTime}`);
    this.#victims.set(nameOf(after), { task: nameOf(after), committed: after.committed, atMs: performance.now() });
    this.#kills += 1;
    if (hasMessage(after)) this.#inHand += 1;
    this.#perNode[after.node] = (this.#perNode[after.node] ?? 0) + 1;
    this.#options.onKill?.(this.#kills);
    if (this.#kills === this.#options.kills) this.#endSource();
  }

  #endSource(): void {
    const source = this.#stats.tasks().find(({ node }) => node === "source");
    this.#messages = (source?.committed ?? 0) + TAIL;
    writeFileSync(this.#place.path("until.part"), String(this.#messages));
    renameSync(this.#place.path("until.part"), this.#place.path("until"));
  }

  #noteRecoveries(tasks: readonly TaskStats[]): void {
    const nowMs = performance.now();
    for (const { task, committed, atMs } of [...this.#victims.values()]) {
      const now = tasks.find((candidate) => nameOf(candidate) === task);
      const isBack = now !== undefined && now.committed > committed;
      if (isBack) this.#recoveryMs.push(nowMs - atMs);
      if (isBack || now === undefined || nowMs - atMs > GIVE_UP_MS) this.#victims.delete(task);
    }
  }
}

function nameOf({ node, taskIndex }: TaskStats): string {
  return `${node}.${taskIndex}`;
}

/** A producer holds its next message while it makes it. */
function hasMessage({ inHand, lastInHand, state }: TaskStats): boolean {
  return inHand !== undefined || (lastInHand === undefined && state === "user-code");
}

function pause(ms: number): Promise<undefined> {
  return new Promise((resume) => setTimeout(resume, ms, undefined));
}

/** The middle value; of an even number the higher one of the two. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
