/** `videoflow agent`: store, controller and agent of one machine in one process, for all flows, until it is told to end. */
import { chmodSync, existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { basename, dirname } from "node:path";
import packageJson from "../../package.json" with { type: "json" };
import { Agent, type AgentNote } from "../agent/agent.js";
import { HostQueries } from "../agent/host-queries.js";
import type { KeeperClient } from "../agent/keeper-client.js";
import { removeOldLogs } from "../agent/old-logs.js";
import { journalOn, type SavedRun, type SavedTask } from "../agent/record-journal.js";
import { chooseShmBase } from "../agent/shm-base.js";
import { MAX_MANIFEST_BYTES, parseManifests } from "../api/parse.js";
import { formatProblem } from "../api/problem.js";
import type { TaskRules } from "../api/refusal.js";
import { REAL_CLOCK } from "../base/clock.js";
import { Endings } from "../base/endings.js";
import { errorText, OperatorError } from "../base/errors.js";
import { KEEPER_MARKER } from "../base/keeper-protocol.js";
import { Prng } from "../base/prng.js";
import { identityOf, type ProcessIdentity, readBootId, readCapabilities, readEnvironment } from "../base/process-identity.js";
import type { TaskUser } from "../base/task-user.js";
import { checkDocument } from "../cli/flow-file.js";
import type { DaemonOptions } from "../cli/world.js";
import { DESCRIPTORS, describeBuiltIn } from "../components/descriptors.js";
import { createFlowController } from "../controller/flow/flow-controller.js";
import { ManifestFolder } from "../controller/manifests/reconciler.js";
import type { Controller } from "../controller/runtime/controller.js";
import { REAL_SCHEDULER } from "../controller/runtime/scheduler.js";
import { grantedDevices } from "../devices/granted.js";
import { DeviceHolds, holdsFolder } from "../devices/holds.js";
import { deviceProvider } from "../devices/inventory.js";
import { type DeviceProvider, NO_READINGS } from "../devices/provider.js";
import { recentReadings } from "../devices/recent-readings.js";
import type { FlowKey } from "../store/agent-services.js";
import { LmdbTable } from "../store/embedded/lmdb-table.js";
import { EventRecorder } from "../store/event-recorder.js";
import type { KubernetesStore } from "../store/kubernetes/kubernetes-store.js";
import { gateWrites } from "../store/socket/gate.js";
import { serveAgent } from "../store/socket/server.js";
import type { Store } from "../store/store.js";
import { openAgentStore } from "./agent-store.js";
import { openKeeper } from "./daemon-keeper.js";
import { outputFiles } from "./flow-snapshot.js";
import { serveHealth } from "./health-server.js";
import { daemonRules } from "./host-rules.js";
import { programPath } from "./keeper-process.js";
import { storeText } from "./metrics.js";
import { serveMetrics } from "./metrics-server.js";
import { DaemonServices } from "./services.js";
import { openStateDir, type StateDir } from "./state-dir.js";
import { environmentFor, findTaskUser, missingGroups, proveReach, unlessOwn } from "./task-user.js";

const OLD_LOGS_MS = 3_600_000;

/** The parts of a running daemon. */
export class AgentDaemon {
  readonly #options: DaemonOptions;
  readonly #dir: StateDir;
  /** Absent: tasks run as the user of this process. */
  readonly #taskUser: TaskUser | undefined;
  /** Ends what was started, the last first. */
  readonly #endings = new Endings();
  #keeper!: KeeperClient;
  /** Who holds the devices: the process whose end frees them. */
  #holder!: ProcessIdentity;
  /** Undefined until it has started. */
  #agent: Agent | undefined;
  #store!: Store;
  #cluster: KubernetesStore | undefined;
  #rules!: TaskRules;
  #isEmpty = false;

  private constructor(options: DaemonOptions, dir: StateDir, taskUser: TaskUser | undefined) {
    this.#options = options;
    this.#dir = dir;
    this.#taskUser = taskUser;
    this.#endings.add(() => dir.release());
  }

  /** @throws OperatorError AGENT_OPTION, AGENT_RUNNING, STATE_DIR_UNUSABLE, STORE_UNREADABLE, KEEPER_VERSION */
  static async start(options: DaemonOptions): Promise<AgentDaemon> {
    const taskUser = options.taskUser === undefined ? undefined : otherUser(options.taskUser);
    const daemon = new AgentDaemon(options, openStateDir(options.stateDir), taskUser);
    try {
      await daemon.#start();
      return daemon;
    } catch (error) {
      await daemon.stop().catch((problem: unknown) => options.log(errorText(problem)));
      throw error;
    }
  }

  /**
   * Ends all parts of the daemon, the last begun first. Tasks that may outlive it run on.
   *
   * @throws OperatorError AGENT_END with whatever kept a part from its end; the others have ended
   */
  async stop(): Promise<void> {
    this.#isEmpty = this.#agent?.keptTasks === 0;
    const problems = (await this.#endings.end()).map(errorText);
    if (problems.length > 0) throw new OperatorError("AGENT_END", { problems });
  }

  /** What its end means for tasks, in words. */
  get outlook(): string {
    const kept = this.#agent?.keptTasks ?? 0;
    if (kept === 0) return "no task was running";
    return this.#keeper.containment === "Pod"
      ? `${kept} tasks run on as long as the Pod does`
      : `${kept} tasks run on and wait for the next agent`;
  }

  get store(): Store {
    return this.#store;
  }

  get #hostName(): string {
    return this.#options.hostName ?? hostname();
  }

  async #start(): Promise<void> {
    const { store, cluster } = await openAgentStore(this.#options, this.#dir.store, this.#hostName);
    this.#store = store;
    this.#cluster = cluster;
    this.#rules = daemonRules(this.#options, this.#hostName, cluster, this.#taskUser);
    this.#endings.add(() => this.#store.close());
    const table = LmdbTable.open<SavedTask | SavedRun>(this.#dir.records, readBootId());
    this.#endings.add(() => table.close());
    await this.#renewKeeper();
    this.#endings.add(() => (this.#isEmpty ? this.#keeper.close({ keepMemory: true }) : this.#keeper.leave()));
    const provider = this.#provider();
    const agent = await this.#startAgent(table, provider);
    this.#agent = agent;
    this.#endings.add(() => agent.stop());
    const controller = this.#isCluster ? undefined : this.#startController();
    if (controller !== undefined) this.#endings.add(() => controller.stop());
    this.#followManifests();
    this.#removeOldLogs(agent);
    await this.#serve(agent, controller, provider);
    if (this.#options.probes !== undefined) {
      const health = await serveHealth({ address: this.#options.probes, unhealthy: () => undefined, unready: () => undefined });
      this.#endings.add(() => health.close());
    }
    const { pid, containment } = this.#keeper;
    this.#options.log(`agent ${process.pid} answers on ${this.#dir.socket}; keeper ${pid}, containment ${containment}`);
  }

  #startAgent(table: LmdbTable<SavedTask | SavedRun>, provider: DeviceProvider): Promise<Agent> {
    const shm = chooseShmBase(this.#options.shmDir, process.env);
    if (shm.warning !== undefined) this.#options.log(`warning: ${shm.warning}`);
    const holds = new DeviceHolds(holdsFolder(process.env), `the agent of ${this.#dir.path}`, () => this.#holder);
    return Agent.start({
      store: this.#store,
      hostName: this.#hostName,
      keeper: this.#keeper,
      clock: REAL_CLOCK,
      stateDir: this.#dir.path,
      shmBase: shm.dir,
      outputsOf: (members) => outputFiles(members, describeBuiltIn),
      workerCommand: [process.execPath, programPath("worker")],
      ...this.#asUser(shm.dir),
      inventory: async () => {
        const found = await provider.list();
        return { ...found, devices: holds.mark(found.devices) };
      },
      holds,
      rules: this.#rules,
      ...(this.#isCluster ? { heartbeat: {} } : {}),
      onNote: (note) => this.#tell(note),
      events: this.#events("videoflow-agent"),
      survival: { journal: journalOn(table), exitsDir: this.#dir.exits, newKeeper: () => this.#renewKeeper() },
    });
  }

  /** @throws OperatorError AGENT_OPTION if the user cannot reach what its tasks need */
  #asUser(shmDir: string): { readonly taskUser?: TaskUser; readonly env?: NodeJS.ProcessEnv } {
    const taskUser = this.#taskUser;
    if (taskUser === undefined) return {};
    const { log, root } = this.#options;
    chmodSync(this.#dir.path, 0o711); // What lies in it is closed by itself.
    const { mayWriteTemporary } = proveReach(taskUser, [this.#dir.path, shmDir, ...(root === undefined ? [] : [root])]);
    const missing = missingGroups(taskUser);
    if (missing !== undefined) log(`warning: ${missing}`);
    log(`tasks run as user ${taskUser.name} (${taskUser.uid}:${taskUser.gid})`);
    return { taskUser, env: environmentFor(taskUser, process.env, mayWriteTemporary) };
  }

  async #renewKeeper(): Promise<KeeperClient> {
    this.#keeper = await openKeeper(this.#dir.path);
    this.#holder = identityOf(this.#keeper.pid ?? 0) ?? this.#holder;
    return this.#keeper;
  }

  #provider(): DeviceProvider {
    const { devicesFile, allowBusy = false } = this.#options;
    const granted = grantedDevices(process.env, listFolder);
    return deviceProvider({
      ...granted,
      ...(devicesFile === undefined ? {} : { file: devicesFile }),
      allowBusy,
      isOwnProcess: (pid) => readEnvironment(pid)?.get(KEEPER_MARKER) === this.#keeper.keeperId,
    });
  }

  #startController(): Controller {
    const controller = createFlowController({
      store: this.#store,
      clock: REAL_CLOCK,
      scheduler: REAL_SCHEDULER,
      prng: new Prng(process.pid),
      describe: describeBuiltIn,
      defaultAdmission: "Wait",
      isScalable: true,
      events: this.#events("videoflow-controller"),
      onError: (flow, problem) => this.#options.log(`controller: ${flow}: ${problem}`),
    });
    controller.start();
    return controller;
  }

  #followManifests(): void {
    const { manifestsDir, log } = this.#options;
    if (manifestsDir === undefined) return;
    const read = async (path: string) => readManifest(path);
    const events = this.#events("videoflow-agent");
    const onProblem = async (key: { readonly namespace: string; readonly name: string }, message: string) => {
      const flow = await this.#store.get({ kind: "VideoFlow", ...key });
      if (flow !== undefined) events.record(flow, { type: "Warning", reason: "ManifestInvalid", message });
    };
    const folder = new ManifestFolder({
      dir: manifestsDir,
      store: this.#isCluster ? this.#store : gateWrites(this.#store), // As for everybody who is not the agent; a cluster's server has limits of its own.
      scheduler: REAL_SCHEDULER,
      read,
      log,
      onProblem: (key, text) => void onProblem(key, text).catch((error: unknown) => log(errorText(error))),
    });
    folder.start();
    this.#endings.add(() => folder.close());
  }

  /** Now, and every hour. In a cluster a flow is there for this host as long as it has tasks here. */
  #removeOldLogs(agent: Agent): void {
    const { log } = this.#options;
    const isThere = async (flow: FlowKey) =>
      agent.knows(flow) || (!this.#isCluster && (await this.#store.get({ kind: "VideoFlow", ...flow })) !== undefined);
    const look = () =>
      void removeOldLogs(this.#dir.path, isThere, REAL_CLOCK.wallMs()).catch((error: unknown) => log(`old logs: ${errorText(error)}`));
    look();
    const timer = setInterval(look, OLD_LOGS_MS);
    timer.unref();
    this.#endings.add(() => clearInterval(timer));
  }

  async #serve(agent: Agent, controller: Controller | undefined, provider: DeviceProvider): Promise<void> {
    const services = new DaemonServices({
      store: this.#store,
      agent,
      hostName: this.#hostName,
      clock: REAL_CLOCK,
      describe: describeBuiltIn,
      isCluster: this.#isCluster,
      stateDir: this.#dir.path,
      version: packageJson.version,
      startedAt: new Date(REAL_CLOCK.wallMs()).toISOString(),
      readings: recentReadings(
        async () => (await provider.readings?.()) ?? NO_READINGS,
        () => performance.now(),
      ),
      keeper: () => this.#keeper,
      ...(this.#taskUser === undefined ? {} : { taskUser: this.#taskUser.name }),
    });
    if (this.#isCluster) this.#answerQueries(agent, services);
    const loops = () => [agent.figures("host"), ...(controller === undefined ? [] : [controller.figures("videoflow")])];
    const { metrics } = this.#options;
    const places = [{ socket: this.#dir.metrics }, ...(metrics === undefined ? [] : [metrics])];
    const server = await serveAgent(this.#dir.socket, { store: this.#store, services });
    this.#endings.add(() => server.close());
    for (const place of places) {
      const served = await serveMetrics({ usage: () => services.usage(), loops, more: () => this.#storeText() }, place);
      this.#endings.add(() => served.close());
    }
  }

  get #isCluster(): boolean {
    return this.#cluster !== undefined;
  }

  #storeText(): string {
    return this.#cluster === undefined ? "" : storeText(this.#cluster.figures);
  }

  #answerQueries(agent: Agent, services: DaemonServices): void {
    const { log } = this.#options;
    const knows = (flow: FlowKey) => agent.knows(flow);
    const queries = new HostQueries({ store: this.#store, services, hostName: this.#hostName, knows, onTrouble: log });
    queries.start();
    this.#endings.add(() => queries.close());
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
    this.#endings.add(() => recorder.close());
    return recorder;
  }

  #tell({ subject, what, message }: AgentNote): void {
    this.#options.log([subject, what, message].filter(Boolean).join(": "));
  }
}

/** @throws OperatorError AGENT_OPTION */
function otherUser(written: string): TaskUser | undefined {
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  return unlessOwn(findTaskUser(written), { uid, gid, capabilities: readCapabilities() });
}

/** A manifest's flows with their paths made absolute, or all of its problems. */
function readManifest(path: string) {
  try {
    const { size } = statSync(path);
    if (size > MAX_MANIFEST_BYTES)
      return { flows: [], problems: [`it has ${size} bytes, a manifest may have ${MAX_MANIFEST_BYTES}: split it`] };
    const { documents, problems } = parseManifests(readFileSync(path, "utf8"), basename(path));
    const checked = documents.map((document) => checkDocument(document, dirname(path), DESCRIPTORS));
    const all = [...problems, ...checked.flatMap((one) => one.problems)];
    return { flows: checked.flatMap((one) => one.flows), problems: all.map(formatProblem) };
  } catch (error) {
    return { flows: [], problems: [errorText(error)] };
  }
}

/** Runs a daemon until this process is told to end. */
export async function runAgent(options: DaemonOptions): Promise<void> {
  process.once("unhandledRejection", (error) => {
    options.log(`ends at once, its tasks run on: ${errorText(error)}`);
    process.exit(1);
  });
  const daemon = await AgentDaemon.start(options);
  const signal = await nextSignal();
  options.log(`${signal}: ending`);
  const { outlook } = daemon;
  await daemon.stop().finally(() => options.log(`ended; ${outlook}`));
}

function nextSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.once(signal, () => resolve(signal));
  });
}

function listFolder(path: string): readonly string[] {
  return existsSync(path) ? readdirSync(path) : [];
}
