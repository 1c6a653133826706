/** `videoflow agent`: store, controller and agent of one machine in one process, for all flows, until it is told to end. */
import { hostname } from "node:os";
import { resolve } from "node:path";
import { Agent, type AgentNote } from "../agent/agent.js";
import type { KeeperClient } from "../agent/keeper-client.js";
import { journalOn, type SavedRun, type SavedTask } from "../agent/record-journal.js";
import { REAL_CLOCK } from "../base/clock.js";
import { KEEPER_MARKER } from "../base/keeper-protocol.js";
import { Prng } from "../base/prng.js";
import { readEnvironment } from "../base/process-identity.js";
import type { DaemonOptions } from "../cli/world.js";
import { DESCRIPTORS } from "../components/descriptors.js";
import { createFlowController } from "../controller/flow/flow-controller.js";
import type { Controller } from "../controller/runtime/controller.js";
import { REAL_SCHEDULER } from "../controller/runtime/scheduler.js";
import { deviceProvider } from "../devices/inventory.js";
import type { DeviceProvider } from "../devices/provider.js";
import { LmdbTable } from "../store/embedded/lmdb-table.js";
import { EventRecorder } from "../store/event-recorder.js";
import { type StoreServer, serveStore } from "../store/socket/server.js";
import type { Store } from "../store/store.js";
import { openAgentStore } from "./agent-store.js";
import { openKeeper } from "./daemon-keeper.js";
import { programPath } from "./keeper-process.js";
import { openStateDir, type StateDir } from "./state-dir.js";

const DEFAULT_SHM = "/dev/shm";

/** The parts of a running daemon. */
export class AgentDaemon {
  readonly #options: DaemonOptions;
  readonly #dir: StateDir;
  /** Ends what was started, the last first. */
  readonly #endings: (() => Promise<void> | void)[] = [];
  #keeper!: KeeperClient;
  #agent!: Agent;
  #store!: Store;
  #isCluster = false;
  #isEmpty = false;

  private constructor(options: DaemonOptions, dir: StateDir) {
    this.#options = options;
    this.#dir = dir;
    this.#endings.push(() => dir.release());
  }

  /** @throws OperatorError AGENT_RUNNING, STATE_DIR_UNUSABLE, STORE_UNREADABLE, KEEPER_VERSION */
  static async start(options: DaemonOptions): Promise<AgentDaemon> {
    const daemon = new AgentDaemon(options, openStateDir(options.stateDir));
    try {
      await daemon.#start();
      return daemon;
    } catch (error) {
      await daemon.stop();
      throw error;
    }
  }

  /** Ends the daemon in order. Tasks that may outlive it run on. @returns how many those are. */
  async stop(): Promise<number> {
    const kept = this.#agent === undefined ? 0 : this.#agent.keptTasks;
    this.#isEmpty = kept === 0;
    for (const end of this.#endings.splice(0).reverse()) await end();
    return kept;
  }

  get store(): Store {
    return this.#store;
  }

  get #hostName(): string {
    return this.#options.hostName ?? hostname();
  }

  async #start(): Promise<void> {
    const { store, isCluster } = await openAgentStore(this.#options, this.#dir.store, this.#hostName);
    this.#store = store;
    this.#isCluster = isCluster;
    this.#endings.push(() => this.#store.close());
    const table = LmdbTable.open<SavedTask | SavedRun>(this.#dir.records);
    this.#endings.push(() => table.close());
    this.#keeper = await openKeeper(this.#dir.path);
    this.#endings.push(() => (this.#isEmpty ? this.#keeper.close({ keepMemory: true }) : this.#keeper.leave()));
    this.#agent = await this.#startAgent(table);
    this.#endings.push(() => this.#agent.stop());
    if (!isCluster) {
      const controller = this.#startController();
      this.#endings.push(() => controller.stop());
    }
    const server = await this.#serve();
    this.#endings.push(() => server.close());
    const { pid, containment } = this.#keeper;
    this.#options.log(`agent ${process.pid} answers on ${this.#dir.socket}; keeper ${pid}, containment ${containment}`);
  }

  #startAgent(table: LmdbTable<SavedTask | SavedRun>): Promise<Agent> {
    const { shmDir } = this.#options;
    const provider = this.#provider();
    return Agent.start({
      store: this.#store,
      hostName: this.#hostName,
      keeper: this.#keeper,
      clock: REAL_CLOCK,
      stateDir: this.#dir.path,
      shmBase: shmDir === undefined ? DEFAULT_SHM : resolve(shmDir),
      workerCommand: [process.execPath, programPath("worker")],
      inventory: () => provider.list(),
      onNote: (note) => this.#tell(note),
      events: this.#events("videoflow-agent"),
      survival: { journal: journalOn(table), exitsDir: this.#dir.exits, newKeeper: () => this.#renewKeeper() },
    });
  }

  async #renewKeeper(): Promise<KeeperClient> {
    this.#keeper = await openKeeper(this.#dir.path);
    return this.#keeper;
  }

  #provider(): DeviceProvider {
    const { devicesFile } = this.#options;
    const visible = process.env["CUDA_VISIBLE_DEVICES"];
    return deviceProvider({
      ...(devicesFile === undefined ? {} : { file: devicesFile }),
      ...(visible === undefined ? {} : { visible }),
      isOwnProcess: (pid) => readEnvironment(pid)?.get(KEEPER_MARKER) === this.#keeper.keeperId,
    });
  }

  #startController(): Controller {
    const controller = createFlowController({
      store: this.#store,
      clock: REAL_CLOCK,
      scheduler: REAL_SCHEDULER,
      prng: new Prng(process.pid),
      describe: (component) => DESCRIPTORS.get(component),
      defaultAdmission: "Wait",
      isScalable: true,
      events: this.#events("videoflow-controller"),
      onError: (flow, problem) => this.#options.log(`controller: ${flow}: ${problem}`),
    });
    controller.start();
    return controller;
  }

  #serve(): Promise<StoreServer> {
    return serveStore(this.#store, this.#dir.socket);
  }

  /** Written as long as the store is open; an API server forgets old ones by itself. */
  #events(component: "videoflow-agent" | "videoflow-controller"): EventRecorder {
    const recorder = new EventRecorder({
      store: this.#store,
      clock: REAL_CLOCK,
      component,
      host: this.#hostName,
      storeExpires: this.#isCluster,
    });
    this.#endings.push(() => recorder.close());
    return recorder;
  }

  #tell({ subject, what, message }: AgentNote): void {
    this.#options.log([subject, what, message].filter(Boolean).join(": "));
  }
}

/** Runs a daemon until this process is told to end. */
export async function runAgent(options: DaemonOptions): Promise<void> {
  const daemon = await AgentDaemon.start(options);
  const signal = await nextSignal();
  options.log(`${signal}: ending`);
  const kept = await daemon.stop();
  options.log(kept === 0 ? "ended; no task was running" : `ended; ${kept} tasks run on and wait for the next agent`);
}

function nextSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.once(signal, () => resolve(signal));
  });
}
