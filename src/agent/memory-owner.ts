/**
 * Whose shared memory a folder is: a file in it names the processes that answer for it. A folder whose owners are all
 * proved dead is removed; one that cannot be judged from here (another machine's, another container's) is left alone.
 */
import { existsSync, readdirSync, readFileSync, readlinkSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeFolder } from "../base/make-folder.js";
import { isAlive, type ProcessIdentity, readBootId } from "../base/process-identity.js";

const FILE = "owner.json";

export interface MemoryOwner {
  readonly bootId: string;
  /** Pids mean nothing in another namespace. */
  readonly pidNamespace: string;
  /** The agent (or runner) and its keeper. */
  readonly processes: readonly ProcessIdentity[];
  /** Of an agent whose flows outlive it: while the folder is there, only its next agent removes the memory. */
  readonly stateDir?: string;
  /** Hash of the channels that the memory was made for. */
  readonly layout?: string;
}

export function pidNamespace(): string {
  return readlinkSync("/proc/self/ns/pid");
}

/** Makes the folder and says whose it is, before anything else lies in it. */
export function claimMemory(dir: string, owner: MemoryOwner): void {
  makeFolder(dir, 0o700);
  writeFileSync(join(dir, `${FILE}.tmp`), JSON.stringify(owner), { mode: 0o600 });
  renameSync(join(dir, `${FILE}.tmp`), join(dir, FILE));
}

/** @returns undefined if nobody has said so, or it cannot be read. */
export function readOwner(dir: string): MemoryOwner | undefined {
  try {
    return JSON.parse(readFileSync(join(dir, FILE), "utf8")) as MemoryOwner;
  } catch {
    return undefined;
  }
}

/** Nobody who could still need the memory lives. */
export function isOwnerDead(owner: MemoryOwner): boolean {
  if (owner.stateDir !== undefined && existsSync(owner.stateDir)) return false;
  if (owner.bootId !== readBootId()) return true;
  return owner.pidNamespace === pidNamespace() && owner.processes.every((identity) => !isAlive(identity));
}

/** Folders of a run: its first one, then one more for each change of its channels; one that is not finished ends in `.new`. */
export function nextMemoryDir(dir: string): { readonly made: string; readonly dir: string } {
  const [, run, number = "0"] = /^(.*?)(?:\.(\d+))?$/.exec(dir) as unknown as [string, string, string?];
  const next = `${run}.${Number(number) + 1}`;
  return { made: `${next}.new`, dir: next };
}

/** The run that a folder belongs to. */
function runOf(name: string): string {
  return name.replace(/(\.\d+)(\.new)?$/, "");
}

/** @returns the folder that holds a run's messages, and those that a change of its channels left behind when it was cut short. */
export function memoryDirsOf(base: string, run: string): { readonly dir: string; readonly left: readonly string[] } {
  const names = existsSync(base) ? readdirSync(base).filter((name) => runOf(name) === run) : [];
  const number = (name: string) => Number(name.slice(run.length + 1) || 0);
  const [last = run, ...others] = names.filter((name) => !name.endsWith(".new")).toSorted((a, b) => number(b) - number(a));
  const left = [...others, ...names.filter((name) => name.endsWith(".new"))];
  return { dir: join(base, last), left: left.map((name) => join(base, name)) };
}

/**
 * Removes the memory that dead owners left behind.
 *
 * @param base folder of all runs of this user.
 * @param stateDir of the agent that looks: what it owned itself and `isWanted` does not name goes too.
 * @returns the names of what was removed.
 */
export function sweepMemories(base: string, stateDir?: string, isWanted: (run: string) => boolean = () => false): string[] {
  const runs = existsSync(base) ? readdirSync(base) : [];
  const left = runs.filter((run) => {
    const owner = readOwner(join(base, run));
    if (owner === undefined) return false;
    const own = stateDir !== undefined && owner.stateDir === stateDir;
    return own ? !isWanted(runOf(run)) : isOwnerDead(owner);
  });
  for (const run of left) rmSync(join(base, run), { recursive: true, force: true });
  return left;
}
