/** The folder of shared memory: chosen, and proved to be of use before anything starts. */
import { accessSync, constants, lstatSync, statfsSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { OperatorError } from "../base/errors.js";

const DEFAULT_SHM = "/dev/shm";
/** Kinds of file systems that live in memory, as statfs tells them: tmpfs, ramfs. */
const IN_MEMORY: ReadonlySet<number> = new Set([0x01021994, 0x858458f6]);
/** The control memory of a small flow. */
const LEAST_BYTES = 2 ** 20;

export interface ShmBase {
  readonly dir: string;
  /** What the user should know of the choice. */
  readonly warning?: string;
}

/**
 * Where shared memory lies: what the user named, else what VIDEOFLOW_SHM names, else /dev/shm.
 *
 * @throws OperatorError SHM_UNUSABLE if the folder is not there, cannot be written, or is full.
 */
export function chooseShmBase(named: string | undefined, env: Readonly<Record<string, string | undefined>>): ShmBase {
  const dir = resolve(named ?? (env["VIDEOFLOW_SHM"] || DEFAULT_SHM));
  const problem = problemOf(dir);
  if (problem !== undefined) throw new OperatorError("SHM_UNUSABLE", { dir, problem });
  if (IN_MEMORY.has(statfsSync(dir).type >>> 0)) return { dir };
  return { dir, warning: `shared memory lies in ${dir}, which is no tmpfs: frames are slower there, and may be written to a disk` };
}

function problemOf(dir: string): string | undefined {
  const found = statSync(dir, { throwIfNoEntry: false });
  if (found === undefined) return "it is not there";
  if (!found.isDirectory()) return "it is no folder";
  try {
    accessSync(dir, constants.W_OK | constants.X_OK);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EROFS" ? "it is read-only" : "it cannot be written";
  }
  const taken = problemOfOwn(join(dir, `videoflow-${process.getuid?.() ?? 0}`));
  if (taken !== undefined) return taken;
  const { bavail, bsize } = statfsSync(dir);
  return bavail * bsize < LEAST_BYTES ? `it is full: ${bavail * bsize} bytes are free` : undefined;
}

/** Anybody may make folders in /dev/shm: whoever has made that of this user's runs could put anything in the place of them. */
function problemOfOwn(base: string): string | undefined {
  const found = lstatSync(base, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  if (!found.isDirectory()) return `${base} is no folder: remove it`;
  const own = process.getuid?.() ?? found.uid;
  if (found.uid !== own) return `${base}, where runs of user ${own} lie, was made by user ${found.uid}: remove it`;
  try {
    accessSync(base, constants.R_OK | constants.W_OK | constants.X_OK);
    return undefined;
  } catch {
    return `${base}, where runs of this user lie, is closed to it`;
  }
}
