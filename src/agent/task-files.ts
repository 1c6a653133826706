/** Where the files of tasks lie, and how they are written: launch files, reports, logs. */
import {
  chmodSync,
  closeSync,
  copyFileSync,
  fstatSync,
  lchownSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { FlowTask } from "../api/kinds.js";
import { buriedPositions } from "../base/dead-letters.js";
import { makeFolder } from "../base/make-folder.js";
import type { TaskUser } from "../base/task-user.js";
import type { FlowKey } from "../store/agent-services.js";
import type { TaskLaunch } from "./launch.js";
import { moveTimes, noteTime } from "./log-times.js";

/** A log of this size is set aside as `<log>.1`; the one before it is gone. */
export const LOG_LIMIT_BYTES = 10 * 1024 * 1024;
/** Lines of the log that are attached to a failure. */
export const LAST_LINES = 20;
const LAST_BYTES = 256 * 1024;

/** Where an agent keeps the logs of a flow's tasks. Flows of one name in several namespaces have nothing in common. */
export function logsOf(stateDir: string, { namespace, name }: FlowKey): string {
  return join(stateDir, "logs", namespace, name);
}

/** Where an agent keeps the dead letters of a flow. */
export function deadLettersOf(stateDir: string, { namespace, name }: FlowKey): string {
  return join(stateDir, "dead-letters", namespace, name);
}

export interface TaskFilesOptions {
  readonly stateDir: string;
  /** Default: `<stateDir>/run`. */
  readonly runtimeDir?: string | undefined;
  readonly deadLettersDir?: ((flow: FlowKey) => string) | undefined;
  /**
   * The user of the tasks, if not the agent's own: it may pass the folders, cannot list them, and makes nothing in them, so that it
   * cannot put a link where the agent reads or writes. Only the folder of a flow's dead letters is its own.
   */
  readonly taskUser?: TaskUser | undefined;
}

export class TaskFiles {
  readonly #runtimeDir: string;
  readonly #stateDir: string;
  readonly #deadLettersDir: (flow: FlowKey) => string;
  readonly #taskUser: TaskUser | undefined;

  constructor({ stateDir, runtimeDir, deadLettersDir, taskUser }: TaskFilesOptions) {
    this.#runtimeDir = runtimeDir ?? join(stateDir, "run");
    this.#stateDir = stateDir;
    this.#deadLettersDir = deadLettersDir ?? ((flow) => deadLettersOf(stateDir, flow));
    this.#taskUser = taskUser;
  }

  /** Folder of the dead letters of the task's flow. */
  deadLettersDir({ metadata, spec }: FlowTask): string {
    return this.#deadLettersDir({ namespace: metadata.namespace, name: spec.flow });
  }

  logFile({ metadata, spec }: FlowTask): string {
    return join(logsOf(this.#stateDir, { namespace: metadata.namespace, name: spec.flow }), `${metadata.name}.log`);
  }

  reportFile({ metadata, spec }: FlowTask): string {
    return join(this.#runtimeDir, spec.run, `${metadata.name}.report.json`);
  }

  /** Positions of the inputs that the task's node gave up in this run. */
  buried(task: FlowTask): ReadonlySet<number> {
    const { run, node } = task.spec;
    return buriedPositions(this.deadLettersDir(task), run, node);
  }

  /** Makes the folders, removes the report of the incarnation before, writes the launch file. @returns its path. */
  prepare(task: FlowTask, launch: TaskLaunch): string {
    const log = this.logFile(task);
    makeFolder(join(log, ".."), 0o700);
    noteTime(log); // Of what the process before has written.
    setAside(log);
    rmSync(launch.reportFile, { force: true });
    const file = join(this.#runtimeDir, task.spec.run, `${task.metadata.name}.json`);
    makeFolder(join(file, ".."), 0o700);
    rmSync(file, { force: true }); // A file that takes the place of another makes some file systems wait for the disk.
    const prepared = this.#taskUser === undefined ? launch : { ...launch, hasReport: true };
    writeFileSync(file, JSON.stringify(prepared), { mode: 0o600 }); // Read by nobody before the gate opens.
    if (this.#taskUser !== undefined) this.#give(task, file, launch.reportFile, this.#taskUser);
    return file;
  }

  #give(task: FlowTask, launchFile: string, reportFile: string, { uid, gid }: TaskUser): void {
    const letters = this.deadLettersDir(task);
    makeFolder(letters, 0o700);
    writeFileSync(reportFile, "", { mode: 0o600 });
    for (const own of [letters, reportFile, launchFile]) lchownSync(own, uid, gid);
    const passed = [this.#runtimeDir, join(launchFile, ".."), join(letters, "../.."), join(letters, "..")];
    for (const folder of [this.#stateDir, ...passed]) chmodSync(folder, 0o711);
  }

  /** Removes launch files and reports of a run; logs stay. */
  removeRun(run: string): void {
    rmSync(join(this.#runtimeDir, run), { recursive: true, force: true });
  }

  /**
   * The task keeps its descriptor, which appends: the log is copied aside and cut. Lines written in between are lost.
   *
   * @throws Error if there is no room for the copy: the log stays as it is.
   */
  rotateLog(task: FlowTask): void {
    const log = this.logFile(task);
    if (sizeOf(log) <= LOG_LIMIT_BYTES) return;
    copyFileSync(log, `${log}.1`);
    moveTimes(log, `${log}.1`);
    truncateSync(log, 0);
  }

  /** Notes when the lines that a log has were written. */
  noteTime(task: FlowTask): void {
    noteTime(this.logFile(task));
  }

  /** The end of the log, at most {@link LAST_LINES} lines. */
  lastLines(task: FlowTask): string {
    const lines = lastBytes(this.logFile(task), LAST_BYTES).toString("utf8").trimEnd().split("\n");
    return lines.slice(-LAST_LINES).join("\n");
  }
}

/** While nobody writes it. A log that stays where it is costs no task its start: {@link TaskFiles.rotateLog} will say why it cannot go. */
function setAside(log: string): void {
  if (sizeOf(log) <= LOG_LIMIT_BYTES) return;
  try {
    renameSync(log, `${log}.1`);
    moveTimes(log, `${log}.1`);
  } catch {
    // It grows until it can.
  }
}

/** @returns none if the file is not there. */
function lastBytes(file: string, limit: number): Buffer {
  try {
    const fd = openSync(file, "r");
    try {
      const buffer = Buffer.alloc(limit);
      const read = readSync(fd, buffer, 0, limit, Math.max(0, fstatSync(fd).size - limit));
      return buffer.subarray(0, read);
    } finally {
      closeSync(fd);
    }
  } catch {
    return Buffer.alloc(0);
  }
}

/** 0 if it is not there. */
export function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
