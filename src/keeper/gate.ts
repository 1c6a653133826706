/**
 * The gate: a shell that waits for "go" on descriptor 3 before it becomes the program. End of file means that nobody will
 * ever say it, so the shell ends and nothing of the program has run.
 */
import { readFileSync } from "node:fs";

/** Descriptor on which the gate waits; closed before the program starts. */
export const GATE_FD = 3;
/** What opens the gate. */
export const GO = "go\n";
/** Exit code of a gate that never opened. */
export const EXIT_GATE_CLOSED = 125;

const SHELL = "/bin/sh";
const WAIT_FOR_GO = `read -r go <&${GATE_FD}; [ "$go" = go ] || exit ${EXIT_GATE_CLOSED}; unset go; exec ${GATE_FD}<&-; exec "$@"`;

/**
 * @param command program and arguments.
 * @param setpriv path of a setpriv that knows --pdeathsig: the kernel then kills the task when the keeper dies.
 * @returns the command that waits behind the gate and then becomes `command`, keeping its pid.
 */
export function gatedCommand(command: readonly string[], setpriv: string | undefined): readonly [string, ...string[]] {
  const gate = ["-c", WAIT_FOR_GO, "videoflow-gate", ...command];
  return setpriv === undefined ? [SHELL, ...gate] : [setpriv, "--pdeathsig", "KILL", "--", SHELL, ...gate];
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
