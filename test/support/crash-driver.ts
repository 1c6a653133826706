/**
 * Leads flows through their lives while agent and keeper are killed at named points, and looks all the time whether what
 * must never be is.
 */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { CRASH_AT, CRASH_FILE } from "../../src/base/crash-point.js";
import { type ProcessIdentity, readEnvironment } from "../../src/base/process-identity.js";
import { CrashInvariants, type Stored } from "./crash-invariants.js";
import { type DaemonPlace, endAfter, readSmall, smallArrivals } from "./daemon.js";
import { liveTasks, type Workplace } from "./flow-process.js";
import { runs } from "./processes.js";

const STEP_MS = 120_000;

/** Points in the order in which a flow's life reaches them, so that one life can take many deaths. */
const ORDER = [
  /Host/,
  /adopt/,
  /create\.VideoFlow/,
  /update\.VideoFlow/,
  /create\.DeviceClaim/,
  /updateStatus\.DeviceClaim/,
  /create\.FlowTask/,
  /updateStatus\.VideoFlow/,
  /updateStatus\.FlowTask/,
  /memory/,
  /spawn/,
  /go/,
  /exit/,
  /delete\.VideoFlow/,
  /kill/,
  /update\.FlowTask/,
  /delete\.FlowTask/,
  /delete\.DeviceClaim/,
];

/** @returns the points in the order of a flow's life. */
export function inOrderOfLife(points: readonly string[]): string[] {
  const place = (point: string) => ORDER.findIndex((pattern) => pattern.test(point));
  return points.toSorted((a, b) => place(a) - place(b));
}
const pause = (ms: number) => new Promise((resume) => setTimeout(resume, ms));

/** Looks whether what must never be is. */
export interface Watcher {
  readonly violations: string[];
  /** @param stored undefined while no agent answers. */
  look(stored: Stored | undefined, when: string): void;
  /** Who must live on when another agent has answered. */
  alive(): ReadonlyMap<string, ProcessIdentity>;
  adopted(before: ReadonlyMap<string, ProcessIdentity>, when: string): void;
  end(): void;
}

export class CrashDriver {
  readonly #invariants: Watcher;
  readonly #visible: readonly string[];
  /** Pids that {@link kill} has ended. */
  readonly #killed = new Set<number>();
  /** Nothing ends a task now but its own death: who lives when an agent dies must live on. */
  isSettled = false;
  readonly #daemon: DaemonPlace;
  readonly #args: readonly string[];
  readonly #points: string[];
  readonly #file: string;
  readonly #who: "agent" | "keeper";
  #armed: string | undefined;
  #isUp = false;

  /**
   * @param args of the agent.
   * @param points in the order in which they should be reached.
   * @param visible UUIDs that the agent may grant.
   * @param invariants that are looked at all the time.
   * @param who passes them. A keeper knows the point that was chosen when it was started: another one is started for each.
   */
  constructor(
    place: Workplace,
    daemon: DaemonPlace,
    args: readonly string[],
    points: readonly string[],
    visible: readonly string[],
    who: "agent" | "keeper" = "agent",
    invariants: Watcher = new CrashInvariants(place.flow, visible),
  ) {
    this.#visible = visible;
    this.#invariants = invariants;
    this.#who = who;
    this.#daemon = daemon;
    this.#args = args;
    this.#points = [...points];
    this.#file = place.path("crashed");
  }

  get violations(): string[] {
    return this.#invariants.violations;
  }

  /** Ends a task, as a crash of its own would. */
  kill(pid: number): void {
    this.#killed.add(pid);
    process.kill(pid, "SIGKILL");
  }

  /** Ends what it started to compare with. */
  end(): void {
    this.#invariants.end();
  }

  /** Points at which a process was killed, in order. */
  get hit(): string[] {
    return existsSync(this.#file) ? readFileSync(this.#file, "utf8").split("\n").filter(Boolean) : [];
  }

  /** The point that is armed now; undefined when all were hit. */
  get armed(): string | undefined {
    return this.#armed !== undefined && this.hit.includes(this.#armed) ? this.#points[0] : this.#armed;
  }

  get isDone(): boolean {
    return this.#points.length === 0 && (this.#armed === undefined || this.hit.includes(this.#armed));
  }

  /** Tries until it succeeds; an agent that is dead is started again, with the next point. */
  async step(what: string, attempt: () => Promise<boolean> | boolean): Promise<void> {
    const endMs = Date.now() + STEP_MS;
    while (Date.now() < endMs) {
      await this.#ensureAgent();
      await this.#look();
      if (this.violations.length > 0) throw new Error(`before "${what}":\n${this.violations.join("\n")}`); // What comes after is not worth much.
      try {
        if (await attempt()) return;
      } catch (error) {
        await pause(300); // Its end may not have been told yet.
        if (this.#lives()) throw new Error(`${what}: ${String(error)}\n${this.#daemon.agent.output}`, { cause: error });
      }
      await pause(20);
    }
    const flow = JSON.stringify((await this.#daemon.flow().catch(() => undefined))?.status, undefined, 1);
    throw new Error(`${what} did not happen; armed ${this.#armed}; hit ${this.hit.join(" ")}\n${flow}\n${this.#daemon.agent.output}`);
  }

  #lives(): boolean {
    const { exitCode, signalCode } = this.#daemon.agent.child;
    return exitCode === null && signalCode === null;
  }

  async #ensureAgent(): Promise<void> {
    if (this.#who === "keeper" && this.#isUp && this.#armed !== undefined && this.hit.includes(this.#armed)) await this.#endBoth();
    while (!this.#isUp || !this.#lives()) {
      if (this.#armed === undefined || this.hit.includes(this.#armed)) this.#armed = this.#points.shift();
      const crash = this.#armed === undefined ? {} : { [CRASH_AT]: this.#armed, [CRASH_FILE]: this.#file };
      const env = { CUDA_VISIBLE_DEVICES: this.#visible.join(","), ...crash };
      const before = this.#who === "agent" && this.#isUp && this.isSettled ? this.#invariants.alive() : new Map<string, ProcessIdentity>();
      this.#isUp = true;
      await this.#daemon.start(this.#args, { env });
      const spared = new Map([...before].filter(([, { pid }]) => !this.#killed.has(pid)));
      this.#invariants.adopted(spared, `after ${this.hit.at(-1)}`);
      if (this.#who === "keeper") this.#renewKeeper();
    }
  }

  /** A keeper that was started with another point makes room for one with this. */
  #renewKeeper(): void {
    const { keeperPid } = this.#daemon;
    if (runs(keeperPid) && readEnvironment(keeperPid)?.get(CRASH_AT) !== this.#armed) process.kill(keeperPid, "SIGKILL");
  }

  /** So that the next keeper is started with the next point. */
  async #endBoth(): Promise<void> {
    await this.#daemon.destroy();
    await pause(50);
  }

  async #look(): Promise<void> {
    this.#invariants.look(await this.#stored(), `armed ${this.#armed}`);
  }

  /** Undefined while no agent answers. */
  async #stored(): Promise<Stored | undefined> {
    try {
      return await this.#daemon.withStore(async (store) => ({
        tasks: await store.list("FlowTask"),
        claims: await store.list("DeviceClaim"),
      }));
    } catch {
      return undefined; // It died meanwhile.
    }
  }
}

/** One flow from its application to its removal; its tasks die on the way, and it ends by itself or is deleted at work. */
export async function leadFlow(driver: CrashDriver, place: Workplace, daemon: DaemonPlace, file: string, finishes: boolean): Promise<void> {
  for (const left of ["lines", "until"]) rmSync(place.path(left), { force: true });
  await driver.step("apply", async () => {
    if ((await daemon.flow()) === undefined) await daemon.apply(file);
    return true;
  });
  const count = () => readSmall(place).length;
  await driver.step("the flow works", () => count() > 5);
  driver.isSettled = true;
  for (let deaths = 0; deaths === 0 || (deaths < 4 && driver.armed?.includes("exit")); deaths += 1) {
    const doomed = driver.armed?.includes("prepared") ? "source" : "pick"; // What holds a device gets no gate before it is asked for.
    const victim = liveTasks(place.flow).find(({ node }) => node === doomed);
    if (victim !== undefined) driver.kill(victim.pid);
    const before = count();
    await driver.step("the flow works again", () => count() > before + 5);
  }
  driver.isSettled = false;
  if (finishes && !driver.armed?.includes("kill")) await finish(driver, place, daemon, (readSmall(place).at(-1) ?? 0) + 200);
  // One that hangs does not drain: it must be ended.
  if (driver.armed?.includes("kill"))
    for (const { pid } of liveTasks(place.flow).filter(({ node }) => node === "pick")) process.kill(pid, "SIGSTOP");
  await driver.step("delete", async () => {
    await daemon.remove();
    return true;
  });
  await driver.step("the flow is gone", async () => (await daemon.flow()) === undefined && (await daemon.tasks()).length === 0);
  await driver.step("its processes are gone", () => liveTasks(place.flow).length === 0);
}

async function finish(driver: CrashDriver, place: Workplace, daemon: DaemonPlace, messages: number): Promise<void> {
  endAfter(place, messages);
  await driver.step("the flow ends", async () => ["Succeeded", "Failed"].includes((await daemon.flow())?.status?.state ?? ""));
  const state = (await daemon.flow().catch(() => undefined))?.status?.state ?? "Succeeded";
  const [found, wanted] = [readSmall(place), smallArrivals(messages)];
  if (state !== "Succeeded" || JSON.stringify(found) !== JSON.stringify(wanted)) {
    const tasks = (await daemon.tasks().catch(() => [])).map(({ metadata, status }) => `${metadata.name} ${JSON.stringify(status)}`);
    driver.violations.push(
      `M1, M2: ${state}, ${found.join(" ")} instead of ${wanted.length} messages (armed ${driver.armed})\n${tasks.join("\n")}\n${daemon.agent.output}`,
    );
  }
}
