/** The shared memory of the runs on this host, and what it says about them. */
import { chmodSync, existsSync, renameSync, statfsSync } from "node:fs";
import { join } from "node:path";
import type { FlowTask } from "../api/kinds.js";
import { crashPoint } from "../base/crash-point.js";
import { errorText, OperatorError } from "../base/errors.js";
import { makeFolder } from "../base/make-folder.js";
import { identityOf, readBootId } from "../base/process-identity.js";
import { ledgerProblems } from "../transport/ledger-check.js";
import type { DataPlan } from "../transport/plan.js";
import type { EdgeStats, FlowStats, TaskStats } from "../transport/port.js";
import { memoryBytes } from "./data-plan.js";
import type { FlowMemories } from "./flow-memories.js";
import type { KeeperClient } from "./keeper-client.js";
import {
  bytesBelow,
  claimMemory,
  memoryDirsOf,
  nextMemoryDir,
  type OtherRun,
  otherRuns,
  pidNamespace,
  type RunClaim,
  readOwner,
  refuseConflicts,
  sweepMemories,
} from "./memory-owner.js";
import type { MemoryState } from "./observed.js";
import type { RecordJournal, SavedRun } from "./record-journal.js";

/** Whose run it is, and the files that it writes. */
export type FlowClaim = Pick<RunClaim, "flow" | "outputs" | "tasks">;

/** One node, summed over its tasks. */
export interface NodeObservation {
  readonly node: string;
  readonly tasks: number;
  readonly readyTasks: number;
  /** Commits: messages of a producer, units of others. */
  readonly committed: number;
  readonly messagesIn: number;
  readonly messagesOut: number;
  readonly dropped: number;
  /** Microseconds in user code. */
  readonly processUs: number;
}

export interface FlowObservation {
  readonly run: string;
  readonly nodes: readonly NodeObservation[];
  readonly tasks: readonly TaskStats[];
  readonly edges: readonly EdgeStats[];
  readonly slotsInUse: number;
}

interface Snapshot {
  readonly tasks: readonly TaskStats[];
  readonly edges: readonly EdgeStats[];
  readonly slotsInUse: number;
}

interface RunMemory {
  state: MemoryState;
  readonly dir: string;
  readonly plan: DataPlan;
  readonly stats?: FlowStats;
  /** Tasks that each node has now. */
  readonly tasks: Map<string, number>;
  /** Tasks that each node was asked to have. */
  readonly asked: Map<string, number>;
}

export interface RunMemoriesOptions {
  readonly memories: FlowMemories;
  readonly keeper: () => KeeperClient;
  /** Where shared memory lives, such as /dev/shm. */
  readonly shmBase: string;
  /** With it, the memory outlives this process; the folder that says so. */
  readonly survival?: { readonly journal: RecordJournal; readonly stateDir: string };
}

export class RunMemories {
  readonly #options: RunMemoriesOptions;
  readonly #memories: FlowMemories;
  readonly #base: string;
  readonly #runs = new Map<string, RunMemory>();
  /** The last look at runs whose memory is gone. */
  readonly #last = new Map<string, Snapshot>();

  constructor(options: RunMemoriesOptions) {
    this.#options = options;
    this.#memories = options.memories;
    this.#base = join(options.shmBase, `videoflow-${process.getuid?.() ?? 0}`);
  }

  /**
   * By run.
   *
   * @param isLive whether a process of the run lives: until then its ledger is not closed.
   */
  states(isLive: (run: string) => boolean): ReadonlyMap<string, MemoryState> {
    return new Map([...this.#runs].map(([run, memory]) => [run, this.#stateOf(memory, isLive(run))]));
  }

  /** Some run is paused, and messages are still on their way. */
  get settling(): boolean {
    return [...this.#runs.values()].some(({ state, stats }) => state.paused === true && stats?.rest() === "moving");
  }

  /** Bytes that the memory of all runs takes by now. */
  get usedBytes(): number {
    return [...this.#runs.values()].reduce((sum, { dir }) => sum + bytesBelow(dir), 0);
  }

  /** Where the memory of the run lies now. */
  dirOf(run: string): string {
    return this.#runs.get(run)?.dir ?? join(this.#base, run);
  }

  planOf(run: string): DataPlan | undefined {
    return this.#runs.get(run)?.plan;
  }

  /** Shared memory that runs of other agents and runners have reserved and do not use yet. */
  get reservedBytes(): number {
    return this.#others().reduce((sum, { outstandingBytes }) => sum + outstandingBytes, 0);
  }

  /** @param beginning a run that begins now. */
  #others(beginning = ""): OtherRun[] {
    return otherRuns(this.#base, (run) => this.#runs.has(run) || run === beginning);
  }

  /** Files that other flows of this agent write. */
  #outputsBeside(flow: string): RunClaim[] {
    const claims = [...this.#runs.values()].flatMap(({ dir }) => readOwner(dir)?.run ?? []);
    return claims.filter((claim) => claim.flow !== flow);
  }

  /** The keeper owns the folder before it exists, so that no death leaves it behind. A failure becomes a state. */
  create(run: string, plan: DataPlan, layout: string, keep: boolean, flow: FlowClaim): void {
    const dir = join(this.#base, run);
    const claim = { ...flow, reservedBytes: memoryBytes(plan) };
    const tasks = new Map(plan.nodes.map((node) => [node.name, node.tasks]));
    try {
      crashPoint("agent.memory.before");
      makeFolder(this.#base, 0o700);
      this.#own(dir, keep, layout, claim);
      this.#refuseConflicts(run, dir, claim);
      this.#memories.create(dir, plan);
      this.#give(dir);
      crashPoint("agent.memory.after");
      this.#runs.set(run, {
        state: { state: "ready", layout, ...madeForOf(flow) },
        dir,
        plan,
        stats: this.#memories.stats(dir, plan),
        tasks,
        asked: new Map(),
      });
    } catch (error) {
      this.#runs.set(run, {
        state: { state: "failed", problem: errorText(error), ...reasonOf(error), ...madeForOf(flow) },
        dir,
        plan,
        tasks,
        asked: new Map(),
      });
    }
  }

  /** The folder of all runs may be passed by those who know what lies in it. */
  #give(dir: string): void {
    if (this.#memories.give === undefined) return;
    chmodSync(this.#base, 0o711);
    this.#memories.give(dir);
  }

  /** @throws OperatorError OUTPUT_IN_USE, SHM_RESERVED: the run leaves no claim. */
  #refuseConflicts(run: string, dir: string, claim: RunClaim): void {
    const { bavail, bsize } = statfsSync(this.#base);
    try {
      refuseConflicts(claim, this.#outputsBeside(claim.flow), this.#others(run), bavail * bsize);
    } catch (error) {
      this.#memories.remove(dir);
      this.#options.keeper().disown(dir);
      throw error;
    }
  }

  /** @param claim what the run keeps for itself; default: what it has kept so far. */
  #own(dir: string, keep: boolean, layout: string | undefined, claim = readOwner(dir)?.run): void {
    this.#options.keeper().own(dir, keep);
    this.#claim(dir, keep, layout, claim);
  }

  #claim(dir: string, keep: boolean, layout: string | undefined, claim: RunClaim | undefined): void {
    const keeper = this.#options.keeper();
    const processes = [process.pid, keeper.pid ?? 0].flatMap((pid) => identityOf(pid) ?? []);
    const { survival } = this.#options;
    const outlives = keep && survival !== undefined ? { stateDir: survival.stateDir } : {};
    claimMemory(dir, {
      bootId: readBootId(),
      pidNamespace: pidNamespace(),
      processes,
      ...(claim === undefined ? {} : { run: claim }),
      ...outlives,
      ...(layout === undefined ? {} : { layout }),
    });
  }

  /**
   * Brings the run to other channels; what was committed goes on in them. No process of the run lives. The new folder gets its
   * name when it is whole: a death before that leaves the old one as it was, a death after it the old one to be removed.
   */
  carryOver(run: string, plan: DataPlan, layout: string, keep: boolean, nowMs: number, flow: FlowClaim): void {
    const memory = this.#runs.get(run);
    if (memory === undefined) return;
    const { made, dir } = nextMemoryDir(memory.dir);
    const { carryOver: _before, ...state } = memory.state;
    try {
      crashPoint("carry.before");
      this.#carryInto(made, dir, memory, plan, layout, keep, flow);
      crashPoint("carry.named");
      const tasks = new Map(plan.nodes.map((node) => [node.name, node.tasks]));
      const carried = { ...state, layout, ...madeForOf(flow) };
      this.#runs.set(run, { state: carried, dir, plan, stats: this.#memories.stats(dir, plan), tasks, asked: new Map() });
      memory.stats?.close();
      this.#drop(memory.dir);
      this.#save(run);
      crashPoint("carry.removed");
    } catch (error) {
      this.#drop(made);
      const isRefused = error instanceof OperatorError && error.code === "CARRY_OVER_REFUSED";
      memory.state = { ...state, carryOver: { layout, problem: errorText(error), isRefused, atMs: nowMs } };
    }
  }

  /** @throws OperatorError CARRY_OVER_REFUSED, SHM_FULL */
  #carryInto(made: string, dir: string, memory: RunMemory, plan: DataPlan, layout: string, keep: boolean, flow: FlowClaim): void {
    this.#options.keeper().own(dir, keep); // Before it exists: no death leaves it behind.
    this.#memories.remove(made);
    this.#own(made, keep, layout, { ...flow, reservedBytes: memoryBytes(plan) });
    this.#memories.create(made, plan);
    this.#memories.carryOver(memory.dir, memory.plan, made, plan);
    this.#give(made);
    if (memory.state.paused === true) this.#memories.requestPause(made, plan, true);
    crashPoint("carry.made");
    renameSync(made, dir);
    this.#options.keeper().disown(made);
  }

  #drop(dir: string): void {
    this.#memories.remove(dir);
    this.#options.keeper().disown(dir);
  }

  /**
   * Takes up what an earlier agent has left, if it is whole; half-made memory was never used by anybody and goes.
   *
   * @param isUsed a process of the run lives.
   */
  adopt(run: string, keep: boolean, isUsed: boolean): void {
    const { dir, left } = memoryDirsOf(this.#base, run);
    if (this.#runs.has(run)) return;
    for (const other of left) this.#memories.remove(other);
    if (!existsSync(dir)) return;
    try {
      const plan = this.#memories.planOf(dir);
      this.#give(dir);
      const { drainAskedAtMs, paused } = this.#savedOf(run);
      const { layout, run: claim } = readOwner(dir) ?? {};
      const stats = this.#memories.stats(dir, plan);
      const state: MemoryState = {
        state: "ready",
        ...(layout === undefined ? {} : { layout }),
        ...madeForOf(claim),
        ...(drainAskedAtMs === undefined ? {} : { drainAskedAtMs }),
        ...(paused === undefined ? {} : { paused }),
      };
      this.#runs.set(run, {
        state,
        dir,
        plan,
        stats,
        tasks: new Map(stats.nodes().map(({ node, tasks }) => [node, tasks])),
        asked: new Map(),
      });
      this.#own(dir, keep, layout);
    } catch (error) {
      if (isUsed) throw error;
      this.#memories.remove(dir);
    }
  }

  /** What was asked of the run in this boot; what was asked and not written down is asked again. */
  #savedOf(run: string): SavedRun {
    const saved = this.#options.survival?.journal.load().runs.get(run);
    const bootId = readBootId();
    return saved?.bootId === bootId ? saved : { bootId };
  }

  /** A loss does no harm: the next agent asks again. */
  #save(run: string): void {
    const { survival } = this.#options;
    const memory = this.#runs.get(run);
    if (survival === undefined || memory === undefined) return;
    const { drainAskedAtMs, paused } = memory.state;
    const saved = {
      bootId: readBootId(),
      ...(drainAskedAtMs === undefined ? {} : { drainAskedAtMs }),
      ...(paused === undefined ? {} : { paused }),
    };
    void survival.journal.putRun(run, saved).catch(() => {});
  }

  /** Tells a new keeper what it must answer for. */
  ownAgain(keeps: (run: string) => boolean): void {
    for (const [run, { dir, state }] of this.#runs) if (state.state === "ready") this.#own(dir, keeps(run), state.layout);
  }

  /** Removes what dead owners left, and what this agent's own state left of runs that are no more. @returns the runs. */
  sweep(isWanted: (run: string) => boolean): string[] {
    return sweepMemories(this.#base, this.#options.survival?.stateDir, isWanted);
  }

  requestStop(run: string, nowMs: number): void {
    const memory = this.#runs.get(run);
    if (memory === undefined) return;
    this.#memories.requestStop(memory.dir, memory.plan);
    memory.state = { ...memory.state, drainAskedAtMs: nowMs };
    this.#save(run);
  }

  pause(run: string, paused: boolean): void {
    const memory = this.#runs.get(run);
    if (memory === undefined) return;
    this.#memories.requestPause(memory.dir, memory.plan, paused);
    memory.state = { ...memory.state, paused };
    this.#save(run);
  }

  requestRetire({ spec }: FlowTask): void {
    const memory = this.#runs.get(spec.run);
    if (memory !== undefined) this.#memories.requestRetire(memory.dir, memory.plan, spec.node, spec.index);
  }

  /** Call it while the task has no process. */
  clearRetire({ spec }: FlowTask): void {
    const memory = this.#runs.get(spec.run);
    if (memory !== undefined) this.#memories.clearRetire(memory.dir, memory.plan, spec.node, spec.index);
  }

  setTasks(run: string, node: string, count: number): void {
    const memory = this.#runs.get(run);
    if (memory === undefined) return;
    memory.tasks.set(node, this.#memories.setTasks(memory.dir, memory.plan, node, count));
    memory.asked.set(node, count);
    this.#reserve(memory);
    this.#save(run);
  }

  /** Tells others what the run may need with the replicas that it has now. */
  #reserve({ dir, plan, tasks }: RunMemory): void {
    const owner = readOwner(dir);
    if (owner?.run === undefined) return;
    claimMemory(dir, { ...owner, run: { ...owner.run, reservedBytes: memoryBytes(plan, tasks) } });
  }

  remove(run: string): void {
    const memory = this.#runs.get(run);
    if (memory === undefined) return;
    void this.#options.survival?.journal.removeRun(run).catch(() => {}); // Lost: it names a run that never comes again.
    this.#last.set(run, this.#look(memory));
    memory.stats?.close();
    this.#memories.remove(memory.dir);
    this.#options.keeper().disown(memory.dir);
    this.#runs.delete(run);
  }

  /** Nobody asks for the last look at it any more: none of its tasks is left. */
  forget(run: string): void {
    this.#last.delete(run);
  }

  /** Statistics of one task; undefined before its memory exists. */
  statsOf(task: FlowTask): TaskStats | undefined {
    const { run, node, index } = task.spec;
    return this.#runs.get(run)?.stats?.task(node, index);
  }

  observe(run: string, tasks: readonly FlowTask[]): FlowObservation | undefined {
    const memory = this.#runs.get(run);
    const snapshot = memory === undefined ? this.#last.get(run) : this.#look(memory);
    if (snapshot === undefined) return undefined;
    return {
      run,
      ...snapshot,
      nodes: sumByNode(
        snapshot.tasks,
        tasks.filter((task) => task.spec.run === run),
      ),
    };
  }

  /** From now on it knows of no run: what is not mapped any more must not be looked at, whoever still asks. */
  close(): void {
    for (const memory of this.#runs.values()) memory.stats?.close();
    this.#runs.clear();
  }

  #stateOf({ state, stats, tasks, asked }: RunMemory, isLive: boolean): MemoryState {
    const closed = isLive || stats === undefined ? {} : { ledgerProblems: ledgerProblems(stats.edges()) };
    const rest = stats === undefined || (isLive && state.paused !== true) ? {} : { rest: stats.rest() };
    return { ...state, tasks, asked, ...closed, ...rest };
  }

  #look({ stats }: RunMemory): Snapshot {
    if (stats === undefined) return { tasks: [], edges: [], slotsInUse: 0 };
    return { tasks: stats.tasks(), edges: stats.edges(), slotsInUse: stats.slotsInUse() };
  }
}

function madeForOf({ tasks }: Pick<RunClaim, "tasks"> = {}): Pick<MemoryState, "madeFor"> {
  return tasks === undefined ? {} : { madeFor: tasks };
}

/** Another run stands in the way: no lack of memory. */
function reasonOf(error: unknown): { readonly reason?: string } {
  return error instanceof OperatorError && error.code === "OUTPUT_IN_USE" ? { reason: "OutputInUse" } : {};
}

function sumByNode(stats: readonly TaskStats[], tasks: readonly FlowTask[]): NodeObservation[] {
  const names = [...new Set(stats.map((task) => task.node))];
  return names.map((node) => {
    const own = stats.filter((task) => task.node === node);
    const sum = (field: "committed" | "messagesIn" | "messagesOut" | "dropped" | "processUs") =>
      own.reduce((total, task) => total + task[field], 0);
    return {
      node,
      tasks: own.length,
      readyTasks: tasks.filter((task) => task.spec.node === node && task.status?.phase === "Running").length,
      committed: sum("committed"),
      messagesIn: sum("messagesIn"),
      messagesOut: sum("messagesOut"),
      dropped: sum("dropped"),
      processUs: sum("processUs"),
    };
  });
}
