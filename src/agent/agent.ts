/**
 * Makes one host match its tasks: observe, decide (reconcile-host.ts, pure), apply.
 * Knows the store, the keeper and shared memory; must not know the controller, or what is inside a worker.
 */
import { statSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import type { DeviceClaim, FlowTask, HostDevice } from "../api/kinds.js";
import { crashPoint } from "../base/crash-point.js";
import { type LoopFigures, LoopMeter } from "../base/durations.js";
import { errorText, OperatorError } from "../base/errors.js";
import type { ExitRecord, KeptTask } from "../base/keeper-protocol.js";
import { environmentOf } from "../devices/environment.js";
import type { FlowKey } from "../store/agent-services.js";
import type { Unwatch, WatchEvent } from "../store/store.js";
import { type FlowMemories, loadFlowMemories } from "./flow-memories.js";
import { Heartbeat } from "./heartbeat.js";
import { observeHost, publishHost } from "./host-status.js";
import type { KeeperClient } from "./keeper-client.js";
import { killMarked, killTreeOf } from "./leftovers.js";
import { mayHaveProcess, type ObservedHost } from "./observed.js";
import type { AgentNote, AgentOptions, HostInventory } from "./options.js";
import { type HostAction, reconcileHost, TASK_FINALIZER } from "./reconcile-host.js";
import { isFinal } from "./reconcile-task.js";
import { ReportWatch } from "./report-watch.js";
import { Requirements } from "./requirements.js";
import { type FlowClaim, type FlowObservation, RunMemories } from "./run-memories.js";
import { SteadyBytes, steadyDevices } from "./steady-host.js";
import { taskStory } from "./story.js";
import { TaskFiles } from "./task-files.js";
import { TaskProcesses } from "./task-processes.js";

export type { AgentNote, AgentOptions, HostInventory } from "./options.js";
export type { FlowObservation, NodeObservation } from "./run-memories.js";

/** A shorter look may follow another at once: a pause lasts longer, and each step of a start waits for a look. */
const LONG_LOOK_MS = 3;
/** How often a report file is looked for while a task starts, should nobody say that it is there. */
const STARTING_POLL_MS = 50;
const COMPLAIN_MS = 10_000;
/** How long after a status could not be written it is tried again. */
const STATUS_RETRY_MS = 100;
/** How often statistics are read and logs are rotated while tasks run. */
const RUNNING_POLL_MS = 1_000;
const HOST_POLL_MS = 30_000;
/** How long after something went wrong all of it is looked at again: nothing else may bring the next look. */
const STUMBLE_MS = 1_000;

/** How long after a vain attempt another keeper is started. */
const KEEPER_RETRY_MS = 1_000;

/** The agent of one host. */
export class Agent {
  readonly #options: AgentOptions;
  readonly #files: TaskFiles;
  readonly #memories: RunMemories;
  readonly #processes: TaskProcesses;
  readonly #tasks = new Map<string, FlowTask>();
  readonly #claims = new Map<string, DeviceClaim>();
  /** When tasks came, by uid. */
  readonly #seenAtMs = new Map<string, number>();
  /** Task uid to what keeps it from its devices. */
  readonly #obstacles = new Map<string, string>();
  readonly #endings: Unwatch[] = [];
  readonly #requirements: Requirements;
  readonly #reports = new ReportWatch(() => this.#kick());
  #keeper: KeeperClient;
  #timer: NodeJS.Timeout | undefined;
  #hostTimer: NodeJS.Timeout | undefined;
  #heartbeat: Heartbeat | undefined;
  /** The last look at the machine's devices. */
  #inventory: HostInventory | undefined;
  /** Task uid to the write of its status that is under way: one at a time, and nothing waits for it. */
  readonly #writing = new Map<string, Promise<void>>();
  /** Shared memory and devices, as published. */
  readonly #sharedBytes = new SteadyBytes();
  #devices: readonly HostDevice[] = [];
  /** Devices in quarantine, as published. */
  #quarantine = "";
  readonly #meter = new LoopMeter();
  /** When something was complained of, by what was said. */
  readonly #complaints = new Map<string, number>();
  #running: Promise<void> | undefined;
  #dirty = false;
  /** How long the last look at the whole host took. The next one waits as long for what else happens: many tasks must not cost a look each. */
  #decidingMs = 0;
  /** A write failed: look again soon even if nothing changes. */
  #retry = false;
  /** An action failed otherwise. */
  #stumbled = false;
  #stopped = false;

  private constructor(options: AgentOptions, memories: FlowMemories) {
    this.#options = options;
    this.#keeper = options.keeper;
    this.#files = new TaskFiles(options);
    const { survival, stateDir, shmBase } = options;
    const keeper = () => this.#keeper;
    const outliving = survival === undefined ? {} : { survival: { journal: survival.journal, stateDir } };
    this.#memories = new RunMemories({ memories, keeper, shmBase, ...outliving });
    this.#requirements = new Requirements(options.rules, () => this.#kick());
    this.#processes = new TaskProcesses({
      keeper,
      rules: options.rules,
      refused: (task, refusal) => this.#requirements.refuse(task, refusal, options.clock.nowMs()),
      survival,
      clock: options.clock,
      files: this.#files,
      memories: this.#memories,
      workerCommand: options.workerCommand,
      taskUser: options.taskUser,
      env: options.env ?? process.env,
      deviceEnvironment: options.deviceEnvironment ?? environmentOf,
      logLevel: options.logLevel ?? "info",
      chance: options.chance ?? Math.random,
      inventory: () => this.#inventory,
      ...(options.heartbeat === undefined
        ? {}
        : {
            renewedAtMs: () => this.#heartbeat?.renewedAtMs,
            onFences: (fenceMs: number | undefined) => this.#heartbeat?.pace(fenceMs),
          }),
      note: (subject, what, message) => this.#note({ subject, what, message }),
      complain: (error) => this.#complain(error),
      changed: () => this.#kick(),
    });
  }

  /**
   * Publishes the Host object and begins to watch. The keeper may still be starting.
   *
   * @throws OperatorError STORE_CONFLICT if another writes this host's status at the same time.
   */
  static async start(options: AgentOptions): Promise<Agent> {
    const agent = new Agent(options, options.memories ?? (await loadFlowMemories(options.taskUser)));
    if (options.survival !== undefined) await options.keeper.ready;
    await agent.#publishHost();
    await agent.#adopt();
    agent.#watch();
    agent.#beat();
    return agent;
  }

  /** Only now: what an earlier agent left is known, and nobody counts on this host before. */
  #beat(): void {
    const { heartbeat, store, hostName, clock } = this.#options;
    if (heartbeat === undefined) return;
    const onTrouble = (problem: string | undefined) =>
      this.#note({ subject: hostName, what: problem === undefined ? "LeaseRenewed" : "LeaseNotRenewed", message: problem ?? "" });
    this.#heartbeat = new Heartbeat({
      ...{ store, hostName, clock, ...heartbeat, onTrouble },
      onRenewed: (renewedAtMs) => {
        this.#processes.refence(renewedAtMs);
        if (this.#retry) this.#kick();
      },
    });
    this.#heartbeat.start();
  }

  /** Stops watching and deciding. Tasks live on until the keeper is closed. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const end of this.#endings) end();
    clearTimeout(this.#timer);
    clearTimeout(this.#hostTimer);
    this.#heartbeat?.stop();
    await this.#running;
    this.#reports.follow(new Set());
    await Promise.all(this.#writing.values());
    this.#memories.close();
  }

  /** What the tasks of a flow's present run have done so far, from shared memory; the last look once its memory is gone. */
  observe({ namespace, name }: FlowKey): FlowObservation | undefined {
    const tasks = [...this.#tasks.values()].filter(({ metadata, spec }) => metadata.namespace === namespace && spec.flow === name);
    const run = tasks.at(-1)?.spec.run;
    return run === undefined ? undefined : this.#memories.observe(run, tasks);
  }

  /** What its loop has done so far. @param name of the loop. */
  figures(name: string): LoopFigures {
    return this.#meter.figures(name);
  }

  /** Whether this host has tasks of the flow. */
  knows({ namespace, name }: FlowKey): boolean {
    return [...this.#tasks.values()].some(({ metadata, spec }) => metadata.namespace === namespace && spec.flow === name);
  }

  /** Live processes that will outlive this agent. */
  get keptTasks(): number {
    return this.#processes.keptTasks;
  }

  /** Path of a task's log. */
  logFile(task: FlowTask): string {
    return this.#files.logFile(task);
  }

  #watch(): void {
    const { store, hostName } = this.#options;
    this.#endings.push(
      store.watch("DeviceClaim", (event) => this.#seeClaim(event)),
      store.watch("FlowTask", (event) => this.#seeTask(event), { spec: { host: hostName } }),
    );
    this.#listen();
    this.#hostTimer = setInterval(() => void this.#publishHost().catch((error) => this.#complain(error)), HOST_POLL_MS);
    this.#hostTimer.unref();
  }

  #listen(): void {
    const keeper = this.#keeper;
    this.#endings.push(
      keeper.onExit((record) => this.#seeExit(record)),
      keeper.onLost(() => void this.#loseKeeper().catch((error) => this.#complain(error))),
    );
    if (keeper.isLost) void this.#loseKeeper().catch((error) => this.#complain(error));
  }

  #seeTask({ type, object }: WatchEvent<"FlowTask">): void {
    const { uid } = object.metadata;
    if (type === "Deleted") {
      this.#tasks.delete(uid);
      this.#seenAtMs.delete(uid);
      this.#obstacles.delete(uid);
      const { run } = object.spec;
      if (![...this.#tasks.values()].some(({ spec }) => spec.run === run)) this.#memories.forget(run);
    } else {
      if (!this.#tasks.has(uid)) this.#seenAtMs.set(uid, this.#options.clock.nowMs());
      this.#tasks.set(uid, object);
    }
    if (type === "Modified" && isFinal(object)) this.#tryToGiveBack();
    this.#kick();
  }

  #seeClaim({ type, object }: WatchEvent<"DeviceClaim">): void {
    const key = keyOfName(object.metadata);
    if (type === "Deleted") this.#claims.delete(key);
    else this.#claims.set(key, object);
    if (type !== "Added") this.#tryToGiveBack();
    this.#kick();
  }

  #seeExit(record: ExitRecord): void {
    this.#processes.ended(record);
    this.#kick();
  }

  /** The kernel kills the tasks with their keeper; what escaped it carries its marker. */
  async #loseKeeper(): Promise<void> {
    await killMarked(this.#keeper.keeperId);
    this.#processes.loseAll();
    if (this.#options.survival !== undefined) await this.#reviveKeeper();
    this.#kick();
  }

  /** Nothing is decided before there is a keeper again. */
  async #reviveKeeper(): Promise<void> {
    this.#note({ subject: this.#options.hostName, what: "KeeperLost", message: "the keeper died; its tasks start again under a new one" });
    while (!this.#stopped) {
      try {
        const keeper = await this.#options.survival?.newKeeper();
        if (keeper === undefined) return;
        await keeper.ready;
        this.#keeper = keeper;
        break;
      } catch (error) {
        this.#complain(error);
        await pause(KEEPER_RETRY_MS);
      }
    }
    this.#memories.ownAgain((run) => this.#keeps(run));
    this.#listen();
  }

  #claimOf(run: string): FlowClaim {
    const tasks = [...this.#tasks.values()].filter(({ spec }) => spec.run === run);
    const outputs = this.#options.outputsOf?.(tasks.flatMap(({ spec }) => spec.members)) ?? [];
    const files = outputs.filter(isOnesOwn);
    return { flow: tasks[0]?.spec.flow ?? run, outputs: [...new Set(files)], tasks: tasks.map(({ metadata }) => metadata.uid) };
  }

  /** Whether the memory of a run outlives this process: as long as its tasks do. */
  #keeps(run: string): boolean {
    if (this.#options.survival === undefined) return false;
    return ![...this.#tasks.values()].some(({ spec }) => spec.run === run && spec.onAgentLoss === "Terminate");
  }

  /** Asks for a reconcile soon; many wishes make one. */
  #kick(): void {
    this.#dirty = true;
    if (this.#running === undefined && !this.#stopped) {
      this.#running = Promise.resolve()
        .then(() => this.#settle())
        .catch((error) => this.#complain(error))
        .finally(() => {
          this.#running = undefined;
          if (this.#dirty) this.#kick();
        });
    }
  }

  async #settle(): Promise<void> {
    while (this.#dirty && !this.#stopped) {
      this.#dirty = false;
      this.#schedule(await this.#look());
      if (this.#decidingMs >= LONG_LOOK_MS) await pause(this.#decidingMs);
    }
  }

  /** @returns when to look again, in milliseconds. */
  async #look(): Promise<number | undefined> {
    try {
      return await this.#meter.measure(
        () => this.#options.clock.nowMs(),
        () => this.#reconcile(),
      );
    } catch (error) {
      this.#complain(error);
      return STUMBLE_MS;
    }
  }

  #schedule(delayMs: number | undefined): void {
    clearTimeout(this.#timer);
    if (delayMs === undefined || this.#stopped) return;
    this.#timer = setTimeout(() => this.#kick(), Math.ceil(delayMs));
    this.#timer.unref();
  }

  /** @returns when to look again, in milliseconds. */
  async #reconcile(): Promise<number | undefined> {
    if (this.#options.survival !== undefined && this.#keeper.isLost) return undefined; // Its successor brings the next look.
    const startMs = this.#options.clock.nowMs();
    this.#processes.refresh();
    this.#retry = false;
    this.#stumbled = false;
    const plan = reconcileHost(this.#observed());
    this.#decidingMs = this.#options.clock.nowMs() - startMs;
    const doAll = (isWanted: (action: HostAction) => boolean) =>
      Promise.all(plan.actions.filter(isWanted).map((action) => this.#tryToApply(action)));
    await doAll(({ op }) => op === "prepare");
    await doAll(({ op }) => op !== "prepare");
    const awaited = this.#processes.awaitedReports;
    this.#reports.follow(awaited);
    const pollMs =
      this.#retry || awaited.size > 0 || this.#memories.settling ? STARTING_POLL_MS : this.#processes.live ? RUNNING_POLL_MS : undefined;
    this.#publishQuarantine();
    const delays = [plan.requeueAfterMs, pollMs, this.#stumbled ? STUMBLE_MS : undefined].filter((delay) => delay !== undefined);
    return delays.length === 0 ? undefined : Math.min(...delays);
  }

  /** A device whose holder is not proved dead is shown so at once, and free as soon as it is. */
  #publishQuarantine(): void {
    const now = [...this.#processes.quarantined((uid) => this.#tasks.has(uid)).keys()].join();
    if (now === this.#quarantine) return;
    this.#quarantine = now;
    void this.#publishHost().catch((error) => this.#complain(error));
  }

  #observed(): ObservedHost {
    const { liveRuns, records } = this.#processes;
    const nowMs = this.#options.clock.nowMs();
    const tasks = [...this.#tasks.values()];
    return {
      nowMs,
      tasks,
      records,
      requirements: this.#requirements.look(tasks, records, nowMs),
      claims: this.#claims,
      memories: this.#memories.states((run) => liveRuns.has(run)),
      keeperLost: this.#keeper.isLost,
      seenAtMs: this.#seenAtMs,
      hasJournal: this.#options.survival !== undefined,
      devices: new Map((this.#inventory?.devices ?? []).map((device) => [device.uuid, device])),
    };
  }

  /** What goes wrong with one action holds no other one back, and is tried again. */
  async #tryToApply(action: HostAction): Promise<void> {
    try {
      await this.#apply(action);
    } catch (error) {
      this.#stumbled = true;
      this.#complain(error);
    }
  }

  async #apply(action: HostAction): Promise<void> {
    switch (action.op) {
      case "createMemory":
        this.#memories.create(action.run, action.plan, action.layout, this.#keeps(action.run), this.#claimOf(action.run));
        return this.#kick();
      case "carryOver":
        this.#memories.carryOver(
          action.run,
          action.plan,
          action.layout,
          this.#keeps(action.run),
          this.#options.clock.nowMs(),
          this.#claimOf(action.run),
        );
        return this.#kick();
      case "drain":
        this.#memories.requestStop(action.run, this.#options.clock.nowMs());
        return this.#kick();
      case "removeMemory":
        this.#memories.remove(action.run);
        this.#files.removeRun(action.run);
        return this.#kick();
      case "prepare":
        return this.#prepare(action.claim);
      case "status":
        return this.#beginStatus(action.task, action.status);
      case "release":
        return this.#release(action.task);
      case "forget":
        return this.#processes.forget(action.uid);
      case "spawn":
        return this.#spawn(action.uid);
      case "go":
        await this.#attempt(() => this.#processes.go(action.uid));
        return;
      case "stop":
        return this.#processes.stop(action.uid, action.graceMs, action.why);
      case "retire":
        return this.#processes.retire(action.uid);
      case "pause":
        this.#memories.pause(action.run, action.paused);
        return this.#kick();
      case "setTasks":
        this.#memories.setTasks(action.run, action.node, action.count);
        return this.#kick();
      case "kill":
        return this.#processes.kill(action.uid, action.why);
      default:
        action satisfies never;
    }
  }

  #spawn(uid: string): void {
    const task = this.#tasks.get(uid);
    if (task === undefined) return;
    const claim = claimOf(task, this.#claims);
    const obstacle = this.#options.holds?.take(claim?.status?.allocation?.devices ?? []);
    if (obstacle === undefined) {
      this.#obstacles.delete(uid);
      return this.#processes.spawn(task, claim);
    }
    this.#retry = true;
    if (this.#obstacles.get(uid) !== obstacle) this.#note({ subject: task.metadata.name, what: "Held", message: obstacle });
    this.#obstacles.set(uid, obstacle);
  }

  /** What is not given back now is with the next change of a claim. */
  #tryToGiveBack(): void {
    try {
      this.#giveBack();
    } catch (error) {
      this.#complain(error);
    }
  }

  /** Devices of claims that are gone, or whose task is over and its tree dead, are anybody's again. */
  #giveBack(): void {
    const { holds, hostName } = this.#options;
    if (holds === undefined) return;
    const over = new Set([...this.#tasks.values()].filter((task) => this.#isOver(task)).map(({ metadata }) => keyOfName(metadata)));
    const held = [...this.#claims.values()].filter(({ metadata }) => !over.has(keyOfName(metadata)));
    const granted = held.flatMap(({ status }) => status?.allocation ?? []);
    holds.keepOnly(granted.filter(({ host }) => host === hostName).flatMap(({ devices }) => devices));
  }

  #isOver(task: FlowTask): boolean {
    return isFinal(task) && !mayHaveProcess(this.#processes.records.get(task.metadata.uid));
  }

  async #prepare(claim: DeviceClaim): Promise<void> {
    await this.#attempt(async () => {
      const written = await this.#options.store.updateStatus<"DeviceClaim">({ ...claim, status: { ...claim.status, prepared: true } });
      if (this.#claims.get(keyOfName(claim.metadata)) === claim) this.#claims.set(keyOfName(claim.metadata), written);
    });
  }

  /** The next look is not held up by the disk; what a look meanwhile wants to write, the one after the write does. */
  #beginStatus(task: FlowTask, status: NonNullable<FlowTask["status"]>): void {
    const { uid } = task.metadata;
    if (this.#writing.has(uid)) return;
    const written = this.#writeStatus(task, status).then((isDone) => {
      this.#writing.delete(uid);
      if (isDone) this.#kick();
      else setTimeout(() => this.#kick(), STATUS_RETRY_MS).unref();
    });
    this.#writing.set(uid, written);
  }

  async #writeStatus(task: FlowTask, status: NonNullable<FlowTask["status"]>): Promise<boolean> {
    return this.#attempt(async () => {
      const written = await this.#options.store.updateStatus<"FlowTask">({ ...task, status });
      // What was heard meanwhile may be newer than the answer.
      if (this.#tasks.get(written.metadata.uid) === task) this.#tasks.set(written.metadata.uid, written);
      if (status.phase !== task.status?.phase)
        this.#note({ subject: task.metadata.name, what: status.phase ?? "", message: status.message ?? "" });
      for (const note of taskStory(task, status, this.#processes.records.get(task.metadata.uid)?.lastExit?.log))
        this.#options.events?.record(task, note);
    });
  }

  async #release(task: FlowTask): Promise<void> {
    const finalizers = task.metadata.finalizers?.filter((name) => name !== TASK_FINALIZER) ?? [];
    await this.#attempt(async () => {
      await this.#options.store.update({ ...task, metadata: { ...task.metadata, finalizers } });
    });
  }

  /** An object that changed or went meanwhile is no error: its event brings the next look. @returns whether it was written. */
  async #attempt(write: () => Promise<void>): Promise<boolean> {
    try {
      await write();
      return true;
    } catch (error) {
      const known = error instanceof OperatorError && (error.code === "STORE_CONFLICT" || error.code === "STORE_GONE");
      if (!known) this.#complain(error);
      this.#retry = true;
      return false;
    }
  }

  async #publishHost(): Promise<void> {
    const { store, hostName, shmBase, inventory, events, clock } = this.#options;
    const found = (await inventory?.()) ?? { provider: "none", devices: [] };
    this.#inventory = found;
    const quarantined = this.#processes.quarantined((uid) => this.#tasks.has(uid));
    this.#quarantine = [...quarantined.keys()].join();
    const devices = found.devices.map((device) => withQuarantine(device, quarantined.get(device.uuid)));
    this.#devices = steadyDevices(this.#devices, devices);
    const host = observeHost(shmBase, { ...found, devices: this.#devices }, this.#keeper.containment, {
      own: this.#memories.usedBytes,
      reserved: this.#memories.reservedBytes,
    });
    const shmBytes = this.#sharedBytes.tell(host.shmBytes, clock.nowMs());
    await publishHost(store, hostName, { ...host, shmBytes }, events);
    if (this.#tasks.size > 0) this.#kick();
  }

  /**
   * Takes up what an earlier agent of the same state has left: the objects, the memory of its runs, the processes that its
   * keeper still has and the ends that nobody has seen. What no keeper answers for is ended.
   */
  async #adopt(): Promise<void> {
    crashPoint("agent.adopt.before");
    const { store, hostName, survival } = this.#options;
    const tasks = await store.list("FlowTask", { spec: { host: hostName } });
    if (survival === undefined) {
      this.#memories.sweep(() => false);
      return this.#sweep(tasks);
    }
    for (const task of tasks) this.#tasks.set(task.metadata.uid, task);
    for (const claim of await store.list("DeviceClaim")) this.#claims.set(keyOfName(claim.metadata), claim);
    const { tasks: kept } = await this.#keeper.ready;
    await this.#sweep(tasks.filter(({ metadata }) => !kept.some(({ id }) => id.startsWith(`${metadata.uid}.`))));
    this.#adoptMemories(tasks, kept);
    crashPoint("agent.adopt.memories");
    const names = this.#processes.adopt(tasks, kept, (task) => claimOf(task, this.#claims));
    const message = "the process of an earlier agent runs on";
    for (const subject of names) this.#note({ subject, what: "Adopted", message });
    for (const task of tasks.filter(({ metadata }) => names.includes(metadata.name))) {
      this.#options.events?.record(task, { type: "Normal", reason: "Adopted", message });
    }
    crashPoint("agent.adopt.after");
  }

  #adoptMemories(tasks: readonly FlowTask[], kept: readonly KeptTask[]): void {
    const isKept = ({ metadata }: FlowTask) => kept.some(({ id }) => id.startsWith(`${metadata.uid}.`));
    for (const run of new Set(tasks.map(({ spec }) => spec.run))) {
      const own = tasks.filter(({ spec }) => spec.run === run);
      this.#memories.adopt(run, this.#keeps(run), own.some(isKept));
    }
    const wanted = new Set(tasks.map(({ spec }) => spec.run));
    this.#memories.sweep((run) => wanted.has(run));
  }

  /** Ends what an earlier agent left running and no keeper answers for any more. */
  async #sweep(tasks: readonly FlowTask[]): Promise<void> {
    for (const { status } of tasks.filter((task) => !isFinal(task))) {
      if (status?.pid === undefined || status.bootId === undefined || status.startTime === undefined) continue;
      await killTreeOf({ bootId: status.bootId, pid: status.pid, startTime: status.startTime });
    }
  }

  /** The same again and again is said every few seconds only. */
  #complain(error: unknown): void {
    const message = errorText(error);
    const nowMs = this.#options.clock.nowMs();
    for (const [said, atMs] of this.#complaints) if (nowMs - atMs >= COMPLAIN_MS) this.#complaints.delete(said);
    if (this.#complaints.has(message)) return;
    this.#complaints.set(message, nowMs);
    this.#note({ subject: this.#options.hostName, what: "Error", message });
  }

  #note(note: AgentNote): void {
    this.#options.onNote?.(note);
  }
}

/** A claim has the name of its task. */
function keyOfName({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `${namespace}/${name}`;
}

/** What is no regular file, such as /dev/null, may have many writers. What cannot be looked at its task will complain of. */
function isOnesOwn(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isFile() !== false;
  } catch {
    return true;
  }
}

function claimOf(task: FlowTask, claims: ReadonlyMap<string, DeviceClaim>): DeviceClaim | undefined {
  return task.spec.claim === undefined ? undefined : claims.get(`${task.metadata.namespace}/${task.spec.claim}`);
}

function withQuarantine(device: HostDevice, why: string | undefined): HostDevice {
  return why === undefined || !device.healthy ? device : { ...device, healthy: false, reason: "Quarantined", message: why };
}
