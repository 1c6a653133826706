/** `videoflow run` and `flow.run()`: controller, agent and store in this process, for one flow, to its end. */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Agent, type AgentNote } from "../agent/agent.js";
import type { KeeperClient } from "../agent/keeper-client.js";
import { chooseShmBase } from "../agent/shm-base.js";
import { logsOf } from "../agent/task-files.js";
import { type LogLines, LogReader } from "../agent/task-logs.js";
import type { Condition, FlowTask, VideoFlow } from "../api/kinds.js";
import { REFUSALS } from "../api/refusal.js";
import type { FlowSnapshot } from "../api/snapshot.js";
import { REAL_CLOCK } from "../base/clock.js";
import { errorText, OperatorError } from "../base/errors.js";
import { KEEPER_MARKER } from "../base/keeper-protocol.js";
import { Prng } from "../base/prng.js";
import { identityOf, type ProcessIdentity, readEnvironment } from "../base/process-identity.js";
import type { FlowDocument, RunOptions, RunResult } from "../cli/world.js";
import { describeBuiltIn } from "../components/descriptors.js";
import { createFlowController } from "../controller/flow/flow-controller.js";
import type { Controller } from "../controller/runtime/controller.js";
import { REAL_SCHEDULER } from "../controller/runtime/scheduler.js";
import { DeviceHolds, holdsFolder } from "../devices/holds.js";
import { deviceProvider } from "../devices/inventory.js";
import type { DeviceInventory } from "../devices/provider.js";
import { DeviceUnavailableError } from "../flow/unavailable.js";
import { EmbeddedStore } from "../store/embedded/embedded-store.js";
import { NewLetters } from "./dead-letters.js";
import { flowSnapshot, outputFiles } from "./flow-snapshot.js";
import { foregroundRules } from "./host-rules.js";
import { Interrupts } from "./interrupts.js";
import { programPath, takeKeeper } from "./keeper-process.js";
import { makeStateDir } from "./state-dir.js";

const SNAPSHOT_MS = 200;

/** Runs a flow to its end. @throws DeviceUnavailableError, OperatorError FLOW_INVALID: nothing was started. */
export async function runForeground(document: FlowDocument, options: RunOptions): Promise<RunResult> {
  const run = await Foreground.start(document, options);
  return run.finished;
}

/** One flow in the foreground of this process. */
export class Foreground {
  /** Resolves when the flow was admitted. */
  readonly admitted: Promise<void>;
  readonly finished: Promise<RunResult>;
  readonly #options: RunOptions;
  readonly #store: EmbeddedStore;
  readonly #keeper: KeeperClient;
  readonly #stateDir: string;
  /** Goes with the run, or with the keeper after `kill -9`: launch files hold parameters, and those may hold secrets. */
  readonly #temporaryDir = mkdtempSync(join(tmpdir(), "videoflow-"));
  readonly #outputs: readonly string[];
  readonly #deadLettersDir: string;
  readonly #letters: NewLetters;
  readonly #startMs = REAL_CLOCK.nowMs();
  readonly #startedAt = REAL_CLOCK.wallMs();
  readonly #tasks = new Map<string, FlowTask>();
  readonly #logs: LogReader;
  readonly #interrupts: Interrupts;
  #agent: Agent | undefined;
  #holds: DeviceHolds | undefined;
  #isAdmitted = false;
  #controller: Controller | undefined;
  #flow: VideoFlow;
  #interrupted: "drained" | "killed" | undefined;
  #admit!: (error?: Error) => void;
  #finish!: (problem?: unknown) => void;
  #ending: Promise<void>;
  #closing: Promise<void> | undefined;

  private constructor(flow: VideoFlow, store: EmbeddedStore, keeper: KeeperClient, options: RunOptions) {
    this.#flow = flow;
    this.#store = store;
    this.#keeper = keeper;
    this.#options = options;
    this.#stateDir = options.stateDir === undefined ? this.#temporaryDir : options.stateDir;
    keeper.own(this.#temporaryDir);
    const { name } = flow.metadata;
    this.#logs = new LogReader({ dir: logsOf(this.#stateDir, flow.metadata), isWanted: (task) => task.startsWith(`${name}.`), tail: 0 });
    this.#outputs = outputFiles(flow.spec.nodes, describeBuiltIn);
    this.#deadLettersDir = resolve(options.deadLettersDir ?? `${flow.metadata.name}.dead-letters`);
    this.#letters = new NewLetters(this.#deadLettersDir);
    this.admitted = new Promise((accept, refuse) => {
      this.#admit = (error) => (error === undefined ? accept() : refuse(error));
    });
    this.admitted.catch(() => {}); // Who waits for it hears of it; `finished` rejects as well.
    this.#ending = new Promise((done, fail) => {
      this.#finish = (problem) => (problem === undefined ? done() : fail(problem));
    });
    this.#interrupts = new Interrupts({ drain: () => this.#interrupt(), kill: () => this.#killAll() });
    this.finished = this.#watchToTheEnd();
    this.finished.catch(() => {});
  }

  /** Stores the flow and starts everything that makes it true. */
  static async start(document: FlowDocument, options: RunOptions): Promise<Foreground> {
    const shm = chooseShmBase(options.shmDir, process.env);
    if (shm.warning !== undefined) options.onNotice(`warning: ${shm.warning}`);
    const own = options.stateDir === undefined ? {} : { stateDir: makeStateDir(options.stateDir) };
    const keeper = takeKeeper();
    const store = await EmbeddedStore.open();
    const run = new Foreground(await store.create(document), store, keeper, { ...options, ...own });
    try {
      await run.#startLoops(shm.dir);
    } catch (error) {
      run.#finish(error);
      await run.#close();
      throw error;
    }
    return run;
  }

  /** Ends the producers, drains what is in flight. */
  async stop(): Promise<void> {
    await this.#setStopped();
    await this.finished;
  }

  async #startLoops(shmBase: string): Promise<void> {
    const { devicesFile, allowBusy = false } = this.#options;
    if (this.#flow.spec.onAgentLoss === "Keep")
      this.#options.onNotice("onAgentLoss: Keep is for videoflow agent; the tasks of a run end with it");
    const visible = process.env["CUDA_VISIBLE_DEVICES"];
    const provider = deviceProvider({
      ...(devicesFile === undefined ? {} : { file: devicesFile }),
      allowBusy,
      ...(visible === undefined ? {} : { visible }),
      isOwnProcess: (pid) => readEnvironment(pid)?.get(KEEPER_MARKER) === this.#keeper.keeperId,
    });
    this.#controller = createFlowController({
      store: this.#store,
      clock: REAL_CLOCK,
      scheduler: REAL_SCHEDULER,
      prng: new Prng(process.pid),
      describe: describeBuiltIn,
      defaultAdmission: "Fail",
      onError: (flow, problem) => this.#options.onNotice(`controller: ${flow}: ${problem}`),
    });
    if (wishesGpu(this.#flow)) this.#holds = await this.#enterHolds();
    this.#agent = await Agent.start({
      store: this.#store,
      hostName: hostname(),
      keeper: this.#keeper,
      clock: REAL_CLOCK,
      stateDir: this.#stateDir,
      runtimeDir: join(this.#temporaryDir, "run"),
      deadLettersDir: () => this.#deadLettersDir,
      shmBase,
      outputsOf: (members) => outputFiles(members, describeBuiltIn),
      workerCommand: [process.execPath, programPath("worker")],
      inventory: async () => this.#withoutHeld(await provider.list()),
      rules: foregroundRules(hostname()),
      onNote: (note) => this.#tell(note),
    });
    this.#controller.start();
  }

  /** Other runs have stores of their own: what they hold is known by files that name the holder. */
  async #enterHolds(): Promise<DeviceHolds> {
    await this.#keeper.ready;
    const holds = new DeviceHolds(
      holdsFolder(process.env),
      `flow ${this.#flow.metadata.name}`,
      identityOf(this.#keeper.pid ?? 0) as ProcessIdentity,
    );
    await holds.enter(REAL_CLOCK.nowMs);
    return holds;
  }

  #withoutHeld(inventory: DeviceInventory): DeviceInventory {
    return this.#holds === undefined ? inventory : { ...inventory, devices: this.#holds.mark(inventory.devices) };
  }

  async #watchToTheEnd(): Promise<RunResult> {
    const unwatchTasks = this.#store.watch("FlowTask", ({ type, object }) => {
      if (type !== "Deleted") this.#tasks.set(object.metadata.name, object);
    });
    const unwatch = this.#store.watch("VideoFlow", ({ object }) => this.#see(object));
    this.#tellPrinted(this.#logs.read()); // What earlier runs have left is passed over.
    const timer = setInterval(() => {
      this.#tellPrinted(this.#logs.read());
      this.#options.onSnapshot(this.snapshot());
    }, SNAPSHOT_MS);
    const isOver = this.#ending.finally(() => {
      clearInterval(timer);
      unwatch();
      unwatchTasks();
    });
    try {
      await isOver;
      return await this.#conclude();
    } finally {
      await this.#close(); // Whatever failed: with its keeper and loops this process would never end.
    }
  }

  async #conclude(): Promise<RunResult> {
    const snapshot = { ...this.snapshot(), outputs: this.#outputs.filter((path) => isNewer(path, this.#startedAt)) };
    for (const lines of [this.#logs.read(), this.#logs.rest()]) this.#tellPrinted(lines);
    const deadLetters = this.#letters.text();
    await this.#close();
    const refusal = refusalOf(this.#flow);
    if (refusal !== undefined) throw refusal;
    const { reason = "", message = "" } = this.#flow.status ?? {};
    if (deadLetters !== undefined) this.#options.onNotice(deadLetters);
    return { snapshot, reason, message, ...(this.#interrupted === undefined ? {} : { interrupted: this.#interrupted }) };
  }

  snapshot(): FlowSnapshot {
    return flowSnapshot({
      flow: this.#flow,
      tasks: [...this.#tasks.values()],
      observation: this.#agent?.observe(this.#flow.metadata),
      elapsedMs: REAL_CLOCK.nowMs() - this.#startMs,
      outputs: this.#outputs,
    });
  }

  #see(flow: VideoFlow): void {
    this.#flow = flow;
    const refusal = refusalOf(flow);
    if (refusal !== undefined) this.#admit(refusal);
    else if (conditionOf(flow, "Admitted")?.status === "True") this.#acceptAdmission(flow);
    if (["Succeeded", "Failed", "Stopped"].includes(flow.status?.state ?? "")) this.#finish();
  }

  #acceptAdmission({ status }: VideoFlow): void {
    if (this.#isAdmitted) return;
    this.#isAdmitted = true;
    try {
      this.#holds?.hold(status?.decisions?.flatMap(({ devices }) => devices) ?? []);
    } catch (error) {
      const problem = new OperatorError("DEVICES_NOT_HELD", { problem: errorText(error) }, { cause: error });
      this.#admit(problem);
      return this.#finish(problem);
    }
    this.#admit();
  }

  #tell({ subject, what, message }: AgentNote): void {
    if (["Restarting", "Backoff", "Failed", "Error"].includes(what)) this.#options.onNotice(`${subject}: ${what}: ${message}`);
  }

  #tellPrinted(lines: Iterable<LogLines>): void {
    const { onPrinted } = this.#options;
    if (onPrinted === undefined) return;
    for (const { task, text } of lines) onPrinted(task.slice(this.#flow.metadata.name.length + 1), text);
  }

  #interrupt(): void {
    this.#interrupted = "drained";
    this.#options.onNotice("interrupted: finishing what is in flight; once more to kill");
    void this.#setStopped();
  }

  /** Every task dies with the keeper. */
  #killAll(): void {
    this.#interrupted = "killed";
    this.#finish();
  }

  async #setStopped(): Promise<void> {
    for (;;) {
      const { namespace, name } = this.#flow.metadata;
      const flow = await this.#store.get({ kind: "VideoFlow", namespace, name });
      if (flow === undefined || flow.spec.desiredState === "Stopped") return;
      try {
        await this.#store.update<"VideoFlow">({ ...flow, spec: { ...flow.spec, desiredState: "Stopped" } });
        return;
      } catch (error) {
        if (!(error instanceof OperatorError) || error.code !== "STORE_CONFLICT") throw error;
      }
    }
  }

  #close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #closeAll(): Promise<void> {
    this.#interrupts.close();
    await this.#controller?.stop();
    await this.#agent?.stop();
    await this.#keeper.close();
    this.#holds?.release();
    await this.#store.close();
    rmSync(this.#temporaryDir, { recursive: true, force: true });
  }
}

/** Whether a file is there and was written since then; file times may lag by a tick. What we may not look at was not written by us. */
function isNewer(path: string, sinceMs: number): boolean {
  try {
    return statSync(path).mtimeMs >= sinceMs - 1_000;
  } catch {
    return false;
  }
}

function wishesGpu({ spec }: VideoFlow): boolean {
  return spec.nodes.some(({ deviceType, device }) => deviceType === "GPU" || device?.required === true);
}

function conditionOf({ status }: VideoFlow, type: string): Condition | undefined {
  return status?.conditions?.find((condition) => condition.type === type);
}

/** Why nothing was started; undefined if something was, or may be. */
function refusalOf(flow: VideoFlow): Error | undefined {
  const { name } = flow.metadata;
  const accepted = conditionOf(flow, "Accepted");
  if (accepted?.status === "False") return new OperatorError("FLOW_INVALID", { flow: name, problems: accepted.message.split("\n") });
  const admitted = conditionOf(flow, "Admitted");
  if (flow.status?.state !== "Failed" || admitted?.status !== "False") return undefined;
  if (admitted.reason === "SharedMemoryUnavailable")
    return new OperatorError("MEMORY_UNAVAILABLE", { flow: name, detail: admitted.message });
  if (Object.hasOwn(REFUSALS, admitted.reason)) return new OperatorError("FLOW_REFUSED", { flow: name, problem: admitted.message });
  return new DeviceUnavailableError(name, admitted.message);
}
