/**
 * A host: its agent, its keeper and its processes, which are entries of a list. The agent can crash, be cut off from the
 * store, and lag behind; the machine can lose power. It keeps an agent's promises: what runs was written down before, and a
 * final phase is written after the process is gone. The keeper fences.
 */
import { isDeepStrictEqual } from "node:util";
import { hostLeaseName, LEASE_NAMESPACE, RENEW_SECONDS } from "../../src/api/host-lease.js";
import { API_VERSION, type FlowTask, type FlowTaskStatus, type HostDevice, microTime } from "../../src/api/kinds.js";
import type { Clock } from "../../src/base/clock.js";
import { OperatorError } from "../../src/base/errors.js";
import type { Prng } from "../../src/base/prng.js";
import type { Store } from "../../src/store/store.js";
import { type Faults, NO_FAULTS } from "./faulty-store.js";

export interface FakeProcess {
  readonly host: string;
  readonly task: string;
  readonly taskUid: string;
  readonly run: string;
  /** What it was started from. */
  readonly template: string;
  /** What its environment lists. */
  readonly devices: readonly string[];
  readonly memoryMiB: number | undefined;
  readonly fenceSeconds: number | undefined;
}

/** Shared memory of a run: the channels that it was made for, and what is in flight in it. */
interface FakeMemory {
  layout: string;
  rest: "Moving" | "Held" | "Free";
  /** Uids of the tasks that it was made for. */
  madeFor: readonly string[];
  /** Channels into which what was committed does not go: it is not tried again. */
  refused?: string;
}

/** What of a host works. */
type State = "Up" | "AgentDown" | "CutOff" | "PowerOff";

const isProducer = ({ members }: FlowTask["spec"]) => members[0]?.role === "Producer";
const FINAL = ["Succeeded", "Failed", "Stopped"];
const FINISH_CHANCE = 0.1;
const RETIRE_CHANCE = 0.5;
const SETTLE_CHANCE = 0.5;
/** What consumers have set aside they settle when they make way, unless they die instead: then it is offered again. */
const OFFERED_AGAIN_CHANCE = 0.1;

export interface FakeHostOptions {
  readonly store: Store;
  readonly name: string;
  /** What it says of its machine; absent: it says nothing, and renews no Lease. */
  readonly devices?: readonly HostDevice[];
  readonly clock: Clock;
  readonly prng: Prng;
  readonly note: (text: string) => void;
}

export class FakeAgent {
  /** Live processes; they survive the agent. */
  readonly processes: FakeProcess[] = [];
  readonly name: string;
  /** Processes begun and ended so far. */
  changes = 0;
  state: State = "Up";
  #devices: readonly HostDevice[];
  #bootId = 1;
  #faults = NO_FAULTS;
  #renewedAtMs = Number.NEGATIVE_INFINITY;
  /** Until when the state lasts. */
  #untilMs = 0;
  /** By run; they survive the agent, not the machine. */
  readonly #memories = new Map<string, FakeMemory>();
  /** Ends that are not reported yet: task uid to phase. */
  readonly #ended = new Map<string, FlowTaskStatus>();
  /** Why processes failed here, by uid of their task: what really happened, whatever is told of it. */
  readonly failures = new Map<string, string>();
  readonly #options: FakeHostOptions;

  constructor(options: FakeHostOptions) {
    this.#options = options;
    this.name = options.name;
    this.#devices = options.devices ?? [];
  }

  /** A device breaks, or comes back. */
  flipDevice(): void {
    const at = this.#options.prng.range(0, Math.max(0, this.#devices.length - 1));
    this.#devices = this.#devices.map((device, index) => (index === at ? { ...device, healthy: !device.healthy } : device));
  }

  /** Everything works again. */
  heal(): void {
    this.#devices = this.#devices.map((device) => ({ ...device, healthy: true }));
    this.#untilMs = 0;
  }

  async tick(faults: Faults): Promise<void> {
    this.#faults = faults;
    this.#change(faults);
    const { store, prng } = this.#options;
    const tasks = (await store.list("FlowTask")).filter(({ spec }) => spec.host === this.name);
    this.#fence();
    if (this.state !== "PowerOff") for (const process of [...this.processes]) this.#live(process, tasks, faults);
    if (this.state !== "Up" || prng.chance(faults.agentPause)) return;
    if (this.#options.devices !== undefined) {
      await this.#publish();
      await this.#renew();
    }
    for (const process of this.processes) {
      if (!tasks.some(({ metadata }) => metadata.uid === process.taskUid)) this.#kill(process);
    }
    for (const [run, memory] of [...this.#memories]) this.#moveMessages(run, memory, tasks);
    for (const task of tasks) await this.#serve(task, tasks);
  }

  /** Messages flow while producers give, and come to rest some time after they hold back. */
  #moveMessages(run: string, memory: FakeMemory, tasks: readonly FlowTask[]): void {
    const { prng } = this.#options;
    const own = tasks.filter(({ spec }) => spec.run === run);
    const live = this.processes.some(({ taskUid }) => own.some(({ metadata }) => metadata.uid === taskUid));
    const isOver = own.every(({ status }) => FINAL.includes(status?.phase ?? ""));
    const isOfEarlier = !own.some(({ metadata }) => memory.madeFor.includes(metadata.uid));
    if (!live && (isOver || isOfEarlier)) return void this.#memories.delete(run);
    if (!live && memory.rest === "Held") memory.rest = prng.chance(OFFERED_AGAIN_CHANCE) ? "Moving" : "Free";
    if (!live) return;
    const gives = own.some(({ spec }) => isProducer(spec) && spec.desiredState === "Running");
    if (gives) memory.rest = "Moving";
    else if (memory.rest === "Moving" && prng.chance(SETTLE_CHANCE)) memory.rest = prng.pick(["Free", "Held"]);
  }

  /** A memory with other channels gets those of the spec, with all that was committed, once nobody works in it and all know them. */
  #ensureMemory({ spec, metadata }: FlowTask, siblings: readonly FlowTask[]): "Ready" | "Waiting" | "Refused" {
    const memory = this.#memories.get(spec.run);
    const madeFor = siblings.map((task) => task.metadata.uid);
    if (memory === undefined) this.#memories.set(spec.run, { layout: spec.layoutHash, rest: "Free", madeFor });
    if (memory === undefined || memory.layout === spec.layoutHash) return "Ready";
    if (memory.refused === spec.layoutHash) return "Refused";
    const live = this.processes.some(({ taskUid }) => siblings.some((task) => task.metadata.uid === taskUid));
    const agreed = siblings.length === spec.flowTasks && siblings.every((task) => task.spec.layoutHash === spec.layoutHash);
    if (live || !agreed) return "Waiting";
    if (memory.rest !== "Free") throw new Error(`M1: the channels of ${metadata.name} change while messages are in flight`);
    if (this.#options.prng.chance(this.#faults.carryOverRefused)) {
      memory.refused = spec.layoutHash;
      this.#options.note(`refuses to carry over ${spec.flow}`);
      return "Refused";
    }
    memory.layout = spec.layoutHash;
    memory.madeFor = madeFor;
    this.#options.note(`carries over ${spec.flow}`);
    return "Ready";
  }

  /** Now and then something fails for a while: shorter than a Lease, or longer than any fence. */
  #change({ agentCrash, cutOff, powerLoss }: Faults): void {
    const { prng, clock, note } = this.#options;
    if (clock.nowMs() < this.#untilMs) return;
    if (this.state !== "Up") note(`host ${this.name} is up again`);
    this.state = "Up";
    const chances: [State, number][] = [
      ["AgentDown", agentCrash],
      ["CutOff", cutOff],
      ["PowerOff", powerLoss],
    ];
    const [state] = chances.find(([, chance]) => prng.chance(chance)) ?? [];
    if (state === undefined) return;
    this.state = state;
    this.#untilMs = clock.nowMs() + prng.pick([2_000, 20_000, 45_000, 90_000]);
    note(`host ${this.name}: ${state}`);
    if (state === "PowerOff") this.#losePower();
  }

  #losePower(): void {
    this.#bootId += 1;
    for (const process of [...this.processes]) this.#kill(process);
    this.#ended.clear();
    this.#memories.clear();
  }

  /** The keeper does so whatever its agent does. */
  #fence(): void {
    const nowMs = this.#options.clock.nowMs();
    for (const process of [...this.processes]) {
      if (process.fenceSeconds === undefined || nowMs < this.#renewedAtMs + process.fenceSeconds * 1_000) continue;
      this.#options.note(`keeper of ${this.name} fences ${process.task}`);
      this.#kill(process);
    }
  }

  async #publish(): Promise<void> {
    const { store, name } = this.#options;
    const key = { kind: "Host", namespace: "", name } as const;
    const host =
      (await store.get(key)) ??
      (await store.create<"Host">({ apiVersion: API_VERSION, kind: "Host", metadata: { name }, spec: { schedulable: true } }));
    const status = { bootId: String(this.#bootId), cores: 4, memoryMiB: 65_536, devices: [...this.#devices] };
    const { conditions, ...known } = host.status ?? {};
    if (isDeepStrictEqual({ ...known }, status)) return;
    await store.updateStatus({ ...host, status: { ...status, ...(conditions === undefined ? {} : { conditions }) } });
  }

  async #renew(): Promise<void> {
    const { store, clock, name } = this.#options;
    const nowMs = clock.nowMs();
    if (nowMs - this.#renewedAtMs < RENEW_SECONDS * 1_000) return;
    const key = { kind: "Lease", namespace: LEASE_NAMESPACE, name: hostLeaseName(name) } as const;
    const spec = { holderIdentity: name, renewTime: microTime(clock.wallMs()) };
    const lease = await store.get(key);
    if (lease !== undefined) await store.update<"Lease">({ ...lease, spec });
    else
      await store.create<"Lease">({
        apiVersion: "coordination.k8s.io/v1",
        kind: "Lease",
        metadata: { name: key.name, namespace: key.namespace },
        spec,
      });
    this.#renewedAtMs = nowMs;
  }

  /** What a process does by itself, whether its agent looks or not. */
  #live(process: FakeProcess, tasks: readonly FlowTask[], faults: Faults): void {
    const { prng } = this.#options;
    const task = tasks.find(({ metadata }) => metadata.uid === process.taskUid);
    if (task === undefined) return;
    const streamEnded = tasks
      .filter(({ spec }) => spec.run === task.spec.run && isProducer(spec))
      .every(({ status }) => status?.phase === "Succeeded");
    if (prng.chance(faults.processCrash)) this.#end(process, { phase: "Failed", reason: "Crashed", message: "it crashed too often" });
    else if (task.spec.desiredState === "Paused") return;
    else if ((isProducer(task.spec) || streamEnded) && task.spec.flowType === "Batch" && prng.chance(FINISH_CHANCE))
      this.#end(process, { phase: "Succeeded" });
  }

  async #serve(task: FlowTask, tasks: readonly FlowTask[]): Promise<void> {
    if (FINAL.includes(task.status?.phase ?? "")) return;
    const process = this.processes.find(({ taskUid }) => taskUid === task.metadata.uid);
    const ended = this.#ended.get(task.metadata.uid);
    if (ended !== undefined) return this.#report(task, ended);
    if (task.metadata.deletionTimestamp !== undefined || task.spec.desiredState === "Stopped") {
      if (process !== undefined) this.#kill(process);
      return this.#report(task, { phase: "Stopped" });
    }
    if (task.spec.desiredState === "Retired") return this.#retire(task, process);
    if (process?.template === task.spec.templateHash) return this.#report(task, this.#runningStatus(task));
    if (process !== undefined) return this.#retireSlowly(process);
    const siblings = tasks.filter(({ spec }) => spec.flow === task.spec.flow && spec.run === task.spec.run);
    const mayBegin = siblings.length >= task.spec.flowTasks || task.status?.templateHash !== undefined;
    if (!mayBegin) return this.#report(task, { phase: "Pending", reason: "WaitingForTasks" });
    const hadMemory = siblings.some(({ status }) => status?.templateHash !== undefined);
    if (hadMemory && !this.#memories.has(task.spec.run)) return this.#report(task, { phase: "Failed", reason: "MemoryLost" });
    const memory = this.#ensureMemory(task, siblings);
    if (memory === "Ready") await this.#spawn(task);
    else if (memory === "Refused")
      await this.#report(task, { phase: "Failed", reason: "CarryOverRefused", message: "it does not go into them" });
    else await this.#report(task, { phase: "Pending", reason: "WaitingForMemory" });
  }

  /** It takes a while to commit what is in hand. */
  #retireSlowly(process: FakeProcess): void {
    if (this.#options.prng.chance(RETIRE_CHANCE)) this.#kill(process);
  }

  async #retire(task: FlowTask, process: FakeProcess | undefined): Promise<void> {
    if (process !== undefined) return this.#retireSlowly(process);
    const isLost = task.status?.templateHash !== undefined && !this.#memories.has(task.spec.run);
    if (isLost) return this.#report(task, { phase: "Failed", reason: "MemoryLost" });
    if (task.spec.index >= task.spec.nbTasks) return this.#report(task, { phase: "Stopped", reason: "ScaledDown" });
    return this.#report(task, { phase: "Pending", reason: "Retired", ...this.#restSeen(task) });
  }

  /** Written down before the gate opens: a task that changed meanwhile is not started. */
  async #spawn(task: FlowTask): Promise<void> {
    const { store } = this.#options;
    const claim =
      task.spec.claim === undefined
        ? undefined
        : await store.get({ kind: "DeviceClaim", namespace: task.metadata.namespace, name: task.spec.claim });
    const allocation = claim?.status?.allocation;
    if (task.spec.claim !== undefined && allocation === undefined)
      throw new Error(`D4: task ${task.metadata.name} has a claim without allocation`);
    if (!(await this.#write(task, this.#runningStatus(task)))) return;
    const stored = await store.get({ kind: "FlowTask", namespace: task.metadata.namespace, name: task.metadata.name });
    if (stored?.spec.desiredState === "Stopped") throw new Error(`P5: ${task.metadata.name} is started although it was stopped`);
    this.changes += 1;
    this.processes.push({
      host: this.name,
      task: task.metadata.name,
      taskUid: task.metadata.uid,
      run: task.spec.run,
      template: task.spec.templateHash,
      devices: allocation?.devices ?? [],
      memoryMiB: allocation?.memoryMiB,
      fenceSeconds: task.spec.fenceSeconds,
    });
    this.#options.note(`spawn ${task.metadata.name} on ${allocation?.devices.join(",") ?? "cpu"}`);
  }

  #kill(process: FakeProcess): void {
    this.changes += 1;
    this.processes.splice(this.processes.indexOf(process), 1);
  }

  #end(process: FakeProcess, status: FlowTaskStatus): void {
    if (status.phase === "Failed") this.failures.set(process.taskUid, status.reason ?? "");
    this.#kill(process);
    this.#ended.set(process.taskUid, status);
    this.#options.note(`${process.task} ends: ${status.phase}`);
  }

  /** Told by producers that hold back, and by those that made way once nobody of the run lives. */
  #restSeen({ spec }: FlowTask): Pick<FlowTaskStatus, "rest"> {
    const memory = this.#memories.get(spec.run);
    const live = this.processes.some(({ run }) => run === spec.run);
    const told = spec.desiredState === "Paused" || (spec.desiredState === "Retired" && !live);
    return isProducer(spec) && told && memory !== undefined ? { rest: memory.rest } : {};
  }

  #runningStatus(task: FlowTask): FlowTaskStatus {
    const { spec } = task;
    const { rest } = this.#restSeen(task);
    const reason = spec.desiredState === "Paused" ? (rest === "Free" ? "Drained" : "Paused") : "Ready";
    const fence = spec.fenceSeconds === undefined ? {} : { fenceSeconds: spec.fenceSeconds };
    return { phase: "Running", reason, templateHash: spec.templateHash, pid: 7, ...fence, ...(rest === undefined ? {} : { rest }) };
  }

  async #report(task: FlowTask, status: FlowTaskStatus): Promise<void> {
    await this.#write(task, status);
  }

  /** Its own status write: a newer version of the object means another look later. @returns whether it stands in the store. */
  async #write(task: FlowTask, given: FlowTaskStatus): Promise<boolean> {
    const { templateHash = task.status?.templateHash } = given;
    const conditions = task.status?.conditions;
    const status = {
      ...given,
      observedGeneration: task.metadata.generation,
      ...(templateHash === undefined ? {} : { templateHash }),
      ...(conditions === undefined ? {} : { conditions }),
    };
    if (isDeepStrictEqual({ ...task.status }, status)) return true;
    try {
      await this.#options.store.updateStatus({ ...task, status });
      return true;
    } catch (error) {
      if (error instanceof OperatorError && (error.code === "STORE_CONFLICT" || error.code === "STORE_GONE")) return false;
      throw error;
    }
  }
}
