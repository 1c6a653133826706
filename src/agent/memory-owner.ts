/**
 * Whose shared memory a folder is: a file in it names the processes that answer for it. A folder whose owners are all
 * proved dead is removed; one that cannot be judged from here (another machine's, another container's) is left alone.
 */
import { existsSync, readdirSync, readFileSync, readlinkSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { OperatorError } from "../base/errors.js";
import { makeFolder } from "../base/make-folder.js";
import { isAlive, type ProcessIdentity, readBootId } from "../base/process-identity.js";

const FILE = "owner.json";
/** Of the count of blocks in a file's status, whatever the file system. */
const BLOCK_BYTES = 512;

/** What a run keeps for itself on this host; others see it in its folder. */
export interface RunClaim {
  readonly flow: string;
  /** Absolute paths of files that it writes. */
  readonly outputs: readonly string[];
  /** Shared memory that it may need. */
  readonly reservedBytes: number;
  /** Uids of the tasks that the memory was made for. */
  readonly tasks?: readonly string[];
}

export interface MemoryOwner {
  readonly bootId: string;
  /** Pids mean nothing in another namespace. */
  readonly pidNamespace: string;
  /** The agent (or runner) and its keeper. */
  readonly processes: readonly ProcessIdentity[];
  readonly run?: RunClaim;
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
  const names = namesIn(base).filter((name) => runOf(name) === run);
  const number = (name: string) => Number(name.slice(run.length + 1) || 0);
  const [last = run, ...others] = names.filter((name) => !name.endsWith(".new")).toSorted((a, b) => number(b) - number(a));
  const left = [...others, ...names.filter((name) => name.endsWith(".new"))];
  return { dir: join(base, last), left: left.map((name) => join(base, name)) };
}

/** Somebody who answers for the memory is known to live: one that cannot be judged from here does not count. */
function isOwnerAlive({ bootId, pidNamespace: namespace, processes }: MemoryOwner): boolean {
  return bootId === readBootId() && namespace === pidNamespace() && processes.some((identity) => isAlive(identity));
}

/**
 * Removes the memory that dead owners left behind.
 *
 * @param base folder of all runs of this user.
 * @param stateDir of the agent that looks: what it owned itself and `isWanted` does not name goes too.
 * @returns the names of what was removed.
 */
export function sweepMemories(base: string, stateDir?: string, isWanted: (run: string) => boolean = () => false): string[] {
  const left = namesIn(base).filter((run) => {
    const owner = readOwner(join(base, run));
    if (owner === undefined) return false;
    const own = stateDir !== undefined && owner.stateDir === stateDir;
    return own ? !isWanted(runOf(run)) : isOwnerDead(owner);
  });
  for (const run of left) rmSync(join(base, run), { recursive: true, force: true });
  return left;
}

/** The live run of somebody else, and what it keeps for itself. */
export interface OtherRun {
  readonly claim: RunClaim;
  /** Of what it has reserved, what it does not use yet: the file system still calls that free. */
  readonly outstandingBytes: number;
}

/** @param base folder of all runs of this user. */
export function otherRuns(base: string, isOwn: (run: string) => boolean): OtherRun[] {
  const names = namesIn(base).filter((name) => !isOwn(runOf(name)));
  return names.flatMap((run) => {
    const owner = readOwner(join(base, run));
    if (owner?.run === undefined || !isOwnerAlive(owner)) return [];
    const outstandingBytes = Math.max(0, owner.run.reservedBytes - bytesBelow(join(base, run)));
    return [{ claim: owner.run, outstandingBytes }];
  });
}

/** None if the folder is not there: its owner may remove it at any time. */
function namesIn(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** What the files of a folder take; they grow as messages need it. */
export function bytesBelow(dir: string): number {
  return namesIn(dir).reduce((sum, name) => sum + (statSync(join(dir, name), { throwIfNoEntry: false })?.blocks ?? 0) * BLOCK_BYTES, 0);
}

/**
 * Whether a run may begin beside the others; its own claim is on disk already, so of two that begin at once one sees the other.
 *
 * @param beside claims of the same agent: their memory is counted where flows are admitted.
 * @param freeBytes of the file system.
 * @throws OperatorError OUTPUT_IN_USE, SHM_RESERVED
 */
export function refuseConflicts(claim: RunClaim, beside: readonly RunClaim[], others: readonly OtherRun[], freeBytes: number): void {
  for (const { flow, outputs } of [...beside, ...others.map((other) => other.claim)]) {
    const path = claim.outputs.find((output) => outputs.includes(output));
    if (path !== undefined) throw new OperatorError("OUTPUT_IN_USE", { path, flow });
  }
  const reservedBytes = others.reduce((sum, { outstandingBytes }) => sum + outstandingBytes, 0);
  if (reservedBytes === 0 || claim.reservedBytes <= freeBytes - reservedBytes) return;
  const flows = [...new Set(others.map((other) => other.claim.flow))];
  throw new OperatorError("SHM_RESERVED", { needBytes: claim.reservedBytes, freeBytes, reservedBytes, flows });
}
