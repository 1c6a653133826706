/** The processes of this host's tasks: starts, watches and ends them through the keeper, and remembers how they ended. */
import type { DeviceClaim, FlowTask } from "../api/kinds.js";
import type { TaskReport } from "../api/launch.js";
import type { Clock } from "../base/clock.js";
import { errorText } from "../base/errors.js";
import type { ExitRecord } from "../base/keeper-protocol.js";
import { readEnvironment } from "../base/process-identity.js";
import { type Environment, taskEnvironment, wrongDeviceVariables } from "./environment.js";
import { describeExit, type KillReason, kindOfExit, type ProcessEnd, type StopReason } from "./exit.js";
import type { KeeperClient } from "./keeper-client.js";
import { desiredLaunch, readReport, type TaskLaunch } from "./launch.js";
import { type LiveProcess, NEW_RECORD, type TaskRecord } from "./observed.js";
import { type Death, giveBack } from "./restart.js";
import type { RunMemories } from "./run-memories.js";
import type { TaskFiles } from "./task-files.js";

/** Deaths that are remembered per task; the budget never asks for more. */
const MAX_DEATHS = 1_000;
/** Between SIGTERM and SIGKILL for a task that could not be asked. */
const SIGTERM_GRACE_MS = 5_000;

export interface TaskProcessesOptions {
  readonly keeper: KeeperClient;
  readonly clock: Clock;
  readonly files: TaskFiles;
  readonly memories: RunMemories;
  readonly workerCommand: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly deviceEnvironment: (devices: readonly string[]) => Environment;
  readonly logLevel: TaskLaunch["logLevel"];
  readonly chance: () => number;
  readonly note: (subject: string, what: string, message: string) => void;
  readonly changed: () => void;
}

/** What the agent keeps of a live process beside the {@link LiveProcess} that decisions see. */
interface Detail {
  readonly task: FlowTask;
  readonly id: string;
  readonly deviceEnvironment: Environment;
  readonly committedBefore: number;
}

export class TaskProcesses {
  readonly #options: TaskProcessesOptions;
  readonly #records = new Map<string, TaskRecord>();
  /** By task uid, while the process lives. */
  readonly #details = new Map<string, Detail>();

  constructor(options: TaskProcessesOptions) {
    this.#options = options;
  }

  get records(): ReadonlyMap<string, TaskRecord> {
    return this.#records;
  }

  get live(): boolean {
    return this.#details.size > 0;
  }

  /** Some process has not reported yet. */
  get starting(): boolean {
    return [...this.#details.keys()].some((uid) => this.#records.get(uid)?.process?.report === undefined);
  }

  /** Starts a process behind its gate; the record has it before the keeper is asked, so no second one can follow. */
  spawn(task: FlowTask, claim: DeviceClaim | undefined): void {
    const { uid, name } = task.metadata;
    const record = this.#records.get(uid) ?? NEW_RECORD;
    const incarnation = record.incarnations;
    const devices = claim?.status?.allocation?.devices ?? [];
    const deviceEnvironment = this.#options.deviceEnvironment(devices);
    const committedBefore = this.#options.memories.statsOf(task)?.committed ?? 0;
    const detail = { task, id: `${uid}.${incarnation}`, deviceEnvironment, committedBefore };
    this.#options.memories.clearRetire(task);
    this.#details.set(uid, detail);
    this.#records.set(uid, started(record, task.spec.templateHash));
    if (incarnation === 0) this.#options.note(name, "Spawned", "first start");
    else if (record.lastExit?.kind === "retired") this.#options.note(name, "Replacing", "its template changed");
    else this.#options.note(name, "Restarting", `restart ${incarnation}, after ${endText(record)}`);
    void this.#ask(detail, incarnation, devices);
  }

  async #ask(detail: Detail, incarnation: number, devices: readonly string[]): Promise<void> {
    const { uid } = detail.task.metadata;
    try {
      const identity = await this.#options.keeper.spawnTask(this.#request(detail, incarnation, devices));
      const wrong = wrongDeviceVariables(readEnvironment(identity.pid), detail.deviceEnvironment);
      this.#update(uid, { identity, ...(wrong.length === 0 ? {} : { wrongVariables: wrong }) });
    } catch (error) {
      this.#details.delete(uid);
      const { process: _none, ...record } = this.#records.get(uid) ?? NEW_RECORD;
      this.#records.set(uid, { ...record, spawnProblem: errorText(error) });
    }
    this.#options.changed();
  }

  #request(detail: Detail, incarnation: number, devices: readonly string[]) {
    const { memories, files, env, logLevel, workerCommand } = this.#options;
    const { task, id } = detail;
    const { run, node, index } = task.spec;
    const memoryDir = memories.dirOf(run);
    const plan = memories.planOf(run);
    if (plan === undefined) throw new TypeError(`run ${run} has no memory`);
    const launch = desiredLaunch(task, {
      memoryDir,
      plan,
      reportFile: files.reportFile(task),
      deadLettersDir: files.deadLettersDir(task.spec.flow),
      devices,
      incarnation,
      logLevel,
    });
    return {
      id,
      command: [...workerCommand, files.prepare(task, launch)],
      env: taskEnvironment(task.spec, env, detail.deviceEnvironment),
      cwd: task.spec.workingDir ?? task.spec.root ?? process.cwd(),
      logFile: files.logFile(task),
      memory: { dir: memoryDir, node, taskIndex: index },
    };
  }

  go(uid: string): void {
    this.#update(uid, { startedAtMs: this.#options.clock.nowMs() });
    this.#tell(uid, (id) => this.#options.keeper.go(id));
  }

  /** The task takes no further input, commits what it has in hand, and ends. */
  retire(uid: string): void {
    const detail = this.#details.get(uid);
    if (detail === undefined) return;
    this.#update(uid, { retireAskedAtMs: this.#options.clock.nowMs() });
    if (!this.#options.memories.requestRetire(detail.task)) this.stop(uid, SIGTERM_GRACE_MS, "Replaced");
  }

  stop(uid: string, graceMs: number, why: StopReason): void {
    this.#update(uid, { stopped: why });
    this.#tell(uid, (id) => this.#options.keeper.stop(id, graceMs));
  }

  kill(uid: string, why: KillReason): void {
    this.#update(uid, { killed: why });
    this.#tell(uid, (id) => this.#options.keeper.kill(id));
  }

  forget(uid: string): void {
    this.#records.delete(uid);
  }

  /** Reads reports, statistics and environments of the live processes. */
  refresh(): void {
    for (const [uid, detail] of this.#details) {
      const live = this.#records.get(uid)?.process;
      if (live?.startedAtMs === undefined) continue;
      this.#readReport(uid, detail, live);
      const stats = this.#options.memories.statsOf(detail.task);
      if (stats !== undefined) this.#update(uid, { stats });
      this.#options.files.rotateLog(detail.task);
    }
  }

  #readReport(uid: string, { task, deviceEnvironment }: Detail, live: LiveProcess): void {
    const report = readReport(this.#options.files.reportFile(task));
    if (report === undefined) return;
    if (live.report === undefined && report.phase === "ready") this.#verify(uid, live, deviceEnvironment);
    this.#update(uid, { report });
    if (report.phase === "ready") this.#rememberTemplate(uid, live.templateHash);
    this.#rememberProvider(uid, report);
    this.#rememberLoss(uid, report);
  }

  /** D4: the environment of the program itself, not of its gate, lists exactly the claim. */
  #verify(uid: string, { identity }: LiveProcess, devices: Environment): void {
    const environment = identity === undefined ? undefined : readEnvironment(identity.pid);
    const wrong = wrongDeviceVariables(environment, devices);
    if (wrong.length > 0) this.#update(uid, { wrongVariables: wrong });
  }

  #rememberProvider(uid: string, { provider, reason, fix }: TaskReport): void {
    const record = this.#records.get(uid);
    if (record === undefined || provider === undefined) return;
    const { providerReason: _old, ...rest } = record;
    const why = [reason, fix].filter(Boolean).join(": ");
    this.#records.set(uid, { ...rest, provider, ...(why === "" ? {} : { providerReason: why }) });
  }

  #rememberTemplate(uid: string, readyTemplate: string): void {
    const record = this.#records.get(uid);
    if (record !== undefined && record.readyTemplate !== readyTemplate) this.#records.set(uid, { ...record, readyTemplate });
  }

  #rememberLoss(uid: string, { stateLost }: TaskReport): void {
    const record = this.#records.get(uid);
    if (record !== undefined && stateLost !== undefined) this.#records.set(uid, { ...record, stateLost });
  }

  /** Takes note of an end that the keeper told. */
  ended(exit: ExitRecord): void {
    const found = [...this.#details].find(([, detail]) => detail.id === exit.id);
    if (found === undefined) return;
    const [uid, detail] = found;
    this.#finish(uid, detail, exit, exit.treeDead);
  }

  /** The keeper is gone, and every process with it. */
  loseAll(): void {
    for (const [uid, detail] of [...this.#details]) {
      this.#update(uid, { killed: "KeeperLost" });
      this.#finish(uid, detail, { code: null, signal: "SIGKILL" }, true);
    }
  }

  #finish(uid: string, detail: Detail, end: ProcessEnd, treeDead: boolean): void {
    const record = this.#records.get(uid) ?? NEW_RECORD;
    const { process: live, ...rest } = record;
    const killed = live?.killed ?? live?.stopped ?? (live?.retireAskedAtMs === undefined ? undefined : "Replaced");
    const { files, note } = this.#options;
    const report = readReport(files.reportFile(detail.task));
    const kind = kindOfExit(end, killed === "Stopped" && end.code === 0 ? undefined : killed);
    const lines = kind === "finished" || kind === "retired" ? "" : files.lastLines(detail.task);
    const buried = files.buried(detail.task);
    const reason = kind === "finished" && buried.size > 0 ? { reason: "CompletedWithDeadLetters" } : {};
    const lastExit = { ...describeExit(end, killed, report, lines), ...reason, kind, treeDead };
    const ordered = killed === "Stopped" || killed === "Deleted" || killed === "Replaced";
    const earlier = giveBack(rest.deaths, buried);
    const deaths = ordered ? earlier : [...earlier, this.#death(detail, live)].slice(-MAX_DEATHS);
    this.#details.delete(uid);
    this.#records.set(uid, { ...rest, deaths, lastExit });
    if (report !== undefined) this.#rememberProvider(uid, report);
    note(detail.task.metadata.name, "Exited", end.signal ?? `code ${end.code}`);
  }

  #death({ task, committedBefore }: Detail, live: LiveProcess | undefined): Death {
    const { clock, chance, memories } = this.#options;
    const atMs = clock.nowMs();
    const { committed = 0, lastInHand } = memories.statsOf(task) ?? {};
    const position = lastInHand === undefined ? {} : { position: lastInHand };
    return { atMs, ranMs: atMs - (live?.startedAtMs ?? atMs), progressed: committed > committedBefore, chance: chance(), ...position };
  }

  #update(uid: string, change: Partial<LiveProcess>): void {
    const record = this.#records.get(uid);
    if (record?.process !== undefined) this.#records.set(uid, { ...record, process: { ...record.process, ...change } });
  }

  #tell(uid: string, act: (id: string) => void): void {
    const detail = this.#details.get(uid);
    if (detail !== undefined) act(detail.id);
  }
}

/** A template that is new pays nothing for the deaths of the one before. */
function started(record: TaskRecord, templateHash: string): TaskRecord {
  const deaths = record.templateHash === templateHash ? record.deaths : [];
  const { incarnations } = record;
  return { ...record, deaths, templateHash, incarnations: incarnations + 1, process: { incarnation: incarnations, templateHash } };
}

/** How the process before ended, in a few words. */
function endText({ lastExit }: TaskRecord): string {
  const { signal, code, message } = lastExit ?? {};
  return [signal ?? `exit code ${code}`, message?.split("\n").at(-1)].filter(Boolean).join(": ");
}
