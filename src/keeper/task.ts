/** One process that the keeper started, from its gate to its end. */
import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { closeSync, constants, existsSync, fchownSync, openSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { INCARNATION_MARKER, INPUT_FD, KEEPER_MARKER, type SpawnRequest } from "../base/keeper-protocol.js";
import { identityOf, type ProcessIdentity } from "../base/process-identity.js";
import { bareEnvironment, environmentText, GATE_FD, GO, gatedCommand, groupedCommand, userCommand } from "./gate.js";

const { O_APPEND, O_CREAT, O_WRONLY } = constants;

export interface TaskProcess {
  /** Without its input. */
  request: SpawnRequest;
  readonly child: ChildProcess;
  readonly identity: ProcessIdentity;
  /** When the gate was opened, on the boot clock. */
  startedAtMs?: number;
  /** The agent asked for the end: the gate stays shut. */
  ordered: boolean;
  /** Its fence ended it. */
  fenced?: true;
  graceTimer?: NodeJS.Timeout;
  /** Settles when its whole end was dealt with. */
  over?: Promise<void>;
}

/**
 * Starts the process of a task behind its gate, in a session of its own.
 *
 * @param group file of the control group that it enters by itself.
 * @throws Error if the folder is missing or the kernel refuses.
 */
export function spawnGated(request: SpawnRequest, keeperId: string, setpriv: string | undefined, group?: string): TaskProcess {
  if (!existsSync(request.cwd)) throw new Error(`there is no folder ${request.cwd}`);
  const log = openSync(request.logFile, O_APPEND | O_CREAT | O_WRONLY, 0o600);
  try {
    const { input, ...kept } = request;
    if (request.user !== undefined) fchownSync(log, request.user.uid, request.user.gid); // Programs open /dev/stderr anew.
    const { command, enter, options } = howToStart(request, setpriv, group);
    const [program, ...args] = command;
    const env = { ...options.env, [KEEPER_MARKER]: keeperId, [INCARNATION_MARKER]: request.id };
    const stdio = ["ignore", log, log, "pipe", ...(input === undefined ? [] : ["pipe" as const])] as StdioOptions;
    const child = spawn(program, args, { ...options, cwd: request.cwd, env, detached: true, stdio });
    child.on("error", () => {}); // Told by the missing pid.
    if (enter !== undefined) moveInto(enter, child.pid);
    const identity = child.pid === undefined ? undefined : identityOf(child.pid);
    if (identity === undefined) throw new Error(`${program} does not start`);
    gateOf(child).on("error", () => {}); // The task may die before it reads.
    if (input !== undefined) handOver(child.stdio[INPUT_FD] as unknown as Socket, input);
    return { request: kept, child, identity, ordered: false };
  } finally {
    closeSync(log);
  }
}

/** What is executed with the keeper's rights never sees the environment of a task that has fewer. */
function howToStart({ command, env, user }: SpawnRequest, setpriv: string | undefined, group: string | undefined) {
  if (user === undefined) return { command: groupedCommand(gatedCommand(command, setpriv), group), options: { env } };
  const bare = bareEnvironment(env);
  const gate = userCommand(command, user, setpriv);
  if (setpriv !== undefined) return { command: groupedCommand(gate, group), options: { env: bare } };
  const { uid, gid } = user;
  return { command: gate, enter: group, options: { env: bare, uid, gid } };
}

/** It has no right to move itself. Where the kernel refuses, its tree is found process by process. */
function moveInto(group: string, pid: number | undefined): void {
  try {
    if (pid !== undefined) writeFileSync(group, String(pid));
  } catch {
    // As with a group that a process cannot enter by itself.
  }
}

function handOver(socket: Socket, input: string): void {
  socket.on("error", () => {}); // The task may die before it reads.
  socket.end(input);
}

/** Opens the gate, unless the end was ordered meanwhile. */
export function openGate(task: TaskProcess, nowMs: number): void {
  if (task.startedAtMs !== undefined || task.ordered) return;
  task.startedAtMs = nowMs;
  const { env, user } = task.request;
  gateOf(task.child).end(user === undefined ? GO : GO + environmentText(env));
}

function gateOf(child: ChildProcess): Socket {
  return child.stdio[GATE_FD] as unknown as Socket;
}
