/** The shared memory of the runs on this host, and what it says about them. */
import { mkdirSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import type { FlowTask } from "../api/kinds.js";
import { errorText } from "../base/errors.js";
import type { DataPlan } from "../transport/plan.js";
import type { EdgeStats, FlowStats, TaskStats } from "../transport/port.js";
import type { FlowMemories } from "./flow-memories.js";
import type { KeeperClient } from "./keeper-client.js";
import type { MemoryState } from "./observed.js";

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
}

export class RunMemories {
  readonly #memories: FlowMemories;
  readonly #keeper: KeeperClient;
  readonly #base: string;
  readonly #runs = new Map<string, RunMemory>();
  /** The last look at runs whose memory is gone. */
  readonly #last = new Map<string, Snapshot>();

  constructor(memories: FlowMemories, keeper: KeeperClient, shmBase: string) {
    this.#memories = memories;
    this.#keeper = keeper;
    this.#base = join(shmBase, `videoflow-${userInfo().uid}`);
  }

  /** By run. */
  get states(): ReadonlyMap<string, MemoryState> {
    return new Map([...this.#runs].map(([run, memory]) => [run, this.#stateOf(memory)]));
  }

  /** Some run is paused, and messages are still on their way. */
  get settling(): boolean {
    return [...this.#runs.values()].some((memory) => memory.state.paused === true && !isAtRest(memory.stats));
  }

  dirOf(run: string): string {
    return join(this.#base, run);
  }

  planOf(run: string): DataPlan | undefined {
    return this.#runs.get(run)?.plan;
  }

  /** The keeper owns the folder before it exists, so that no death leaves it behind. A failure becomes a state. */
  create(run: string, plan: DataPlan): void {
    const dir = this.dirOf(run);
    const tasks = new Map(plan.nodes.map((node) => [node.name, node.tasks]));
    try {
      mkdirSync(this.#base, { recursive: true, mode: 0o700 });
      this.#keeper.own(dir);
      this.#memories.create(dir, plan);
      this.#runs.set(run, { state: { state: "ready" }, dir, plan, stats: this.#memories.stats(dir, plan), tasks });
    } catch (error) {
      this.#runs.set(run, { state: { state: "failed", problem: errorText(error) }, dir, plan, tasks });
    }
  }

  requestStop(run: string, nowMs: number): void {
    const memory = this.#runs.get(run);
    if (memory === undefined) return;
    memory.state = { ...memory.state, drainAskedAtMs: nowMs };
    this.#memories.requestStop(memory.dir, memory.plan);
  }

  pause(run: string, paused: boolean): void {
    const memory = this.#runs.get(run);
    if (memory === undefined) return;
    memory.state = { ...memory.state, paused };
    this.#memories.requestPause(memory.dir, memory.plan, paused);
  }

  /** @returns whether the task can be asked. */
  requestRetire({ spec }: FlowTask): boolean {
    const memory = this.#runs.get(spec.run);
    if (memory === undefined || this.#memories.requestRetire === undefined) return false;
    this.#memories.requestRetire(memory.dir, memory.plan, spec.node, spec.index);
    return true;
  }

  clearRetire({ spec }: FlowTask): void {
    const memory = this.#runs.get(spec.run);
    if (memory !== undefined) this.#memories.clearRetire?.(memory.dir, memory.plan, spec.node, spec.index);
  }

  setTasks(run: string, node: string, count: number): void {
    const memory = this.#runs.get(run);
    if (memory === undefined) return;
    this.#memories.setTasks?.(memory.dir, memory.plan, node, count);
    memory.tasks.set(node, count);
  }

  remove(run: string): void {
    const memory = this.#runs.get(run);
    if (memory === undefined) return;
    this.#last.set(run, this.#look(memory));
    memory.stats?.close();
    this.#memories.remove(memory.dir);
    this.#keeper.disown(memory.dir);
    this.#runs.delete(run);
  }

  /** Statistics of one task; undefined before its memory exists. */
  statsOf(task: FlowTask): TaskStats | undefined {
    const { run, node, index } = task.spec;
    return this.#runs
      .get(run)
      ?.stats?.tasks()
      .find((stats) => stats.node === node && stats.taskIndex === index);
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

  close(): void {
    for (const memory of this.#runs.values()) memory.stats?.close();
  }

  #stateOf({ state, stats, tasks }: RunMemory): MemoryState {
    return { ...state, tasks, ...(state.paused === true ? { atRest: isAtRest(stats) } : {}) };
  }

  #look({ stats }: RunMemory): Snapshot {
    if (stats === undefined) return { tasks: [], edges: [], slotsInUse: 0 };
    return { tasks: stats.tasks(), edges: stats.edges(), slotsInUse: stats.slotsInUse() };
  }
}

/** No message is in flight, and no task has anything in hand. */
function isAtRest(stats: FlowStats | undefined): boolean {
  if (stats === undefined) return true;
  const busy = stats.tasks().some(({ state, inHand }) => state === "user-code" || inHand !== undefined);
  return !busy && stats.edges().every(({ inFlight }) => inFlight === 0);
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
