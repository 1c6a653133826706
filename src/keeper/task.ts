/** One process that the keeper started, from its gate to its end. */
import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { closeSync, constants, existsSync, openSync } from "node:fs";
import type { Socket } from "node:net";
import { INCARNATION_MARKER, INPUT_FD, KEEPER_MARKER, type SpawnRequest } from "../base/keeper-protocol.js";
import { identityOf, type ProcessIdentity } from "../base/process-identity.js";
import { GATE_FD, GO, gatedCommand, groupedCommand } from "./gate.js";

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
    const [program, ...args] = groupedCommand(gatedCommand(request.command, setpriv), group);
    const env = { ...request.env, [KEEPER_MARKER]: keeperId, [INCARNATION_MARKER]: request.id };
    const { input, ...kept } = request;
    const stdio = ["ignore", log, log, "pipe", ...(input === undefined ? [] : ["pipe" as const])] as StdioOptions;
    const child = spawn(program, args, { cwd: request.cwd, env, detached: true, stdio });
    child.on("error", () => {}); // Told by the missing pid.
    const identity = child.pid === undefined ? undefined : identityOf(child.pid);
    if (identity === undefined) throw new Error(`${program} does not start`);
    gateOf(child).on("error", () => {}); // The task may die before it reads.
    if (input !== undefined) handOver(child.stdio[INPUT_FD] as unknown as Socket, input);
    return { request: kept, child, identity, ordered: false };
  } finally {
    closeSync(log);
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
  gateOf(task.child).end(GO);
}

function gateOf(child: ChildProcess): Socket {
  return child.stdio[GATE_FD] as unknown as Socket;
}
