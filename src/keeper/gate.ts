/**
 * The gate: a shell that waits for "go" on descriptor 3 before it becomes the program. End of file means that nobody will
 * ever say it, so the shell ends and nothing of the program has run.
 */
import { readFileSync } from "node:fs";
import type { UserNumbers } from "../base/task-user.js";

/** Descriptor on which the gate waits; closed before the program starts. */
export const GATE_FD = 3;
/** What opens the gate. */
export const GO = "go\n";
/** Exit code of a gate that never opened. */
export const EXIT_GATE_CLOSED = 125;

const SHELL = "/bin/sh";
const READ_GO = `read -r go <&${GATE_FD}; [ "$go" = go ] || exit ${EXIT_GATE_CLOSED}; unset go`;
const WAIT_FOR_GO = `${READ_GO}; exec ${GATE_FD}<&-; exec "$@"`;

/**
 * @param command program and arguments.
 * @param setpriv path of a setpriv that knows --pdeathsig: the kernel then kills the task when the keeper dies.
 * @returns the command that waits behind the gate and then becomes `command`, keeping its pid.
 */
export function gatedCommand(command: readonly string[], setpriv: string | undefined): readonly [string, ...string[]] {
  const gate = ["-c", WAIT_FOR_GO, "videoflow-gate", ...command];
  return setpriv === undefined ? [SHELL, ...gate] : [setpriv, "--pdeathsig", "KILL", "--", SHELL, ...gate];
}

/** Said last by {@link environmentText}; flows may not set what begins with VF_. */
const WHOLE = "VF_WHOLE";
const WAIT_FOR_ENVIRONMENT = `${READ_GO}; eval "$(cat <&${GATE_FD})"; [ "$${WHOLE}" = 1 ] || exit ${EXIT_GATE_CLOSED}; unset ${WHOLE}; exec ${GATE_FD}<&-; exec "$@"`;

/**
 * The gate of a program that runs as another user than the keeper's: it gives up all rights first, and then waits.
 *
 * @param setpriv absent: whoever starts the command must give it the user.
 * @returns the command; start it with {@link bareEnvironment}, and send {@link environmentText} behind "go".
 */
export function userCommand(command: readonly string[], user: UserNumbers, setpriv: string | undefined): readonly [string, ...string[]] {
  const gate = ["-c", WAIT_FOR_ENVIRONMENT, "videoflow-gate", ...command];
  if (setpriv === undefined) return [SHELL, ...gate];
  return [...dropTo(user, setpriv), "--pdeathsig", "KILL", "--", SHELL, ...gate];
}

/** The beginning of a command that becomes the user's. */
export function dropTo({ uid, gid, groups }: UserNumbers, setpriv: string): [string, ...string[]] {
  const beside = groups.length === 0 ? ["--clear-groups"] : ["--groups", groups.join(",")];
  return [setpriv, "--reuid", String(uid), "--regid", String(gid), ...beside];
}

/** Only the agent sets these, and neither a shell nor the dynamic loader minds them. */
const HARMLESS = /^(VF|CUDA|HIP|ROCR)_|^GPU_DEVICE_ORDINAL$/;
const SHELL_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** What programs that still have the keeper's rights may see of an environment that others have a say in: no LD_LIBRARY_PATH. */
export function bareEnvironment(env: Readonly<Record<string, string>>): Record<string, string> {
  return { PATH: "/usr/bin:/bin", ...Object.fromEntries(Object.entries(env).filter(([name]) => HARMLESS.test(name))) };
}

/** The environment as lines for the gate. What a shell cannot have in its environment does not come through any gate. */
export function environmentText(env: Readonly<Record<string, string>>): string {
  const known = Object.entries(env).filter(([name]) => SHELL_NAME.test(name));
  // A name that the shell keeps for itself must not end it: "command" makes that an error like any other.
  const lines = known.map(([name, value]) => `command export ${name}=${quoted(value)} 2>/dev/null\n`);
  return `${lines.join("")}${WHOLE}=1\n`;
}

function quoted(value: string): string {
  return `'${value.replaceAll("'", "'\\''")}'`;
}

const ENTER = '{ echo 0 >"$0"; } 2>/dev/null; exec "$@"';

/**
 * @param group file of a control group; the kernel may take 100 ms to move a process, and neither the keeper nor the agent shall
 *   wait for it. Where it refuses, the tree is found process by process.
 * @returns the command that puts itself into the group before it is anything else, keeping its pid.
 */
export function groupedCommand(command: readonly [string, ...string[]], group: string | undefined): readonly [string, ...string[]] {
  return group === undefined ? command : [SHELL, "-c", ENTER, group, ...command];
}

/** @returns the first setpriv of util-linux; busybox's does not know --pdeathsig. */
export function findSetpriv(paths: readonly string[] = ["/usr/bin/setpriv", "/bin/setpriv"]): string | undefined {
  return paths.find(knowsParentDeath);
}

function knowsParentDeath(path: string): boolean {
  try {
    return readFileSync(path).includes("pdeathsig");
  } catch {
    return false;
  }
}
