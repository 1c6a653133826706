/** The user as whom an agent's tasks run: who that is, and whether it can reach what its tasks need. */
import { execFileSync, spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { resolve } from "node:path";
import { OperatorError } from "../base/errors.js";
import type { TaskUser } from "../base/task-user.js";
import { dropTo, findSetpriv } from "../keeper/gate.js";
import { programPath } from "./keeper-process.js";

/** What an agent needs of root to start, watch and end the processes of somebody else: names and bits of the kernel. */
const CAPABILITIES = { CHOWN: 0, DAC_OVERRIDE: 1, FOWNER: 3, KILL: 5, SETGID: 6, SETUID: 7, SYS_PTRACE: 19 };
const NAME = /^[A-Za-z_][A-Za-z0-9_.@\\-]*\$?$/;

/** What the user database says of somebody. */
export interface UserEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/** Reads a line of the user database; undefined if it is none. */
export function parseUserEntry(line: string): UserEntry | undefined {
  const [name, , uid, gid, , home] = line.trim().split(":");
  if (name === undefined || home === undefined || !/^\d+$/.test(uid ?? "") || !/^\d+$/.test(gid ?? "")) return undefined;
  return { name, uid: Number(uid), gid: Number(gid), home };
}

/** Where users are looked up. */
export interface UserDatabase {
  /** By name, or by number as text. */
  find(user: string): UserEntry | undefined;
  /** Numbers of all groups of a user of this name. */
  groupsOf(name: string): readonly number[];
}

/** As the C library sees them, whatever the machine asks for users. */
export const SYSTEM_USERS: UserDatabase = {
  find: (user) => parseUserEntry(answerOf("getent", ["passwd", "--", user]) ?? ""),
  groupsOf: (name) => (answerOf("id", ["-G", "--", name]) ?? "").split(" ").filter(Boolean).map(Number),
};

function answerOf(program: string, args: readonly string[]): string | undefined {
  try {
    return execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"], timeout: 10_000 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") throw refused(`it cannot be looked up: there is no program ${program}`);
    return undefined;
  }
}

/**
 * Who `NAME`, `UID` or `UID:GID` is. A number that has no name has the groups that are written, and no others.
 *
 * @throws OperatorError AGENT_OPTION
 */
export function findTaskUser(written: string, users: UserDatabase = SYSTEM_USERS): TaskUser {
  const [user = "", group, ...more] = written.split(":");
  const isNumber = /^\d{1,10}$/.test(user);
  const isGroup = group === undefined || (isNumber && /^\d{1,10}$/.test(group));
  if (more.length > 0 || !isGroup || !(isNumber || NAME.test(user)))
    throw refused(`"${written}" is no user: write a name, a number, or UID:GID`);
  const entry = users.find(user);
  const gid = group === undefined ? entry?.gid : Number(group);
  if (entry === undefined && !isNumber) throw refused(`there is no user ${user} on this machine`);
  if (gid === undefined) throw refused(`there is no user ${user} on this machine, so its group is not known: write ${user}:GID`);
  const groups = entry === undefined ? [] : users.groupsOf(entry.name).filter((other) => other !== gid);
  return { name: entry?.name ?? user, uid: entry?.uid ?? Number(user), gid, groups, home: entry?.home ?? "/" };
}

function refused(problem: string): OperatorError<"AGENT_OPTION"> {
  return new OperatorError("AGENT_OPTION", { option: "--task-user", problem });
}

/** What the kernel says of this process. */
interface OwnRights {
  readonly uid: number;
  readonly gid: number;
  /** Bits of {@link CAPABILITIES}. */
  readonly capabilities: bigint;
}

/**
 * @returns undefined if the agent is that user already, and nothing has to be done.
 * @throws OperatorError AGENT_OPTION if it may not start processes of that user.
 */
export function unlessOwn(user: TaskUser, own: OwnRights): TaskUser | undefined {
  if (user.uid === own.uid && user.gid === own.gid) return undefined;
  if (own.uid !== 0)
    throw refused(`only an agent that runs as root can start tasks of user ${user.name}; this one runs as user ${own.uid}`);
  const missing = Object.entries(CAPABILITIES).flatMap(([name, bit]) => ((own.capabilities >> BigInt(bit)) & 1n ? [] : [`CAP_${name}`]));
  if (missing.length > 0) throw refused(`this agent runs as root without ${missing.join(", ")}: add them to its container or service`);
  return user;
}

/** The environment of the agent without what is its user's alone, with what is the user's own. */
export function environmentFor(
  { name, home }: TaskUser,
  env: Readonly<Record<string, string | undefined>>,
  mayUseTemporary: boolean,
): Record<string, string> {
  const kept = Object.entries(env).filter(([variable]) => !OF_ONE_USER.test(variable) && (mayUseTemporary || !TEMPORARY.test(variable)));
  const known = kept.flatMap(([variable, value]): [string, string][] => (value === undefined ? [] : [[variable, value]]));
  return { ...Object.fromEntries(known), HOME: home, USER: name, LOGNAME: name };
}

const OF_ONE_USER = /^(HOME|USER|LOGNAME|MAIL|SHELL|PWD|OLDPWD|SUDO_.*|XDG_.*|SSH_.*|DBUS_.*|KUBECONFIG|KRB5CCNAME|NOTIFY_SOCKET)$/;
const TEMPORARY = /^(TMPDIR|TMP|TEMP)$/;

/** What a process of the user finds. */
interface Found {
  /** The first folder or file on the way that is closed to it; absent: it reaches all. */
  readonly closed?: string;
  readonly mayWriteTemporary: boolean;
}

/** Run as the user. @see Found */
const LOOK = `
const { accessSync, constants: { R_OK, W_OK, X_OK } } = require("node:fs");
const { dirname } = require("node:path");
const may = (path, how) => { try { accessSync(path, how); return true; } catch { return false; } };
const way = (path) => (path === "/" ? ["/"] : [...way(dirname(path)), path]);
const [temporary, ...places] = process.argv.slice(1);
const closed = places.flatMap((place) => {
  const read = place.endsWith("/") ? [] : [place];
  const folders = way(place.replace(/\\/$/, "") || "/").filter((path) => path !== read[0]);
  return [...folders.filter((path) => !may(path, X_OK)), ...read.filter((path) => !may(path, R_OK))];
});
process.stdout.write(JSON.stringify({ closed: closed[0], mayWriteTemporary: may(temporary, W_OK | X_OK) }));
`;

/**
 * Proves with a process of the user that it can run Node.js and this program, and reach the folders.
 *
 * @param folders absolute; that it may pass is enough.
 * @throws OperatorError AGENT_OPTION with the first place that is closed to it
 */
export function proveReach(user: TaskUser, folders: readonly string[]): { readonly mayWriteTemporary: boolean } {
  const files = [programPath("worker"), createRequire(import.meta.url).resolve("koffi")];
  const setpriv = findSetpriv();
  const node = [process.execPath, "-e", LOOK, "--", resolve(tmpdir()), ...files, ...folders.map((folder) => `${resolve(folder)}/`)];
  const [program, ...args] = setpriv === undefined ? node : [...dropTo(user, setpriv), "--", ...node];
  const drop = setpriv === undefined ? { uid: user.uid, gid: user.gid } : {};
  const options = { ...drop, cwd: "/", env: { PATH: "/usr/bin:/bin" }, encoding: "utf8", timeout: 20_000 } as const;
  const { status, stdout, stderr, error } = spawnSync(program as string, args, options);
  if (status !== 0) {
    const why = error?.message ?? stderr.trim().split("\n").at(-1);
    throw refused(`user ${user.name} cannot run ${process.execPath}: ${why || `it ended with ${status}`}`);
  }
  const found = JSON.parse(stdout) as Found;
  if (found.closed !== undefined)
    throw refused(`${found.closed} is closed to user ${user.name}, whose tasks need it: open it, or use another place`);
  return { mayWriteTemporary: found.mayWriteTemporary };
}

/** What a user's tasks miss where there is no setpriv; undefined if nothing. */
export function missingGroups({ name, groups }: TaskUser): string | undefined {
  if (groups.length === 0 || findSetpriv() !== undefined) return undefined;
  return `without setpriv (util-linux) tasks of user ${name} are in none of its groups beside the first: devices of the groups video and render may be closed to them`;
}
