/** Kills tasks of a running flow at random, mostly in the middle of a message, and measures how they come back. */
import { renameSync, writeFileSync } from "node:fs";
import { Prng } from "../../src/base/prng.js";
import { identityOf, isAlive, readEnvironment } from "../../src/base/process-identity.js";
import type { TaskStats } from "../../src/transport/port.js";
import { ChaosMemory, type CommitStage, hasMessage, nameOf } from "./chaos-memory.js";
import { type HeldProcess, holdProcess } from "./chaos-process.js";
import { type Ended, eventually, livePids, liveTasks, memoryOf, type Workplace } from "./flow-process.js";

/** Tasks that are dead or starting at a time. */
const AT_ONCE = 3;
/** Kills at a moment that no statistics chose: starting tasks, sleeping ones, ones that commit. */
const BLIND = 0.1;
/** Kills within {@link COMMIT_US} after the victim began a commit. */
const AT_COMMIT = 0.2;
const COMMIT_US = 200;
/** Kills of agent or keeper, where they may be killed. */
const ABOVE = 0.08;
const SUPERVISORS: readonly string[] = ["agent", "keeper"];
const COMMIT_WAIT_MS = 25;
/** Nothing is done blindly while a smaller share of the kills hit a message. */
const ENOUGH = 0.9;
const LOOK_MS = 2;
/** So long a victim may take to have a message in hand. */
const AIM_MS = 80;
/** A replacement that finds nothing to do has come back as well. */
const GIVE_UP_MS = 4_000;
/** A flow that commits nothing for so long has lost a message or a wake-up. */
const STALLED_MS = 60_000;
/** Messages that the source gives at least after the last counted kill. */
const TAIL = 60;

/** A run in the foreground, whose own process lives to its end, or the flow of a daemon. */
export interface ChaosTarget {
  readonly ended: Promise<Ended>;
  readonly output: string;
  /** Kills agent or keeper, if they may die. @returns which; undefined if it was not there. */
  killAbove?(): string | undefined;
}

export interface ChaosOptions {
  readonly seed: number;
  /** After so many the source is asked to end; kills go on until everything has ended. */
  readonly kills: number;
  /** Nodes that stay alive. */
  readonly spared: readonly string[];
  /** Nodes, agent or keeper that must be among the killed: who chance has missed is killed last, blindly. */
  readonly among?: readonly string[];
  readonly onKill?: (kills: number) => void;
}

export interface ChaosResult {
  readonly ended: Ended;
  /** Messages of the source. */
  readonly messages: number;
  readonly kills: number;
  /** Kills of a task with a message in hand. */
  readonly inHand: number;
  /** How many died in the middle of a commit: before or after the store that makes it count. */
  readonly commits: Readonly<Record<CommitStage, number>>;
  /** By node, and agent and keeper. */
  readonly victims: Readonly<Record<string, number>>;
  /** From each kill to the first commit of the replacement. */
  readonly recoveryMs: readonly number[];
  /** As the memory of the flow shows them after its end. */
  readonly slotsInUse: number;
  readonly cellsInUse: number;
  readonly deadLetters: number;
  readonly ledgerProblems: readonly string[];
}

interface Victim {
  readonly task: string;
  readonly committed: number;
  readonly atMs: number;
}

type Manner = "with a message" | "at a commit" | "blind" | "above";

interface Aim {
  readonly task: string;
  readonly victim: HeldProcess;
  readonly manner: Manner;
  readonly endMs: number;
  /** The victim was told to halt: what it has in hand can be looked at before it dies. */
  isHalted?: true;
}

/** Kills until the flow has ended. The memory stays mapped here, so what is left in it can be read after its names are gone. */
export async function killAtRandom(target: ChaosTarget, place: Workplace, options: ChaosOptions): Promise<ChaosResult> {
  let end: Ended | undefined;
  const done = target.ended.then((ended) => (end = ended));
  const dir = await eventually(
    () => `the memory of ${place.flow}: ${target.output}`,
    () => {
      if (end !== undefined) throw new Error(target.output);
      return liveTasks(place.flow).flatMap(({ pid }) => memoryOf(pid) ?? [])[0];
    },
  );
  const memory = new ChaosMemory(dir);
  try {
    const chaos = new Chaos(target, place, memory, options);
    for (;;) {
      await Promise.race([done, pause(LOOK_MS)]);
      if (end !== undefined) return chaos.result(end);
      chaos.step();
    }
  } finally {
    memory.close();
  }
}

class Chaos {
  readonly #target: ChaosTarget;
  readonly #place: Workplace;
  readonly #memory: ChaosMemory;
  readonly #options: ChaosOptions;
  readonly #prng: Prng;
  readonly #victims = new Map<string, Victim>();
  readonly #killed = new Set<string>();
  readonly #perNode: Record<string, number> = {};
  readonly #commits = { none: 0, prepared: 0, committed: 0 };
  readonly #recoveryMs: number[] = [];
  #aim: Aim | undefined;
  #manner: Manner = "with a message";
  #kills = 0;
  #inHand = 0;
  #messages: number | undefined;
  #progress = { committed: -1, atMs: performance.now() };

  constructor(target: ChaosTarget, place: Workplace, memory: ChaosMemory, options: ChaosOptions) {
    this.#target = target;
    this.#place = place;
    this.#memory = memory;
    this.#options = options;
    this.#prng = new Prng(options.seed);
  }

  /** One look, perhaps a kill. @throws Error with the state of the flow if it stands still. */
  step(): void {
    const all = this.#memory.tasks();
    this.#noteProgress(all);
    const tasks = all.filter(({ node, state }) => !this.#options.spared.includes(node) && state !== "ended");
    this.#noteRecoveries(tasks);
    if (this.#manner === "above") this.#killAbove();
    this.#aim ??= this.#takeAim(tasks);
    if (this.#aim !== undefined) this.#follow(this.#aim, tasks);
  }

  result(ended: Ended): ChaosResult {
    if (this.#aim !== undefined) this.#drop(this.#aim);
    return {
      ended,
      messages: this.#messages ?? -1,
      kills: this.#kills,
      inHand: this.#inHand,
      commits: this.#commits,
      victims: this.#perNode,
      recoveryMs: this.#recoveryMs,
      slotsInUse: this.#memory.slotsInUse,
      cellsInUse: this.#memory.cellsInUse,
      deadLetters: this.#memory.deadLetters,
      ledgerProblems: this.#memory.ledgerProblems,
    };
  }

  #noteProgress(tasks: readonly TaskStats[]): void {
    const committed = tasks.reduce((sum, task) => sum + task.committed, 0);
    const nowMs = performance.now();
    if (committed !== this.#progress.committed) this.#progress = { committed, atMs: nowMs };
    if (nowMs - this.#progress.atMs > STALLED_MS) throw new Error(`no task commits (${this.#kills} kills)\n${this.#memory.text()}`);
  }

  #drop({ victim, isHalted }: Aim): void {
    if (isHalted) victim.letGo();
    victim.release();
    this.#aim = undefined;
  }

  /** Finds the process beforehand: looking for it takes longer than a message. */
  #takeAim(tasks: readonly TaskStats[]): Aim | undefined {
    const manner = this.#manner;
    const waitMs = manner === "blind" ? this.#prng.range(0, AIM_MS) : AIM_MS;
    const owed = this.#owed();
    const candidates = tasks.filter(
      (task) => (owed === undefined || task.node === owed) && (manner === "blind" || !this.#victims.has(nameOf(task))),
    );
    if (candidates.length === 0 || this.#victims.size >= AT_ONCE) return undefined;
    const task = this.#prng.pick(candidates);
    const victim = this.#hold(task);
    return victim && { task: nameOf(task), victim, manner, endMs: performance.now() + waitMs };
  }

  /** The start time is read before the environment: a process that has the pid later is not held. */
  #hold({ node, taskIndex }: TaskStats): HeldProcess | undefined {
    for (const pid of livePids()) {
      const identity = identityOf(pid);
      if (identity === undefined || !isAlive(identity) || this.#killed.has(`${pid} ${identity.startTime}`)) continue;
      const env = readEnvironment(pid);
      const [flow, name, index] = ["VF_FLOW_ID", "VF_NODE_NAME", "VF_REPLICA_ID"].map((variable) => env?.get(variable));
      if (flow === this.#place.flow && name === node && index === String(taskIndex)) return holdProcess(identity);
    }
    return undefined;
  }

  #follow(aim: Aim, tasks: readonly TaskStats[]): void {
    const task = tasks.find((candidate) => nameOf(candidate) === aim.task);
    const isDue = performance.now() > aim.endMs;
    if (task === undefined) this.#drop(aim);
    else if (aim.isHalted) this.#strike(aim, isDue);
    else if (aim.manner !== "blind" && this.#memory.isInUserCode(task)) this.#halt(task, aim);
    else if (isDue && aim.manner === "blind") this.#kill(aim);
    else if (isDue) this.#drop(aim);
  }

  /** Between a look and a signal a busy machine may do anything; what is halted changes no more. */
  #halt(task: TaskStats, aim: Aim): void {
    if (aim.manner === "at a commit" && this.#memory.watchForCommit(task, COMMIT_WAIT_MS)) waitUs(this.#prng.range(0, COMMIT_US));
    aim.victim.halt();
    aim.isHalted = true;
  }

  #strike(aim: Aim, isDue: boolean): void {
    const now = aim.victim.look();
    if (now === "live") return; // It halts when it gets its turn.
    if (now === "halted" && this.#hits(aim, isDue)) return this.#kill(aim);
    if (now === "dead" || isDue) return this.#drop(aim);
    aim.victim.letGo();
    delete aim.isHalted;
  }

  /** A commit takes microseconds: who was not met in one is tried again, and killed where it stands in the end. */
  #hits({ task, manner }: Aim, isDue: boolean): boolean {
    const victim = this.#memory.task(task);
    return manner === "at a commit" ? isDue || this.#memory.commitStage(victim) !== "none" : hasMessage(victim);
  }

  /** The dead change nothing, and their words are put in order some time after the signal: what they had in hand is read before. */
  #kill(aim: Aim): void {
    const before = this.#memory.task(aim.task);
    const stage = this.#memory.commitStage(before);
    const isKilled = aim.victim.kill();
    const { pid, startTime } = aim.victim.identity;
    this.#drop(aim);
    this.#killed.add(`${pid} ${startTime}`);
    if (!isKilled) return;
    this.#commits[stage] += 1;
    this.#victims.set(aim.task, { task: aim.task, committed: before.committed, atMs: performance.now() });
    this.#count(before.node, hasMessage(before));
  }

  /** The tasks may all be killed by it, and by nobody here: none of them is a victim whose return is measured. */
  #killAbove(): void {
    this.#manner = "with a message";
    const victim = this.#target.killAbove?.();
    if (victim !== undefined) this.#count(victim, false);
  }

  #count(victim: string, hadMessage: boolean): void {
    this.#kills += 1;
    if (hadMessage) this.#inHand += 1;
    this.#perNode[victim] = (this.#perNode[victim] ?? 0) + 1;
    this.#manner = this.#nextManner();
    this.#options.onKill?.(this.#kills);
    if (this.#kills >= this.#options.kills && this.#messages === undefined && this.#owed() === undefined) this.#endSource();
  }

  /** Who must still die after all others have. */
  #owed(): string | undefined {
    const { kills, among = [] } = this.#options;
    return this.#kills < kills || this.#messages !== undefined ? undefined : among.find((name) => this.#perNode[name] === undefined);
  }

  #nextManner(): Manner {
    const owed = this.#owed();
    if (owed !== undefined) return SUPERVISORS.includes(owed) ? "above" : "blind";
    if (this.#target.killAbove !== undefined && this.#prng.chance(ABOVE)) return "above";
    const chance = this.#prng.next();
    if (this.#inHand < ENOUGH * this.#kills || chance > BLIND + AT_COMMIT) return "with a message";
    return chance < BLIND ? "blind" : "at a commit";
  }

  #endSource(): void {
    const source = this.#memory.tasks().find(({ node }) => node === "source");
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

function waitUs(us: number): void {
  const endMs = performance.now() + us / 1000;
  while (performance.now() < endMs);
}

function pause(ms: number): Promise<undefined> {
  return new Promise((resume) => setTimeout(resume, ms, undefined));
}

/** The middle value; of an even number the higher one of the two. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
