/** The folder in which an agent keeps everything: whose it is, and where things lie in it. */
import { join, resolve } from "node:path";
import { errorText, OperatorError } from "../base/errors.js";
import { type FileLock, lockOwner, tryLock } from "../base/file-lock.js";
import { exitsDir } from "../base/keeper-places.js";
import { makeFolder } from "../base/make-folder.js";

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

/** @returns where an agent of this user keeps its state unless told otherwise. */
export function defaultStateDir(env: Readonly<Record<string, string | undefined>>, uid = process.getuid?.()): string {
  if (uid === 0) return "/var/lib/videoflow";
  return join(env["XDG_STATE_HOME"] ?? join(env["HOME"] ?? "/tmp", ".local", "state"), "videoflow");
}

/** Makes the folder, for this user alone, and takes its lock. @throws OperatorError AGENT_RUNNING, STATE_DIR_UNUSABLE */
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
  return lock;
}

function unusable(stateDir: string, problem: string): OperatorError<"STATE_DIR_UNUSABLE"> {
  return new OperatorError("STATE_DIR_UNUSABLE", { stateDir, problem });
}
