/**
 * Who a process is: (boot id, pid, kernel start time). A pid alone is reused; the three together never are.
 * Knows /proc; must not know why a process matters.
 */
import { readFileSync } from "node:fs";

export interface ProcessIdentity {
  readonly bootId: string;
  readonly pid: number;
  /** Kernel start time in clock ticks since boot, as decimal text. */
  readonly startTime: string;
}

/** One line of the process table. */
export interface ProcessStat {
  readonly pid: number;
  /** One letter: R, S, D, T, Z (zombie), X (dead), … */
  readonly state: string;
  readonly parentPid: number;
  readonly groupId: number;
  readonly sessionId: number;
  readonly startTime: string;
}

/** The fields of /proc/PID/stat behind the name, the state first. The name may hold blanks and parentheses, so they count from the last ")". */
function statFields(text: string): string[] {
  return text
    .slice(text.lastIndexOf(")") + 2)
    .trimEnd()
    .split(" ");
}

/**
 * Reads the text of /proc/PID/stat.
 *
 * @returns undefined for text that is not such a line.
 */
export function parseStat(text: string): ProcessStat | undefined {
  const pid = Number.parseInt(text, 10);
  const fields = statFields(text);
  const startTime = fields[19];
  if (!text.includes(")") || Number.isNaN(pid) || startTime === undefined) return undefined;
  return {
    pid,
    state: fields[0] as string,
    parentPid: Number(fields[1]),
    groupId: Number(fields[2]),
    sessionId: Number(fields[3]),
    startTime,
  };
}

/** @returns the line of a process, zombies included; undefined once it is reaped. */
export function readStat(pid: number): ProcessStat | undefined {
  const text = readProcFile(`/proc/${pid}/stat`);
  return text === undefined ? undefined : parseStat(text);
}

/** What a process has used and uses now. */
export interface ProcessUse {
  /** Of the processor, in user and kernel mode. */
  readonly ticks: number;
  readonly residentPages: number;
}

/** @returns undefined once the process is reaped. */
export function readUse(pid: number): ProcessUse | undefined {
  const text = readProcFile(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  const fields = statFields(text);
  return { ticks: Number(fields[11]) + Number(fields[12]), residentPages: Number(fields[21]) };
}

let cachedBootId: string | undefined;

/** Identity of this boot of the machine. */
export function readBootId(): string {
  cachedBootId ??= readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  return cachedBootId;
}

/** @returns who has this pid now; undefined if nobody has. */
export function identityOf(pid: number): ProcessIdentity | undefined {
  const stat = readStat(pid);
  return stat === undefined ? undefined : { bootId: readBootId(), pid, startTime: stat.startTime };
}

export function sameProcess(left: ProcessIdentity, right: ProcessIdentity): boolean {
  return left.bootId === right.bootId && left.pid === right.pid && left.startTime === right.startTime;
}

/** A process of the same identity is there and has not ended (a zombie has). */
export function isAlive(identity: ProcessIdentity): boolean {
  if (identity.bootId !== readBootId()) return false;
  const stat = readStat(identity.pid);
  return stat !== undefined && stat.startTime === identity.startTime && !isDead(stat);
}

/** Zombies and dead processes run no more; they wait to be reaped. */
export function isDead(stat: ProcessStat): boolean {
  return stat.state === "Z" || stat.state === "X";
}

/** @returns the environment with which the program of a process was started; undefined if it is gone or not ours to read. */
export function readEnvironment(pid: number): Map<string, string> | undefined {
  const text = readProcFile(`/proc/${pid}/environ`);
  if (text === undefined) return undefined;
  const entries = text.split("\0").filter((entry) => entry.includes("="));
  return new Map(entries.map((entry) => [entry.slice(0, entry.indexOf("=")), entry.slice(entry.indexOf("=") + 1)]));
}

/** @returns the text of a file of /proc; undefined if the process is gone or hidden. */
export function readProcFile(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** @returns the effective capabilities of this process, one bit each. */
export function readCapabilities(): bigint {
  const bits = /^CapEff:\s*([0-9a-f]+)$/m.exec(readProcFile("/proc/self/status") ?? "")?.[1] ?? "0";
  return BigInt(`0x${bits}`);
}
