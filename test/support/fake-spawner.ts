/** A keeper that starts no process: it answers over a socket as a real one would, and what it "runs" is ready once its gate opens. */
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import type { TaskLaunch, TaskReport } from "../../src/api/launch.js";
import { type AgentMessage, KEEPER_PROTOCOL, type KeeperMessage, type SpawnRequest } from "../../src/base/keeper-protocol.js";
import { readLines } from "../../src/base/lines.js";
import { identityOf, type ProcessIdentity, readBootId } from "../../src/base/process-identity.js";

/** Beyond what any kernel gives, so that nobody has such a pid. */
const FIRST_PID = 2 ** 22 + 1;
const READY: TaskReport = { phase: "ready" };

export class FakeSpawner {
  /** Processes asked for so far. */
  spawned = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #live = new Map<string, { readonly request: SpawnRequest; readonly identity: ProcessIdentity; isStarted: boolean }>();

  private constructor() {
    this.#server = createServer((socket) => this.#serve(socket));
  }

  static async start(path: string): Promise<FakeSpawner> {
    const spawner = new FakeSpawner();
    await new Promise<void>((resolve, reject) => spawner.#server.once("error", reject).listen(path, resolve));
    return spawner;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    const tell = (message: KeeperMessage) => void socket.write(`${JSON.stringify(message)}\n`);
    const identity = identityOf(process.pid) as ProcessIdentity;
    tell({ type: "ready", version: KEEPER_PROTOCOL, keeperId: "fake", identity, subreaper: false, containment: "Keeper", tasks: [] });
    readLines(socket, (line) => this.#take(JSON.parse(line) as AgentMessage, tell));
  }

  #take(message: AgentMessage, tell: (message: KeeperMessage) => void): void {
    if (message.type === "spawn") return this.#spawn(message, tell);
    if (message.type === "go") return this.#open(message.id);
    if (message.type === "stop" || message.type === "kill") this.#end(message.id, tell);
  }

  #spawn(request: SpawnRequest, tell: (message: KeeperMessage) => void): void {
    const identity = { bootId: readBootId(), pid: FIRST_PID + this.spawned, startTime: "1" };
    this.spawned += 1;
    this.#live.set(request.id, { request, identity, isStarted: false });
    tell({ type: "spawned", id: request.id, identity });
  }

  #open(id: string): void {
    const live = this.#live.get(id);
    if (live === undefined) return;
    live.isStarted = true;
    const launch = JSON.parse(readFileSync(live.request.command.at(-1) as string, "utf8")) as TaskLaunch<unknown>;
    writeFileSync(launch.reportFile, JSON.stringify(READY));
  }

  #end(id: string, tell: (message: KeeperMessage) => void): void {
    const live = this.#live.get(id);
    if (live === undefined) return;
    this.#live.delete(id);
    const { identity, isStarted: started } = live;
    tell({ type: "exited", id, identity, code: null, signal: "SIGTERM", atMs: Date.now(), ordered: true, started, treeDead: true });
  }
}
