/**
 * The agent's end of the line to its keeper. Loads almost nothing, so that a command can start the keeper first and
 * load the rest of itself while the keeper boots.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { connect, type Socket } from "node:net";
import { OperatorError } from "../base/errors.js";
import {
  type AgentMessage,
  type Containment,
  type ExitRecord,
  KEEPER_PROTOCOL,
  KEEPER_SOCKET_FD,
  type KeeperMessage,
  type SpawnRequest,
} from "../base/keeper-protocol.js";
import { readLines } from "../base/lines.js";
import type { ProcessIdentity } from "../base/process-identity.js";

export type KeeperReady = Extract<KeeperMessage, { type: "ready" }>;

export interface KeeperOptions {
  /** Program and arguments, such as `[process.execPath, "dist/main/keeper.js"]`. */
  readonly command: readonly string[];
  /** Where the keeper's own errors go; default: the agent's stderr. */
  readonly stderr?: "inherit" | "ignore";
}

/**
 * Connection to a running keeper. When this process dies, a keeper that it spawned kills every task and removes the memory
 * it owns; one that it was connected to keeps what it was told to keep.
 */
export class KeeperClient {
  /** Settles when the keeper can spawn. @throws OperatorError KEEPER_LOST */
  readonly ready: Promise<KeeperReady>;
  /** Absent for a keeper that somebody else has started. */
  readonly #process: ChildProcess | undefined;
  readonly #socket: Socket;
  readonly #spawns = new Map<string, (result: ProcessIdentity | Error) => void>();
  readonly #exitListeners = new Set<(record: ExitRecord) => void>();
  readonly #lostListeners = new Set<() => void>();
  #acceptReady: (ready: KeeperReady | Error) => void = () => {};
  #keeperId: string | undefined;
  #pid: number | undefined;
  #containment: Containment | undefined;
  #closing = false;
  #lost = false;

  private constructor(socket: Socket, child?: ChildProcess) {
    this.#process = child;
    this.#socket = socket;
    this.ready = settled<KeeperReady>((accept) => {
      this.#acceptReady = accept;
    });
    this.ready.catch(() => {}); // Who needs it awaits it; a keeper that nobody asks anything must not end the command.
    readLines(this.#socket, (line) => this.#receive(JSON.parse(line) as KeeperMessage));
    this.#socket.on("error", () => this.#lose());
    this.#socket.on("close", () => this.#lose());
    child?.on("error", () => this.#lose());
  }

  /** Starts a keeper in a session of its own; does not wait for it. */
  static spawn(options: KeeperOptions): KeeperClient {
    const [program, ...args] = options.command;
    const child = spawn(program as string, args, {
      detached: true,
      stdio: ["ignore", "ignore", options.stderr ?? "inherit", "pipe"],
      env: withoutCertificates(process.env),
    });
    return new KeeperClient(child.stdio[KEEPER_SOCKET_FD] as Socket, child);
  }

  /** Connects to a keeper that waits on a socket. @throws Error with the code of the system if nobody does. */
  static connect(path: string): Promise<KeeperClient> {
    return new Promise((resolve, reject) => {
      const socket = connect(path);
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        resolve(new KeeperClient(socket));
      });
    });
  }

  /** Marks the tasks' environments: {@link KEEPER_MARKER}. Known once ready. */
  get keeperId(): string | undefined {
    return this.#keeperId;
  }

  get pid(): number | undefined {
    return this.#process?.pid ?? this.#pid;
  }

  /** What guarantees that no process is left behind; said once ready. */
  get containment(): Containment | undefined {
    return this.#containment;
  }

  /** True once the keeper is gone although nobody closed it. */
  get isLost(): boolean {
    return this.#lost;
  }

  /** Starts a process behind its gate. @returns who it is; it runs nothing before {@link go}. @throws OperatorError TASK_SPAWN, KEEPER_LOST */
  async spawnTask(request: Omit<SpawnRequest, "type">): Promise<ProcessIdentity> {
    return settled<ProcessIdentity>((accept) => {
      if (this.#lost) return accept(new OperatorError("KEEPER_LOST", {}));
      this.#spawns.set(request.id, accept);
      this.#send({ type: "spawn", ...request });
    });
  }

  /** Opens the gate of a spawned process. */
  go(id: string): void {
    this.#send({ type: "go", id });
  }

  /** SIGTERM to the process group, SIGKILL to the whole tree after `graceMs`. */
  stop(id: string, graceMs: number): void {
    this.#send({ type: "stop", id, graceMs });
  }

  /** SIGKILL to the whole tree. */
  kill(id: string): void {
    this.#send({ type: "kill", id });
  }

  /** Processes are killed at these times of the boot clock ({@link bootTimeMs}), also when this agent is dead by then. */
  fence(deadlines: Readonly<Record<string, number>>): void {
    this.#send({ type: "fence", deadlines });
  }

  /** The keeper removes the folder if this process dies before {@link disown}, unless it shall be kept for the next agent. */
  own(dir: string, keep = false): void {
    this.#send({ type: "own", dir, ...(keep ? { keep } : {}) });
  }

  disown(dir: string): void {
    this.#send({ type: "disown", dir });
  }

  /** Calls back for each death, after the whole tree is dead. */
  onExit(listener: (record: ExitRecord) => void): () => void {
    this.#exitListeners.add(listener);
    return () => this.#exitListeners.delete(listener);
  }

  /** Calls back when the keeper died although nobody closed it. */
  onLost(listener: () => void): () => void {
    this.#lostListeners.add(listener);
    return () => this.#lostListeners.delete(listener);
  }

  /** Ends the keeper: what still runs is killed, what it owns is removed, unless it was to be kept. Settles when the keeper is gone. */
  async close(options: { readonly keepMemory?: true } = {}): Promise<void> {
    if (this.#closing || this.#lost) return;
    this.#closing = true;
    if (this.#process !== undefined && hasEnded(this.#process)) return;
    const gone = new Promise<void>((resolve) => {
      if (this.#process === undefined) this.#socket.once("close", () => resolve());
      else this.#process.once("exit", () => resolve());
    });
    this.#send({ type: "shutdown", ...options });
    await gone;
  }

  /** Goes away; a keeper that waits on a socket keeps what it was told to keep for the next agent. */
  async leave(): Promise<void> {
    if (this.#closing || this.#lost) return;
    this.#closing = true;
    const gone = new Promise<void>((resolve) => this.#socket.once("close", () => resolve()));
    this.#socket.end();
    this.#socket.destroySoon();
    await gone;
  }

  /** Lets this process end although the keeper lives; the keeper notices and ends too. */
  unref(): void {
    this.#process?.unref();
    this.#socket.unref();
  }

  #send(message: AgentMessage): void {
    if (!this.#socket.destroyed) this.#socket.write(`${JSON.stringify(message)}\n`);
  }

  #receive(message: KeeperMessage): void {
    switch (message.type) {
      case "ready":
        this.#greet(message);
        break;
      case "spawned":
        this.#answer(message.id, message.identity);
        break;
      case "spawnFailed":
        this.#answer(message.id, new OperatorError("TASK_SPAWN", { id: message.id, problem: message.problem }));
        break;
      case "exited":
        for (const listener of this.#exitListeners) listener(message);
        break;
      case "refused":
        process.stderr.write(`keeper: ${message.problem}\n`);
        break;
      default:
        message satisfies never;
    }
  }

  #greet(ready: KeeperReady): void {
    this.#keeperId = ready.keeperId;
    this.#pid = ready.identity.pid;
    this.#containment = ready.containment;
    const fits = ready.version === KEEPER_PROTOCOL;
    this.#acceptReady(fits ? ready : new OperatorError("KEEPER_VERSION", { expected: KEEPER_PROTOCOL, got: ready.version }));
  }

  #answer(id: string, result: ProcessIdentity | Error): void {
    this.#spawns.get(id)?.(result);
    this.#spawns.delete(id);
  }

  #lose(): void {
    if (this.#lost) return;
    this.#lost = true;
    this.#acceptReady(new OperatorError("KEEPER_LOST", {}));
    for (const id of [...this.#spawns.keys()]) this.#answer(id, new OperatorError("KEEPER_LOST", {}));
    if (!this.#closing) for (const listener of this.#lostListeners) listener();
  }
}

function hasEnded({ pid, exitCode, signalCode }: ChildProcess): boolean {
  return pid === undefined || exitCode !== null || signalCode !== null;
}

/** A promise that one call settles: by an Error, or by anything else. Later calls do nothing. */
function settled<T>(start: (accept: (result: T | Error) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    start((result) => (result instanceof Error ? reject(result) : resolve(result)));
  });
}

/** Node parses NODE_EXTRA_CA_CERTS at start, which takes three times as long as the rest of it. */
function withoutCertificates(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { NODE_EXTRA_CA_CERTS: _certificates, NODE_OPTIONS: _options, ...rest } = env;
  return rest;
}
