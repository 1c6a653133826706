/**
 * What must hold whenever anybody looks, however often agent and keeper were killed: P1, P3 to P6 and D1 to D6, judged from
 * /proc and the stored objects alone. P2 needs a flow that ends with its agent, and has a test of its own.
 */
import { type ChildProcess, spawn } from "node:child_process";
import type { DeviceClaim, FlowTask } from "../../src/api/kinds.js";
import { identityOf, isAlive, type ProcessIdentity, readProcFile } from "../../src/base/process-identity.js";
import { type LiveTask, liveTasks } from "./flow-process.js";
import { runs } from "./processes.js";

/** The stored objects of one moment. */
export interface Stored {
  readonly tasks: readonly FlowTask[];
  readonly claims: readonly DeviceClaim[];
}

const FINAL = ["Succeeded", "Failed", "Stopped"];

export class CrashInvariants {
  readonly violations: string[] = [];
  readonly #flow: string;
  readonly #visible: readonly string[];
  /** Task uid to its final phase. */
  readonly #final = new Map<string, string>();
  /** Task uid to the incarnations that ran their program when its stop was seen in the store. */
  readonly #stopped = new Map<string, ReadonlySet<string>>();
  #stranger: ChildProcess | undefined;

  /** @param visible UUIDs that the agent may grant. */
  constructor(flow: string, visible: readonly string[]) {
    this.#flow = flow;
    this.#visible = visible;
  }

  /** On what /proc shows now, and on the objects if an agent answers. @param when for the message. */
  look(stored: Stored | undefined, when: string): void {
    const live = liveTasks(this.#flow).filter(({ env, pid }) => env.has("VF_INCARNATION") && runs(pid));
    const found = [...oneProcessEach(live), ...oneHolderEach(live), ...this.#onlyVisible(live)];
    if (stored !== undefined) found.push(...this.#againstObjects(live, stored));
    this.#greetStranger(live);
    for (const what of found) this.#violated(`${what} (${when})`);
  }

  /** Who lives now. To be given to {@link adopted} when another agent has answered. */
  alive(): ReadonlyMap<string, ProcessIdentity> {
    const roots = rootsOf(liveTasks(this.#flow).filter(({ env }) => env.has("VF_INCARNATION")));
    return new Map([...roots].flatMap(([id, { pid }]) => (programOf(pid) ? identified(id, pid) : [])));
  }

  /** P3: whoever ran when the agent died runs on under the next one: same pid, same start time. */
  adopted(before: ReadonlyMap<string, ProcessIdentity>, when: string): void {
    for (const [id, identity] of before) if (!isAlive(identity)) this.#violated(`P3: ${id}, pid ${identity.pid}, is gone (${when})`);
  }

  /** P4: a stranger whose variables are those of a task was never signalled. */
  end(): void {
    if (this.#stranger === undefined) return;
    if (this.#stranger.exitCode !== null || this.#stranger.signalCode !== null) this.#violated("P4: a stranger was signalled");
    this.#stranger.kill("SIGKILL");
  }

  /** Somebody else's process with the marks of an incarnation, which no keeper has started. */
  #greetStranger(live: readonly LiveTask[]): void {
    const [id] = rootsOf(live).keys();
    if (this.#stranger !== undefined || id === undefined) return;
    this.#stranger = spawn("sleep", ["1000"], { stdio: "ignore", detached: true, env: { VF_INCARNATION: id } });
  }

  #againstObjects(live: readonly LiveTask[], { tasks, claims }: Stored): string[] {
    const roots = rootsOf(live);
    const still = [...roots].filter(([, { pid }]) => runs(pid)); // Those that ended while the objects were read prove nothing.
    const problems = still.flatMap(([id, root]) => {
      const task = tasks.find(({ metadata }) => metadata.uid === uidOf(id));
      return task === undefined
        ? []
        : [...this.#mayRun(id, root, task), ...restartsTold(id, root, task), ...seesItsClaim(root, task, claims)];
    });
    for (const task of tasks) this.#remember(task, roots);
    return [...problems, ...this.#finalStays(tasks), ...withinDevices(claims), ...allOrNothing(still.length, tasks, claims)];
  }

  /** P5 and P6: nobody begins after a stop was recorded, or after the end. */
  #mayRun(id: string, { pid }: LiveTask, { metadata }: FlowTask): string[] {
    if (!programOf(pid)) return [];
    const allowed = this.#stopped.get(metadata.uid);
    if (allowed !== undefined && !allowed.has(id)) return [`P5: ${id} was started after the stop of ${metadata.name} was recorded`];
    const final = this.#final.get(metadata.uid);
    return final === "Succeeded" ? [`P6: ${id} runs, but ${metadata.name} had ${final}`] : [];
  }

  #remember({ metadata, spec, status }: FlowTask, roots: ReadonlyMap<string, LiveTask>): void {
    const { uid, deletionTimestamp } = metadata;
    const stops = spec.desiredState === "Stopped" || deletionTimestamp !== undefined;
    const running = [...roots].filter(([id, { pid }]) => uidOf(id) === uid && (programOf(pid) || runs(pid))).map(([id]) => id);
    if (stops && !this.#stopped.has(uid)) this.#stopped.set(uid, new Set(running));
    if (status?.phase !== undefined && FINAL.includes(status.phase) && !this.#final.has(uid)) this.#final.set(uid, status.phase);
  }

  /** P6 */
  #finalStays(tasks: readonly FlowTask[]): string[] {
    return tasks.flatMap(({ metadata, status }) => {
      const final = this.#final.get(metadata.uid);
      return final === undefined || final === status?.phase ? [] : [`P6: ${metadata.name} was ${final} and is ${status?.phase}`];
    });
  }

  /** D6 */
  #onlyVisible(live: readonly LiveTask[]): string[] {
    return live.flatMap((task) =>
      gpusOf(task)
        .filter((uuid) => !this.#visible.includes(uuid))
        .map((uuid) => `D6: ${task.node} has ${uuid}`),
    );
  }

  #violated(what: string): void {
    if (!this.violations.includes(what)) this.violations.push(what);
  }
}

/** P1 */
function oneProcessEach(live: readonly LiveTask[]): string[] {
  const names = [...rootsOf(live).values()].map(({ node, index }) => `${node}.${index}`);
  return names.filter((name, at) => names.indexOf(name) !== at).map((name) => `P1: ${name} has two processes`);
}

/** D1 and D3: all processes that see a device are of one incarnation of one task, descendants too. */
function oneHolderEach(live: readonly LiveTask[]): string[] {
  const holders = new Map<string, string>();
  return live.flatMap((task) => {
    const id = task.env.get("VF_INCARNATION") as string;
    return gpusOf(task).flatMap((uuid) => {
      const other = holders.get(uuid) ?? id;
      holders.set(uuid, other);
      return other === id ? [] : [`D1, D3: ${uuid} is with ${other} and ${id}`];
    });
  });
}

/** P3: the restarts that are told are those that were. */
function restartsTold(id: string, { pid }: LiveTask, { metadata, status }: FlowTask): string[] {
  const incarnation = Number(id.slice(id.lastIndexOf(".") + 1));
  if (status?.pid !== pid || status.restarts === incarnation) return [];
  return [`P3: ${metadata.name} tells ${status.restarts} restarts, but its process is number ${incarnation}`];
}

/** D4: the environment lists exactly the claim. */
function seesItsClaim(root: LiveTask, { metadata, spec }: FlowTask, claims: readonly DeviceClaim[]): string[] {
  const claim = claims.find((one) => one.metadata.name === spec.claim && one.metadata.namespace === metadata.namespace);
  if (spec.claim !== undefined && claim?.status?.allocation === undefined) return [];
  const wanted = claim?.status?.allocation?.devices ?? [];
  const seen = root.env.get("CUDA_VISIBLE_DEVICES");
  return seen === (wanted.join(",") || "-1") ? [] : [`D4: ${metadata.name} sees ${seen}, its claim has ${wanted.join(",")}`];
}

/** D1 and D2: one exclusive claim, or shared ones, on a device. */
function withinDevices(claims: readonly DeviceClaim[]): string[] {
  const holders = claims.flatMap((claim) => (claim.status?.allocation?.devices ?? []).map((uuid) => ({ uuid, claim })));
  return holders.flatMap(({ uuid, claim }) => {
    const others = holders.filter((other) => other.uuid === uuid && other.claim !== claim);
    const isShared = [claim, ...others.map((other) => other.claim)].every(({ spec }) => spec.sharing === "Shared");
    return others.length === 0 || isShared ? [] : [`D1, D2: ${uuid} is in ${1 + others.length} claims`];
  });
}

/** D5: while a process lives, the claim of every task of the flow is decided. */
function allOrNothing(live: number, tasks: readonly FlowTask[], claims: readonly DeviceClaim[]): string[] {
  if (live === 0) return [];
  return tasks.flatMap(({ metadata, spec }) => {
    const claim = claims.find((one) => one.metadata.name === spec.claim && one.metadata.namespace === metadata.namespace);
    const isOpen = spec.claim !== undefined && claim !== undefined && claim.status?.allocation === undefined;
    return isOpen ? [`D5: the flow runs, and the claim ${claim.metadata.name} is not decided`] : [];
  });
}

/** The root of each incarnation: the first of its processes. */
function rootsOf(live: readonly LiveTask[]): Map<string, LiveTask> {
  const roots = new Map<string, LiveTask>();
  for (const task of live) {
    const id = task.env.get("VF_INCARNATION") as string;
    if (!roots.has(id)) roots.set(id, task);
  }
  return roots;
}

/** Whether the process has left its gate. */
function programOf(pid: number): boolean {
  const line = readProcFile(`/proc/${pid}/cmdline`) ?? "";
  return line !== "" && !/^(\/bin\/sh|\S*setpriv)\0/.test(line);
}

function identified(id: string, pid: number): (readonly [string, ProcessIdentity])[] {
  const identity = identityOf(pid);
  return identity === undefined ? [] : [[id, identity]];
}

function gpusOf({ env }: LiveTask): string[] {
  return (env.get("CUDA_VISIBLE_DEVICES") ?? "").split(",").filter((uuid) => uuid.startsWith("GPU"));
}

function uidOf(id: string): string {
  return id.slice(0, id.lastIndexOf("."));
}
