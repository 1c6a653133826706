/**
 * D1 to D6 and P1, P4, P6 for several flows: judged after every single write that the store has ever taken, and from the environments
 * of all live processes.
 */
import { type ChildProcess, spawn } from "node:child_process";
import type { DeviceClaim, FlowTask } from "../../src/api/kinds.js";
import type { ProcessIdentity } from "../../src/base/process-identity.js";
import { type LiveTask, liveTasks } from "./flow-process.js";
import { runs } from "./processes.js";
import { type State, StoreHistory } from "./store-history.js";

const FINAL = ["Succeeded", "Failed", "Stopped"];
const DECIDED = ["Allocated", "CpuFallback"];

export interface DeviceWorld {
  readonly flows: readonly string[];
  /** UUIDs that the agent may grant. */
  readonly visible: readonly string[];
  /** Of each device. */
  readonly memoryMiB: number;
  /** The copy beside the agent's database. */
  readonly history: string;
}

/** What a history was seen to contain, so that a test can say that it met what it is about. */
export interface Met {
  /** Most claims that shared a device. */
  shared: number;
  /** Most devices of one claim. */
  devices: number;
  fallbacks: number;
  waits: number;
}

export class DeviceInvariants {
  readonly violations: string[] = [];
  readonly met: Met = { shared: 0, devices: 0, fallbacks: 0, waits: 0 };
  readonly #world: DeviceWorld;
  readonly #history: StoreHistory;
  /** Task uid to its final phase. */
  readonly #final = new Map<string, string>();
  #stranger: ChildProcess | undefined;
  #when = "";

  constructor(world: DeviceWorld) {
    this.#world = world;
    this.#history = new StoreHistory(world.history, (state) => this.#judge(state));
  }

  get writes(): number {
    return this.#history.writes;
  }

  /** Processes first, then all that was written, then the processes again: who lives at both ends lived at the last write. */
  look(_stored: unknown, when: string): void {
    this.#when = when;
    const seen = this.#processes();
    const state = this.#history.read();
    const live = seen.filter(({ pid }) => runs(pid));
    for (const what of [...oneProcessEach(live), ...this.#environments(live, state)]) this.#violated(what);
    this.#greetStranger(live);
  }

  alive(): ReadonlyMap<string, ProcessIdentity> {
    return new Map();
  }

  adopted(): void {}

  /** P4 */
  end(): void {
    this.#history.close();
    if (this.#stranger === undefined) return;
    if (this.#stranger.exitCode !== null || this.#stranger.signalCode !== null) this.#violated("P4: a stranger was signalled");
    this.#stranger.kill("SIGKILL");
  }

  #processes(): LiveTask[] {
    return this.#world.flows.flatMap((flow) => liveTasks(flow)).filter(({ env, pid }) => env.has("VF_INCARNATION") && runs(pid));
  }

  /** Somebody else's process with all that an incarnation has in its environment, devices too. */
  #greetStranger(live: readonly LiveTask[]): void {
    const model = live.find((task) => gpusOf(task).length > 0);
    if (this.#stranger !== undefined || model === undefined) return;
    const env = { VF_INCARNATION: model.env.get("VF_INCARNATION") as string, CUDA_VISIBLE_DEVICES: gpusOf(model).join() };
    this.#stranger = spawn("sleep", ["1000"], { stdio: "ignore", detached: true, env });
  }

  #judge(state: State): void {
    const objects = [...state.values()];
    const tasks = objects.filter((object) => object.kind === "FlowTask") as FlowTask[];
    const claims = objects.filter((object) => object.kind === "DeviceClaim") as DeviceClaim[];
    const live = liveClaims(tasks, claims);
    for (const what of [...this.#grants(live), ...this.#known(claims), ...decided(tasks, claims), ...this.#finals(tasks)])
      this.#violated(what);
    this.met.devices = Math.max(this.met.devices, ...claims.map(({ status }) => status?.allocation?.devices.length ?? 0));
    this.met.fallbacks = Math.max(this.met.fallbacks, claims.filter(({ status }) => status?.reason === "CpuFallback").length);
    this.met.waits = Math.max(this.met.waits, claims.filter(({ status }) => status?.reason === "WaitingForDevices").length);
  }

  /** D1 and D2 */
  #grants(claims: readonly DeviceClaim[]): string[] {
    return this.#world.visible.flatMap((uuid) => {
      const own = claims.filter(({ status }) => status?.allocation?.devices.includes(uuid));
      const names = own.map(({ metadata }) => metadata.name).join(" and ");
      const usedMiB = own.reduce((sum, { status }) => sum + (status?.allocation?.memoryMiB ?? this.#world.memoryMiB), 0);
      const isShared = own.every(({ spec }) => spec.sharing === "Shared");
      this.met.shared = Math.max(this.met.shared, isShared ? own.length : 0);
      if (own.length > 1 && !isShared) return [`D1: ${uuid} is granted to ${names}`];
      return usedMiB > this.#world.memoryMiB ? [`D2: ${usedMiB} MiB of ${uuid} are granted to ${names}`] : [];
    });
  }

  /** D6 */
  #known(claims: readonly DeviceClaim[]): string[] {
    return claims.flatMap(({ metadata, status }) =>
      (status?.allocation?.devices ?? []).flatMap((uuid) =>
        this.#world.visible.includes(uuid) ? [] : [`D6: ${metadata.name} was granted ${uuid}`],
      ),
    );
  }

  /** P6 */
  #finals(tasks: readonly FlowTask[]): string[] {
    return tasks.flatMap(({ metadata, status }) => {
      const before = this.#final.get(metadata.uid);
      if (status?.phase !== undefined && FINAL.includes(status.phase) && before === undefined) this.#final.set(metadata.uid, status.phase);
      return before === undefined || before === status?.phase ? [] : [`P6: ${metadata.name} was ${before} and is ${status?.phase}`];
    });
  }

  /** D3, D4 and D6: what a live process sees is what its claim holds, and is in no claim that it is not shared with. */
  #environments(live: readonly LiveTask[], state: State): string[] {
    const tasks = new Map(
      [...state.values()].flatMap((object) => (object.kind === "FlowTask" ? [[object.metadata.uid, object as FlowTask]] : [])),
    );
    const claims = [...state.values()].filter((object) => object.kind === "DeviceClaim") as DeviceClaim[];
    const granted = liveClaims([...tasks.values()], claims);
    return live.flatMap((process) => {
      const id = process.env.get("VF_INCARNATION") as string;
      const task = tasks.get(id.slice(0, id.lastIndexOf(".")));
      const own = claims.find(({ metadata }) => metadata.name === task?.spec.claim);
      const [sees, holds] = [process.env.get("CUDA_VISIBLE_DEVICES"), own?.status?.allocation?.devices ?? []];
      const others = granted.filter(
        (claim) => claim !== own && claim.status?.allocation?.devices.some((uuid) => gpusOf(process).includes(uuid)),
      );
      const isAlone = others.every(({ spec }) => spec.sharing === "Shared" && own?.spec.sharing === "Shared");
      return [
        ...(task === undefined || sees === (holds.join() || "-1")
          ? []
          : [`D4: ${task.metadata.name} sees ${sees}, its claim holds ${holds}`]),
        ...(isAlone ? [] : [`D3: ${process.node} of ${id} lives with ${sees}, granted to ${others.map(({ metadata }) => metadata.name)}`]),
        ...gpusOf(process).flatMap((uuid) => (this.#world.visible.includes(uuid) ? [] : [`D6: ${process.node} sees ${uuid}`])),
      ];
    });
  }

  #violated(what: string): void {
    if (!this.violations.some((known) => known.startsWith(what))) this.violations.push(`${what} (write ${this.writes}, ${this.#when})`);
  }
}

/** A claim holds its devices until its task is final. */
function liveClaims(tasks: readonly FlowTask[], claims: readonly DeviceClaim[]): DeviceClaim[] {
  const ended = new Set(tasks.filter(({ status }) => FINAL.includes(status?.phase ?? "")).map(({ metadata }) => metadata.name));
  return claims.filter(({ metadata, status }) => status?.allocation !== undefined && !ended.has(metadata.name));
}

/** D5: once a flow has a task that may run, all of its claims are decided, and the required ones granted. */
function decided(tasks: readonly FlowTask[], claims: readonly DeviceClaim[]): string[] {
  const flows = new Set(
    tasks
      .filter(
        ({ metadata, spec, status }) =>
          metadata.deletionTimestamp === undefined && spec.desiredState === "Running" && !FINAL.includes(status?.phase ?? ""),
      )
      .map(({ spec }) => spec.flow),
  );
  return claims
    .filter(({ spec }) => flows.has(spec.flow))
    .filter(({ spec, status }) => (spec.required ? status?.allocation === undefined : !DECIDED.includes(status?.reason ?? "")))
    .map(({ metadata, spec, status }) => `D5: ${spec.flow} has tasks, and ${metadata.name} is ${status?.reason ?? "not decided"}`);
}

/** P1 */
function oneProcessEach(live: readonly LiveTask[]): string[] {
  const roots = new Map<string, LiveTask>();
  for (const task of live) if (!roots.has(task.env.get("VF_INCARNATION") ?? "")) roots.set(task.env.get("VF_INCARNATION") ?? "", task);
  const names = [...roots.values()].map(({ env, node, index }) => `${env.get("VF_FLOW_ID")}.${node}.${index}`);
  return names.filter((name, at) => names.indexOf(name) !== at).map((name) => `P1: ${name} has two processes`);
}

function gpusOf({ env }: LiveTask): string[] {
  return (env.get("CUDA_VISIBLE_DEVICES") ?? "").split(",").filter((uuid) => uuid.startsWith("GPU"));
}
