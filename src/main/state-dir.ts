/** The folder in which an agent keeps everything: whose it is, and where things lie in it. */
import { accessSync, constants, lstatSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { errorText, OperatorError } from "../base/errors.js";
import { type FileLock, lockOwner, tryLock } from "../base/file-lock.js";
import { exitsDir } from "../base/keeper-places.js";
import { makeFolder } from "../base/make-folder.js";

const { R_OK, W_OK, X_OK } = constants;

/** The kernel's limit of a socket's path is 107 bytes; sockets lie directly in the folder. */
const MAX_PATH_BYTES = 90;

/** An agent's folder, while this process owns it. */
export interface StateDir {
  readonly path: string;
  /** Objects of the store. */
  readonly store: string;
  /** What the agent remembers of its tasks. */
  readonly records: string;
  /** Ends of tasks that the keeper has written down. */
  readonly exits: string;
  /** Socket on which commands reach the agent. */
  readonly socket: string;
  /** Socket on which the metrics are read. */
  readonly metrics: string;
  release(): void;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** @returns where an agent of this user keeps its state unless told otherwise; undefined if the user has no folder of its own. */
export function knownStateDir(env: Environment, uid = process.getuid?.()): string | undefined {
  if (uid === 0) return "/var/lib/videoflow";
  const state = env["XDG_STATE_HOME"] || (env["HOME"] && join(env["HOME"], ".local", "state"));
  return state ? join(state, "videoflow") : undefined;
}

/** {@link knownStateDir}. @throws OperatorError STATE_DIR_UNUSABLE */
export function defaultStateDir(env: Environment): string {
  const known = knownStateDir(env);
  if (known === undefined) throw unusable("~/.local/state/videoflow", "HOME is not set, so it is not known where that is");
  return known;
}

/** Makes the folder, for this user alone, takes its lock, and looks whether all of it is this user's to write. @throws OperatorError AGENT_RUNNING, STATE_DIR_UNUSABLE */
export function openStateDir(given: string): StateDir {
  const path = resolve(given);
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) throw unusable(path, `its path has ${Buffer.byteLength(path)} bytes`);
  const lock = lockDir(path);
  return {
    path,
    store: join(path, "store"),
    records: join(path, "records"),
    exits: exitsDir(path),
    socket: join(path, "agent.sock"),
    metrics: join(path, "metrics.sock"),
    release: () => lock.release(),
  };
}

/** Makes the folder of a run that keeps its logs, for this user alone. @throws OperatorError STATE_DIR_UNUSABLE */
export function makeStateDir(given: string): string {
  const path = resolve(given);
  try {
    makeFolder(path, 0o700);
    accessSync(path, R_OK | W_OK | X_OK);
  } catch (cause) {
    throw unusable(path, errorText(cause));
  }
  return path;
}

function lockDir(path: string): FileLock {
  const file = join(path, "agent.pid");
  let lock: FileLock | undefined;
  try {
    for (const folder of [path, exitsDir(path)]) makeFolder(folder, 0o700);
    lock = tryLock(file);
  } catch (cause) {
    throw unusable(path, errorText(cause));
  }
  if (lock === undefined) throw new OperatorError("AGENT_RUNNING", { stateDir: path, pid: lockOwner(file) });
  const problem = OURS.map((name) => closedAt(join(path, name), LEVELS)).find((closed) => closed !== undefined);
  if (problem === undefined) return lock;
  lock.release();
  throw unusable(path, problem);
}

/** What an agent makes in its folder. Others may keep theirs beside it. */
const OURS = ["store", "records", "exits", "run", "logs", "dead-letters", "keeper.json", "keeper.log"];
/** Folders below that are looked at; what lies deeper is the tasks' own. */
const LEVELS = 1;

/** What an agent of another user has left, or one that ran as root. @returns the first thing that this user cannot read and write. */
function closedAt(path: string, levels: number): string | undefined {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  try {
    accessSync(path, found.isDirectory() ? R_OK | W_OK | X_OK : R_OK | W_OK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined; // The keeper of the agent before may still work here.
    return `${path} is closed to user ${process.getuid?.()} (${code}), perhaps because an agent of another user made it`;
  }
  if (!found.isDirectory() || levels === 0) return undefined;
  const inside = readdirSync(path).map((name) => closedAt(join(path, name), levels - 1));
  return inside.find((closed) => closed !== undefined);
}

function unusable(stateDir: string, problem: string): OperatorError<"STATE_DIR_UNUSABLE"> {
  return new OperatorError("STATE_DIR_UNUSABLE", { stateDir, problem });
}
