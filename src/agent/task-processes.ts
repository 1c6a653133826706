/** The processes of this host's tasks: starts, watches and ends them through the keeper, and remembers how they ended. */
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import type { DeviceClaim, FlowTask } from "../api/kinds.js";
import { FINAL_CODES, type TaskReport } from "../api/launch.js";
import { type Refusal, RefusedError, type SettledTask, type TaskRules } from "../api/refusal.js";
import { bootTimeMs, type Clock } from "../base/clock.js";
import { crashPoint } from "../base/crash-point.js";
import { errorText, OperatorError } from "../base/errors.js";
import { hider } from "../base/hide.js";
import { type ExitRecord, INCARNATION_MARKER, type KeptTask } from "../base/keeper-protocol.js";
import { isAlive, readBootId, readEnvironment, readStat } from "../base/process-identity.js";
import type { UserNumbers } from "../base/task-user.js";
import { namesOf } from "../devices/environment.js";
import { isOutOfMemory, memoryHolders } from "../devices/out-of-memory.js";
import { planHash } from "../transport/plan-hash.js";
import type { TaskStats } from "../transport/port.js";
import { type Environment, taskEnvironment, wrongDeviceVariables } from "./environment.js";
import {
  describeExit,
  endLine,
  fitted,
  type KillReason,
  kindOfExit,
  type LastExit,
  logBeside,
  type ProcessEnd,
  type StopReason,
} from "./exit.js";
import type { KeeperClient } from "./keeper-client.js";
import { desiredLaunch, readReport, type TaskLaunch } from "./launch.js";
import { type LiveProcess, NEW_RECORD, restartsOf, type TaskRecord } from "./observed.js";
import type { HostInventory, Survival } from "./options.js";
import { mayProgress } from "./reconcile-task.js";
import { lasting, type SavedTask } from "./record-journal.js";
import { type Death, giveBack } from "./restart.js";
import type { RunMemories } from "./run-memories.js";
import type { TaskFiles } from "./task-files.js";
import { Undead } from "./undead.js";

/** State of a process that a signal such as SIGSTOP holds. */
const STOPPED = "T";
/** Deaths that are remembered per task; the budget never asks for more. */
const MAX_DEATHS = 1_000;
/** How often the files of tasks that are ready are looked at, however often something changes on this host. */
const FILES_MS = 900;

/** What a machine may lack for a while. */
const PASSING = /\b(ENOSPC|EDQUOT|EAGAIN|ENOMEM|EMFILE|ENFILE)\b/;
const SPAWN_RETRY_MS = 1_000;

export interface TaskProcessesOptions {
  readonly keeper: () => KeeperClient;
  readonly survival: Survival | undefined;
  readonly clock: Clock;
  readonly files: TaskFiles;
  readonly memories: RunMemories;
  readonly workerCommand: readonly string[];
  /** Absent: tasks run as the user of the agent. */
  readonly taskUser: UserNumbers | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly deviceEnvironment: (devices: readonly string[]) => Environment;
  readonly logLevel: TaskLaunch["logLevel"];
  readonly chance: () => number;
  /** When the host's Lease was last renewed, on {@link bootTimeMs}; absent: it has none, and nothing can be fenced. */
  readonly renewedAtMs?: () => number | undefined;
  /** Told when processes come and go that are killed some time after the last renewal: the shortest of these times. */
  readonly onFences?: (fenceMs: number | undefined) => void;
  /** The machine's devices as they were seen last. */
  readonly inventory?: () => HostInventory | undefined;
  readonly rules: TaskRules | undefined;
  /** The rules refused a task that they had let pass. */
  readonly refused: (task: FlowTask, refusal: Refusal) => void;
  readonly note: (subject: string, what: string, message: string) => void;
  /** Told of what goes wrong and ends nothing; the same may be told again and again. */
  readonly complain: (error: unknown) => void;
  readonly changed: () => void;
}

/** What the agent keeps of a live process beside the {@link LiveProcess} that decisions see. */
interface Detail {
  readonly task: FlowTask;
  readonly id: string;
  readonly deviceEnvironment: Environment;
  /** Full UUIDs. */
  readonly devices?: readonly string[];
  readonly committedBefore: number;
  /** Takes values that must not be shown out of texts; known while the agent lives that started the process. */
  hide?: (text: string) => string;
  /** How the process before died, if it did by itself. */
  readonly lastDeath?: string;
}

export class TaskProcesses {
  readonly #options: TaskProcessesOptions;
  readonly #records = new Map<string, TaskRecord>();
  /** By task uid, while the process lives. */
  readonly #details = new Map<string, Detail>();
  #claimOf: (task: FlowTask) => DeviceClaim | undefined = () => undefined;

  readonly #undead = new Undead();
  #refreshedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: TaskProcessesOptions) {
    this.#options = options;
  }

  get records(): ReadonlyMap<string, TaskRecord> {
    return this.#records;
  }

  get live(): boolean {
    return this.#details.size > 0 || this.#undead.size > 0;
  }

  /** Devices that nobody may get although no task holds them any more, and why. @param isKnown whether a task is still in the store. */
  quarantined(isKnown: (uid: string) => boolean): Map<string, string> {
    const strangers = [...this.#details]
      .filter(([uid]) => !isKnown(uid))
      .flatMap(([, { task, devices = [] }]) =>
        devices.map((uuid): [string, string] => [uuid, `quarantined: a process of task ${task.metadata.name}, which is gone, still runs`]),
      );
    return new Map([...strangers, ...this.#undead.quarantined()]);
  }

  /** Runs of which a process lives. */
  get liveRuns(): ReadonlySet<string> {
    return new Set([...this.#details.values()].map(({ task }) => task.spec.run));
  }

  /** Processes that outlive this agent. */
  get keptTasks(): number {
    return [...this.#details.values()].filter(({ task }) => this.#keeps(task)).length;
  }

  /** Folders in which processes that have not reported yet will do so. */
  get awaitedReports(): ReadonlySet<string> {
    const starting = [...this.#details].filter(([uid]) => this.#records.get(uid)?.process?.report === undefined);
    return new Set(starting.map(([, { task }]) => dirname(this.#options.files.reportFile(task))));
  }

  /** Starts a process behind its gate; the record has it before the keeper is asked, so no second one can follow. */
  spawn(task: FlowTask, claim: DeviceClaim | undefined): void {
    crashPoint("agent.spawn.before");
    const { uid, name } = task.metadata;
    const record = this.#records.get(uid) ?? NEW_RECORD;
    const incarnation = record.incarnations;
    const devices = claim?.status?.allocation?.devices ?? [];
    const names = namesOf(devices, claim?.spec.identifiers, this.#options.inventory?.()?.devices ?? []);
    const deviceEnvironment = this.#options.deviceEnvironment(names);
    const committedBefore = this.#options.memories.statsOf(task)?.committed ?? 0;
    const lastDeath = deathOf(record);
    const detail = {
      ...{ task, id: `${uid}.${incarnation}`, deviceEnvironment, devices, committedBefore },
      ...(lastDeath === undefined ? {} : { lastDeath }),
    };
    this.#options.memories.clearRetire(task);
    this.#details.set(uid, detail);
    this.#records.set(uid, started(record, task.spec.templateHash));
    const { fenceSeconds } = task.spec;
    if (this.#options.renewedAtMs !== undefined && fenceSeconds !== undefined) {
      this.#update(uid, { fenceSeconds });
      this.#tellFences();
    }
    if (incarnation === 0) this.#options.note(name, "Spawned", "first start");
    else if (record.lastExit?.kind === "retired") this.#options.note(name, "Replacing", replacementText(record));
    else this.#options.note(name, "Restarting", `restart ${restartsOf(record) + 1}, after ${endLine(record.lastExit ?? {})}`);
    this.#saveSoon(uid);
    void this.#ask(detail, incarnation, devices, record.unrecovered === true);
  }

  async #ask(detail: Detail, incarnation: number, devices: readonly string[], unrecovered: boolean): Promise<void> {
    const { uid } = detail.task.metadata;
    try {
      const recovery = unrecovered ? ({ recoverFirst: true } as const) : {};
      const settled = (await this.#options.rules?.settle(detail.task)) ?? unsettled(detail.task);
      if (this.#details.get(uid) !== detail) return; // The keeper was lost meanwhile.
      if (this.#records.get(uid)?.process?.killed !== undefined) return this.#notAsked(uid);
      if (settled.values !== undefined) detail.hide = hider(settled.values.hidden);
      const answer = this.#options.keeper().spawnTask({ ...this.#request(detail, settled, incarnation, devices), ...recovery });
      crashPoint("agent.spawn.asked");
      const identity = await answer;
      crashPoint("agent.spawn.answered");
      const wrong = wrongDeviceVariables(readEnvironment(identity.pid), detail.deviceEnvironment);
      this.#update(uid, { identity, ...(wrong.length === 0 ? {} : { wrongVariables: wrong }) });
      this.#clearRecovery(uid);
    } catch (error) {
      if (this.#options.survival !== undefined && isKeeperLost(error)) return this.#askAgain(uid, detail);
      if (error instanceof RefusedError) {
        this.#options.refused(detail.task, error.refusal);
        return this.#notAsked(uid);
      }
      this.#details.delete(uid);
      const { process: _none, ...record } = this.#records.get(uid) ?? NEW_RECORD;
      const again = PASSING.test(errorText(error)) ? { spawnAgainAtMs: this.#options.clock.nowMs() + SPAWN_RETRY_MS } : {};
      this.#records.set(uid, { ...record, spawnProblem: errorText(error), ...again });
    }
    this.#saveSoon(uid);
    this.#options.changed();
  }

  /** The keeper was lost before it was asked or could answer; loseAll() may have run already, so nobody else would notice. */
  #askAgain(uid: string, detail: Detail): void {
    if (this.#details.get(uid) !== detail) return;
    this.#neverStarted(uid);
    this.#options.changed();
  }

  /** No keeper was asked for the process. */
  #notAsked(uid: string): void {
    this.#neverStarted(uid);
    this.#options.changed();
  }

  /** The keeper has brought the memory in order before it started the process. */
  #clearRecovery(uid: string): void {
    const { unrecovered: _done, ...record } = this.#records.get(uid) ?? NEW_RECORD;
    this.#records.set(uid, record);
  }

  #request(detail: Detail, settled: SettledTask, incarnation: number, devices: readonly string[]) {
    const { memories, files, env, logLevel, workerCommand, survival, taskUser } = this.#options;
    const { task, id } = detail;
    const { run, node, index } = task.spec;
    const memoryDir = memories.dirOf(run);
    const plan = memories.planOf(run);
    if (plan === undefined) throw new TypeError(`run ${run} has no memory`);
    const launch = desiredLaunch(task, settled, {
      memoryDir,
      plan,
      planHash: planHash(plan),
      reportFile: files.reportFile(task),
      deadLettersDir: files.deadLettersDir(task),
      devices,
      incarnation,
      logLevel,
      ...(detail.lastDeath === undefined ? {} : { lastDeath: detail.lastDeath }),
    });
    return {
      id,
      command: [...workerCommand, files.prepare(task, launch)],
      env: taskEnvironment(task.spec, settled.env, env, detail.deviceEnvironment),
      cwd: settled.workingDir ?? settled.root ?? process.cwd(),
      ...(settled.values === undefined ? {} : { input: JSON.stringify(settled.values) }),
      ...(taskUser === undefined ? {} : { user: numbersOf(taskUser) }),
      logFile: files.logFile(task),
      memory: { dir: memoryDir, node, taskIndex: index },
      ...(survival === undefined ? {} : { exitFile: join(survival.exitsDir, `${id}.json`) }),
      ...(mayPrepare(detail, settled) ? { next: `${task.metadata.uid}.${incarnation + 1}`, finalCodes: FINAL_CODES } : {}),
      ...(this.#keeps(task) ? ({ keep: true, tag: task.spec.templateHash } as const) : {}),
    };
  }

  /** Whether the process outlives its agent. */
  #keeps(task: FlowTask): boolean {
    return this.#options.survival !== undefined && task.spec.onAgentLoss !== "Terminate";
  }

  /** Opens the gate, once it is on disk that it will be. @throws Error if that cannot be written: the gate stays shut. */
  async go(uid: string): Promise<void> {
    crashPoint("agent.go.before");
    this.#update(uid, { startedAtMs: this.#options.clock.nowMs() });
    try {
      await this.#save(uid);
    } catch (error) {
      this.#shutAgain(uid);
      throw error;
    }
    crashPoint("agent.go.recorded");
    this.#fenceBefore(uid);
    this.#tell(uid, (id) => this.#options.keeper().go(id));
    crashPoint("agent.go.after");
  }

  #shutAgain(uid: string): void {
    const record = this.#records.get(uid);
    if (record?.process === undefined) return;
    const { startedAtMs: _never, ...live } = record.process;
    this.#records.set(uid, { ...record, process: live });
  }

  /** The task takes no further input, commits what it has in hand, and ends. */
  retire(uid: string): void {
    const detail = this.#details.get(uid);
    if (detail === undefined) return;
    this.#update(uid, { retireAskedAtMs: this.#options.clock.nowMs() });
    this.#saveSoon(uid);
    this.#options.memories.requestRetire(detail.task);
  }

  stop(uid: string, graceMs: number, why: StopReason): void {
    this.#update(uid, { stopped: why });
    this.#saveSoon(uid);
    crashPoint("agent.kill.before");
    this.#tell(uid, (id) => this.#options.keeper().stop(id, graceMs));
    crashPoint("agent.kill.after");
  }

  kill(uid: string, why: KillReason): void {
    this.#update(uid, { killed: why });
    this.#saveSoon(uid);
    this.#tell(uid, (id) => this.#options.keeper().kill(id));
  }

  forget(uid: string): void {
    this.#records.delete(uid);
    void this.#options.survival?.journal.removeTask(uid).catch(() => {}); // Lost: forgotten again by the next agent.
  }

  /** The keeper must know when to kill what it lets run. @throws Error while the Lease is not renewed: the gate stays shut. */
  #fenceBefore(uid: string): void {
    const detail = this.#details.get(uid);
    const fenceSeconds = this.#records.get(uid)?.process?.fenceSeconds;
    if (detail === undefined || fenceSeconds === undefined) return;
    const renewedAtMs = this.#options.renewedAtMs?.();
    if (renewedAtMs === undefined || renewedAtMs + fenceSeconds * 1_000 <= bootTimeMs()) {
      this.#shutAgain(uid);
      throw new OperatorError("LEASE_EXPIRED", { task: detail.task.metadata.name });
    }
    this.#options.keeper().fence({ [detail.id]: renewedAtMs + fenceSeconds * 1_000 });
  }

  /** The Lease was renewed: what is fenced lives on for so long. */
  refence(renewedAtMs: number): void {
    const deadlines: Record<string, number> = {};
    for (const [uid, { id }] of this.#details) {
      const live = this.#records.get(uid)?.process;
      if (live?.fenceSeconds !== undefined && live.startedAtMs !== undefined) deadlines[id] = renewedAtMs + live.fenceSeconds * 1_000;
    }
    if (Object.keys(deadlines).length > 0) this.#options.keeper().fence(deadlines);
    this.#tellFences();
  }

  #tellFences(): void {
    const fences = [...this.#details.keys()].flatMap((uid) => this.#records.get(uid)?.process?.fenceSeconds ?? []);
    this.#options.onFences?.(fences.length === 0 ? undefined : Math.min(...fences) * 1_000);
  }

  /** Reads reports, statistics and environments of the live processes. */
  refresh(): void {
    for (const uid of this.#undead.proved()) this.#proveDead(uid);
    const nowMs = this.#options.clock.nowMs();
    const isDue = nowMs - this.#refreshedAtMs >= FILES_MS;
    if (isDue) this.#refreshedAtMs = nowMs;
    for (const [uid, detail] of this.#details) {
      const live = this.#records.get(uid)?.process;
      if (live?.startedAtMs !== undefined) this.#refreshOne(uid, detail, live, isDue);
    }
  }

  #refreshOne(uid: string, detail: Detail, live: LiveProcess, isDue: boolean): void {
    const { memories, files, clock, complain } = this.#options;
    if (isDue || live.report?.phase !== "ready") this.#readReport(uid, detail, live);
    const stats = memories.statsOf(detail.task);
    if (stats !== undefined) this.#update(uid, { stats, ...this.#idleAt(live, stats) });
    if (isDue && detail.task.spec.progressDeadlineSeconds !== undefined) this.#lookWhetherStopped(uid, live, clock.nowMs());
    try {
      if (isDue) files.noteTime(detail.task);
      if (isDue) files.rotateLog(detail.task);
    } catch (error) {
      complain(new Error(`the log of ${detail.task.metadata.name} cannot be looked after: ${errorText(error)}`)); // It grows meanwhile.
    }
  }

  /** The first look counts as idle too: what was before it is not known. */
  #idleAt(live: LiveProcess, stats: TaskStats): Pick<LiveProcess, "idleSeenAtMs"> {
    return live.stats === undefined || !mayProgress(stats) ? { idleSeenAtMs: this.#options.clock.nowMs() } : {};
  }

  /** A debugger that holds it is not meant: the kernel calls that something else. */
  #lookWhetherStopped(uid: string, { identity, stoppedSinceMs }: LiveProcess, nowMs: number): void {
    const isStopped = identity !== undefined && readStat(identity.pid)?.state === STOPPED;
    if (isStopped === (stoppedSinceMs !== undefined)) return;
    const record = this.#records.get(uid);
    if (record?.process === undefined) return;
    const { stoppedSinceMs: _before, ...live } = record.process;
    this.#records.set(uid, { ...record, process: isStopped ? { ...live, stoppedSinceMs: nowMs } : live });
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

  /** Takes note of an end that the keeper told. Its file goes when the note is on disk. */
  ended(exit: ExitRecord): void {
    const found = [...this.#details].find(([, detail]) => detail.id === exit.id);
    if (found !== undefined) {
      crashPoint("agent.exit.seen");
      const [uid, detail] = found;
      if (exit.fenced) this.#update(uid, { killed: "Fenced" });
      this.#finish(uid, detail, exit, exit.treeDead);
    }
    void this.#acknowledge(exit);
  }

  async #acknowledge({ id }: ExitRecord): Promise<void> {
    const { survival } = this.#options;
    if (survival === undefined) return;
    try {
      await this.#save(uidOf(id));
      crashPoint("agent.exit.recorded");
      rmSync(join(survival.exitsDir, `${id}.json`), { force: true });
      crashPoint("agent.exit.forgotten");
    } catch (error) {
      this.#options.note(id, "Error", `the end of the process cannot be recorded: ${errorText(error)}`); // The file stays.
    }
  }

  /** The keeper is gone, and every process with it. What it wrote down of ends that it could not tell any more comes first. */
  loseAll(): void {
    for (const exit of this.#unreadExits()) this.ended(exit);
    for (const [uid, detail] of [...this.#details]) this.#lose(uid, detail);
  }

  #lose(uid: string, detail: Detail): void {
    const record = this.#records.get(uid) ?? NEW_RECORD;
    if (this.#options.survival !== undefined && record.process?.startedAtMs === undefined) return this.#neverStarted(uid);
    this.#update(uid, { killed: "KeeperLost" });
    this.#finish(uid, detail, { code: null, signal: "SIGKILL" }, true);
    this.#saveSoon(uid);
  }

  /** Its gate never opened: as if it had not been spawned. */
  #neverStarted(uid: string): void {
    const { process: live, ...record } = this.#records.get(uid) ?? NEW_RECORD;
    this.#details.delete(uid);
    const known = { ...record, incarnations: live?.incarnation ?? record.incarnations };
    this.#records.set(uid, { ...known, restarts: restartsOf(record) - (isRestart(known) ? 1 : 0) });
    this.#saveSoon(uid);
  }

  /**
   * Takes up what an earlier agent has left: what it remembered, the processes that the keeper still has, the ends that nobody
   * has seen.
   *
   * @param kept of the keeper that answers now.
   * @param claimOf tells the claim of a task whose process no record mentions.
   * @returns the names of the tasks whose process runs on.
   */
  adopt(tasks: readonly FlowTask[], kept: readonly KeptTask[], claimOf: (task: FlowTask) => DeviceClaim | undefined): string[] {
    const { survival } = this.#options;
    if (survival === undefined) return [];
    this.#claimOf = claimOf;
    const saved = survival.journal.load().tasks;
    const byUid = new Map(tasks.map((task) => [task.metadata.uid, task]));
    for (const task of tasks) this.#records.set(task.metadata.uid, toldOf(task));
    for (const [uid, state] of saved) this.#records.set(uid, recordOf(state));
    const newest = newestOf(kept);
    for (const process of newest) this.#takeUp(process, byUid.get(uidOf(process.id)), saved.get(uidOf(process.id)));
    for (const { id } of kept) if (!newest.some((process) => process.id === id)) this.#options.keeper().kill(id);
    this.#takeUpEnds(byUid, saved);
    for (const [uid, record] of this.#records)
      if (record.process !== undefined && !this.#details.has(uid)) this.#neverSeenAgain(uid, byUid);
    return newest.filter(isStillThere).flatMap(({ id }) => byUid.get(uidOf(id))?.metadata.name ?? []);
  }

  #takeUp({ id, identity, startedAtMs, tag = "" }: KeptTask, task: FlowTask | undefined, saved: SavedTask | undefined): void {
    const uid = uidOf(id);
    if (task === undefined) return this.#options.keeper().kill(id); // Its object is gone, and nobody removes one whose process lives.
    const { startedAtMs: _told, ...known } = this.#presume(task, id, tag, saved);
    const fence = task.status?.fenceSeconds === undefined ? {} : { fenceSeconds: task.status.fenceSeconds };
    const live = { ...known, ...fence, identity, ...(startedAtMs === undefined ? {} : { startedAtMs }) };
    this.#records.set(uid, { ...(this.#records.get(uid) ?? NEW_RECORD), process: live });
  }

  /** Takes a process as the task's present one. @returns what is known of it. */
  #presume(task: FlowTask, id: string, tag: string, saved: SavedTask | undefined): LiveProcess {
    const { uid } = task.metadata;
    const incarnation = incarnationOf(id);
    const record = this.#records.get(uid) ?? NEW_RECORD;
    const live = record.process?.incarnation === incarnation ? record.process : { incarnation, templateHash: tag };
    const incarnations = Math.max(record.incarnations, incarnation + 1);
    this.#records.set(uid, { ...record, incarnations, templateHash: live.templateHash, process: live });
    const { committedBefore = 0 } = saved ?? {};
    const deviceEnvironment =
      saved?.deviceEnvironment ?? this.#options.deviceEnvironment(this.#claimOf(task)?.status?.allocation?.devices ?? []);
    this.#details.set(uid, { task, id, deviceEnvironment, committedBefore });
    return live;
  }

  #takeUpEnds(tasks: ReadonlyMap<string, FlowTask>, saved: ReadonlyMap<string, SavedTask>): void {
    for (const exit of this.#unreadExits()) {
      const uid = uidOf(exit.id);
      const task = tasks.get(uid);
      const record = this.#records.get(uid) ?? NEW_RECORD;
      const incarnation = incarnationOf(exit.id);
      const isNews = record.process?.incarnation === incarnation || record.incarnations <= incarnation;
      if (task !== undefined && isNews && !this.#details.has(uid)) {
        this.#presume(task, exit.id, record.templateHash ?? task.spec.templateHash, saved.get(uid));
      }
      this.ended(exit);
    }
  }

  /** Neither the keeper nor a file knows of the process: it was never started, or its keeper died with it. */
  #neverSeenAgain(uid: string, tasks: ReadonlyMap<string, FlowTask>): void {
    const task = tasks.get(uid);
    const live = this.#records.get(uid)?.process;
    if (task === undefined || live?.startedAtMs === undefined) return this.#neverStarted(uid);
    this.#lose(uid, { task, id: `${uid}.${live.incarnation}`, deviceEnvironment: {}, committedBefore: 0 });
  }

  /** What the keeper wrote down of ends, the oldest first. */
  #unreadExits(): ExitRecord[] {
    const { survival } = this.#options;
    const names = survival === undefined ? [] : readdirSync(survival.exitsDir).filter((name) => name.endsWith(".json"));
    const exits = names.flatMap((name) => readExit(join(survival?.exitsDir ?? "", name)) ?? []);
    return exits.toSorted((a, b) => a.atMs - b.atMs);
  }

  /** Resolves once the record is on disk. */
  async #save(uid: string): Promise<void> {
    const { survival, keeper } = this.#options;
    const record = this.#records.get(uid);
    if (survival === undefined || record === undefined) return;
    const { deviceEnvironment, committedBefore } = this.#details.get(uid) ?? {};
    await survival.journal.putTask(uid, {
      bootId: readBootId(),
      keeperId: keeper().keeperId,
      record: lasting(record),
      ...(deviceEnvironment === undefined ? {} : { deviceEnvironment }),
      ...(committedBefore === undefined ? {} : { committedBefore }),
    });
  }

  /** Where nothing depends on it: what is lost with it, the keeper knows too. */
  #saveSoon(uid: string): void {
    this.#save(uid).catch((error: unknown) => this.#options.note(uid, "Error", `the record cannot be written: ${errorText(error)}`));
  }

  #finish(uid: string, detail: Detail, end: ProcessEnd, treeDead: boolean): void {
    const record = this.#records.get(uid) ?? NEW_RECORD;
    const { process: live, ...rest } = record;
    const killed = live?.killed ?? live?.stopped ?? (live?.retireAskedAtMs === undefined ? undefined : "Replaced");
    const { files, note } = this.#options;
    const report = readReport(files.reportFile(detail.task));
    const lost = killed === "KeeperLost" && this.#options.survival !== undefined; // Another keeper will start it again.
    const kind = lost ? "crashed" : kindOfExit(end, killed === "Stopped" && end.code === 0 ? undefined : killed);
    const hide = detail.hide ?? ((text: string) => text);
    const lines = kind === "finished" || kind === "retired" ? "" : files.lastLines(detail.task);
    const buried = this.#buried(detail.task);
    const reason = kind === "finished" && buried.size > 0 ? { reason: "CompletedWithDeadLetters" } : {};
    const exit = describeExit(end, killed, report, lines);
    const described = this.#withMemory(detail, exit.message === undefined ? exit : { ...exit, message: hide(exit.message) });
    const log = logBeside(kind, report, hide(lines));
    const lastExit = { ...fitted(described), ...reason, kind, treeDead, ...(log === undefined ? {} : { log }) };
    if (!treeDead) this.#undead.add(uid, detail.id, detail.task.metadata.name, detail.devices ?? []);
    const ordered = killed === "Stopped" || killed === "Deleted" || killed === "Replaced" || killed === "Fenced" || lost;
    const earlier = giveBack(rest.deaths, buried);
    const deaths = ordered ? earlier : [...earlier, this.#death(detail, live)].slice(-MAX_DEATHS);
    this.#details.delete(uid);
    this.#records.set(uid, { ...rest, deaths, lastExit, ...(lost ? { unrecovered: true } : {}) });
    if (report !== undefined) {
      this.#rememberProvider(uid, report);
      this.#rememberLoss(uid, report);
    }
    note(detail.task.metadata.name, "Exited", end.signal ?? `code ${end.code}`);
  }

  /** Its end is dealt with, whatever became of the folder of its dead letters. */
  #buried(task: FlowTask): ReadonlySet<number> {
    try {
      return this.#options.files.buried(task);
    } catch (error) {
      this.#options.complain(new Error(`the dead letters of ${task.metadata.name} cannot be counted: ${errorText(error)}`));
      return new Set();
    }
  }

  /** A GPU that was full is said to have been, with who held it. */
  #withMemory({ devices = [] }: Detail, exit: LastExit): LastExit {
    if (devices.length === 0 || !isOutOfMemory(exit.message ?? "")) return exit;
    const taskOf = (pid: number) =>
      [...this.#details].find(([uid]) => this.#records.get(uid)?.process?.identity?.pid === pid)?.[1].task.metadata.name;
    const holders = memoryHolders(devices, this.#options.inventory?.()?.processes ?? [], taskOf);
    return { ...exit, reason: "GpuOutOfMemory", message: `${holders}\n${exit.message}` };
  }

  /** The last process of a task that could not be killed is gone after all. */
  #proveDead(uid: string): void {
    const record = this.#records.get(uid);
    if (record?.lastExit === undefined) return;
    this.#records.set(uid, { ...record, lastExit: { ...record.lastExit, treeDead: true } });
    this.#saveSoon(uid);
    this.#options.changed();
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

/**
 * Whether the gate of the next process may be there before it was decided that there will be one: not if it would show devices,
 * which may go to somebody else meanwhile, or get values that are read anew at each start.
 */
function mayPrepare({ task, devices = [] }: Detail, { values }: SettledTask): boolean {
  return task.spec.restart.policy !== "Never" && devices.length === 0 && values === undefined;
}

function numbersOf({ uid, gid, groups }: UserNumbers): UserNumbers {
  return { uid, gid, groups };
}

/** A task that no rules speak of. */
function unsettled({ spec }: FlowTask): SettledTask {
  const { members, env, workingDir, root } = spec;
  return {
    members,
    env: env.map(({ name, value = "" }) => ({ name, value })),
    ...(workingDir === undefined ? {} : { workingDir }),
    ...(root === undefined ? {} : { root }),
  };
}

/** A template that is new pays nothing for the deaths of the one before. */
function started(record: TaskRecord, templateHash: string): TaskRecord {
  const deaths = record.templateHash === templateHash ? record.deaths : [];
  const { incarnations, spawnProblem: _problem, spawnAgainAtMs: _atMs, ...known } = record;
  const restarts = restartsOf(record) + (isRestart(record) ? 1 : 0);
  return {
    ...known,
    deaths,
    templateHash,
    restarts,
    incarnations: incarnations + 1,
    process: { incarnation: incarnations, templateHash },
  };
}

/** Whether the next process takes the place of one that nobody had asked to make way. */
function isRestart({ incarnations, lastExit }: TaskRecord): boolean {
  return incarnations > 0 && lastExit?.kind !== "retired";
}

/** `<task uid>.<incarnation>` */
function uidOf(id: string): string {
  return id.slice(0, id.lastIndexOf("."));
}

function incarnationOf(id: string): number {
  return Number(id.slice(id.lastIndexOf(".") + 1));
}

/** What the object itself says of its process, should no record tell more. */
function toldOf({ status, spec }: FlowTask): TaskRecord {
  if (status?.pid === undefined) return NEW_RECORD;
  const incarnation = status.restarts ?? 0;
  const templateHash = status.templateHash ?? spec.templateHash;
  return { ...NEW_RECORD, incarnations: incarnation + 1, templateHash, process: { incarnation, templateHash, startedAtMs: 0 } };
}

/** What was saved in another boot has times and processes that mean nothing now; how often it was started still counts. */
function recordOf({ bootId, record }: SavedTask): TaskRecord {
  return bootId === readBootId() ? record : { ...record, deaths: [] };
}

/** The process is who the keeper says, and carries the mark of its incarnation. One that has just died is not, and its end follows. */
function isStillThere({ id, identity }: KeptTask): boolean {
  return isAlive(identity) && readEnvironment(identity.pid)?.get(INCARNATION_MARKER) === id;
}

/** P1: of two incarnations of one task only the later one. */
function newestOf(kept: readonly KeptTask[]): KeptTask[] {
  return kept.filter(({ id }) => !kept.some((other) => uidOf(other.id) === uidOf(id) && incarnationOf(other.id) > incarnationOf(id)));
}

/** @returns undefined if the file is torn: the keeper died while it wrote it, and its processes with it. */
function readExit(file: string): ExitRecord | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as ExitRecord;
  } catch {
    return undefined;
  }
}

function isKeeperLost(error: unknown): boolean {
  return error instanceof OperatorError && error.code === "KEEPER_LOST";
}

function replacementText({ lastExit }: TaskRecord): string {
  return lastExit?.reason === "Fenced" ? "its host is heard of again" : "its template changed";
}

/** How the process before ended; undefined if it was ended, or did not end by itself. */
function deathOf({ lastExit }: TaskRecord): string | undefined {
  return lastExit?.kind === "crashed" ? endLine(lastExit) : undefined;
}
