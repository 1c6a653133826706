/** An agent of one host whose processes are entries of a map. Keeps the agent's promises: a final phase is written after the process is gone. */
import { isDeepStrictEqual } from "node:util";
import type { FlowTask, FlowTaskStatus } from "../../src/api/kinds.js";
import type { Prng } from "../../src/base/prng.js";
import type { Store } from "../../src/store/store.js";
import type { Faults } from "./faulty-store.js";

export interface FakeProcess {
  readonly task: string;
  readonly taskUid: string;
  /** What it was started from. */
  readonly template: string;
  /** What its environment lists. */
  readonly devices: readonly string[];
  readonly memoryMiB: number | undefined;
}

const FINAL = ["Succeeded", "Failed", "Stopped"];
const FINISH_CHANCE = 0.1;
const RETIRE_CHANCE = 0.5;

export class FakeAgent {
  /** Live processes; they survive the agent. */
  readonly processes: FakeProcess[] = [];
  /** Processes begun and ended so far. */
  changes = 0;
  /** Ends that are not reported yet: task uid to phase. */
  readonly #ended = new Map<string, FlowTaskStatus>();
  readonly #store: Store;
  readonly #host: string;
  readonly #prng: Prng;
  readonly #note: (text: string) => void;

  constructor(store: Store, host: string, prng: Prng, note: (text: string) => void) {
    this.#store = store;
    this.#host = host;
    this.#prng = prng;
    this.#note = note;
  }

  async tick(faults: Faults): Promise<void> {
    const tasks = (await this.#store.list("FlowTask")).filter(({ spec }) => spec.host === this.#host);
    for (const process of [...this.processes]) this.#live(process, tasks, faults);
    if (this.#prng.chance(faults.agentPause)) return;
    for (const process of this.processes) {
      if (!tasks.some(({ metadata }) => metadata.uid === process.taskUid)) this.#kill(process);
    }
    for (const task of tasks) await this.#serve(task, tasks);
  }

  /** What a process does by itself, whether its agent looks or not. */
  #live(process: FakeProcess, tasks: readonly FlowTask[], faults: Faults): void {
    const task = tasks.find(({ metadata }) => metadata.uid === process.taskUid);
    if (task === undefined) return;
    const isProducer = task.spec.members[0]?.role === "Producer";
    const streamEnded = tasks
      .filter(({ spec }) => spec.run === task.spec.run && spec.members[0]?.role === "Producer")
      .every(({ status }) => status?.phase === "Succeeded");
    if (this.#prng.chance(faults.processCrash)) this.#end(process, { phase: "Failed", reason: "Crashed", message: "it crashed too often" });
    else if (task.spec.desiredState === "Paused") return;
    else if ((isProducer || streamEnded) && task.spec.flowType === "Batch" && this.#prng.chance(FINISH_CHANCE))
      this.#end(process, { phase: "Succeeded" });
  }

  async #serve(task: FlowTask, tasks: readonly FlowTask[]): Promise<void> {
    if (FINAL.includes(task.status?.phase ?? "")) return;
    const process = this.processes.find(({ taskUid }) => taskUid === task.metadata.uid);
    const ended = this.#ended.get(task.metadata.uid);
    if (ended !== undefined) return this.#report(task, ended);
    if (task.spec.desiredState === "Stopped") {
      if (process !== undefined) this.#kill(process);
      return this.#report(task, { phase: "Stopped" });
    }
    if (task.spec.desiredState === "Retired") return this.#retire(task, process);
    if (process?.template === task.spec.templateHash) return this.#report(task, runningStatus(task));
    if (process !== undefined) return this.#prng.chance(RETIRE_CHANCE) ? this.#kill(process) : undefined;
    const siblings = tasks.filter(({ spec }) => spec.flow === task.spec.flow && spec.run === task.spec.run);
    if (siblings.length >= task.spec.flowTasks || task.status?.templateHash !== undefined) await this.#spawn(task);
  }

  /** It takes a while to commit what is in hand. */
  async #retire(task: FlowTask, process: FakeProcess | undefined): Promise<void> {
    if (process !== undefined) return this.#prng.chance(RETIRE_CHANCE) ? this.#kill(process) : undefined;
    if (task.spec.index >= task.spec.nbTasks) return this.#report(task, { phase: "Stopped", reason: "ScaledDown" });
    return this.#report(task, { phase: "Pending", reason: "Retired" });
  }

  async #spawn(task: FlowTask): Promise<void> {
    const claim =
      task.spec.claim === undefined
        ? undefined
        : await this.#store.get({ kind: "DeviceClaim", namespace: task.metadata.namespace, name: task.spec.claim });
    const allocation = claim?.status?.allocation;
    if (task.spec.claim !== undefined && allocation === undefined)
      throw new Error(`D4: task ${task.metadata.name} has a claim without allocation`);
    this.changes += 1;
    this.processes.push({
      task: task.metadata.name,
      taskUid: task.metadata.uid,
      template: task.spec.templateHash,
      devices: allocation?.devices ?? [],
      memoryMiB: allocation?.memoryMiB,
    });
    this.#note(`spawn ${task.metadata.name} on ${allocation?.devices.join(",") ?? "cpu"}`);
    await this.#report(task, runningStatus(task));
  }

  #kill(process: FakeProcess): void {
    this.changes += 1;
    this.processes.splice(this.processes.indexOf(process), 1);
  }

  #end(process: FakeProcess, status: FlowTaskStatus): void {
    this.#kill(process);
    this.#ended.set(process.taskUid, status);
    this.#note(`${process.task} ends: ${status.phase}`);
  }

  /** Its own status write: a newer version of the object means another look later. */
  async #report(task: FlowTask, given: FlowTaskStatus): Promise<void> {
    const { templateHash = task.status?.templateHash } = given;
    const status = { ...given, observedGeneration: task.metadata.generation, ...(templateHash === undefined ? {} : { templateHash }) };
    if (!isDeepStrictEqual({ ...task.status }, status)) await this.#store.updateStatus({ ...task, status });
  }
}

function runningStatus({ spec }: FlowTask): FlowTaskStatus {
  const reason = spec.desiredState === "Paused" ? "Drained" : "Ready";
  return { phase: "Running", reason, templateHash: spec.templateHash };
}
