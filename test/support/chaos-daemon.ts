/** What stands above the tasks of a flow, killed at random: the agent, which comes back, and the keeper, which the agent replaces. */
import { Prng } from "../../src/base/prng.js";
import type { ChaosTarget } from "./chaos.js";
import { holdProcess } from "./chaos-process.js";
import { type DaemonPlace, keeperIdentity } from "./daemon.js";
import type { Ended } from "./flow-process.js";

export type Supervisor = "agent" | "keeper";

/** The agent stays away for up to so long: its tasks die meanwhile, and nobody starts them again. */
const AWAY_MS = 400;
/** One agent in so many dies again while it starts. */
const STARTING = 0.3;
const STARTING_MS = 500;
const LOOK_MS = 50;

/** The flow of a daemon that was applied. */
export class ChaosDaemon implements ChaosTarget {
  readonly #daemon: DaemonPlace;
  readonly #prng: Prng;
  /** Settles when the flow has ended, with what its status says, as a command in the foreground would. */
  readonly ended: Promise<Ended>;
  #comesBack: Promise<void> = Promise.resolve();
  #isAway = false;

  constructor(daemon: DaemonPlace, seed: number) {
    this.#daemon = daemon;
    this.#prng = new Prng(seed);
    this.ended = this.#flowEnds();
  }

  get output(): string {
    return this.#daemon.agent.output;
  }

  killAbove(): Supervisor | undefined {
    return this.#prng.chance(0.5) && !this.#isAway ? this.#killAgent() : this.#killKeeper();
  }

  #killAgent(): Supervisor {
    this.#isAway = true;
    this.#daemon.agent.child.kill("SIGKILL");
    this.#comesBack = this.#restart();
    this.#comesBack.catch(() => {}); // Who asks for the end hears of it.
    return "agent";
  }

  async #restart(): Promise<void> {
    let diesAgain: boolean;
    do {
      await this.#daemon.agent.ended;
      await pause(this.#prng.range(0, AWAY_MS));
      const starts = this.#daemon.start();
      diesAgain = this.#prng.chance(STARTING);
      if (diesAgain) {
        await pause(this.#prng.range(0, STARTING_MS));
        this.#daemon.agent.child.kill("SIGKILL");
      }
      await starts;
    } while (diesAgain);
    this.#isAway = false;
  }

  #killKeeper(): Supervisor | undefined {
    const identity = keeperIdentity(this.#daemon.stateDir);
    const keeper = identity && holdProcess(identity);
    const isKilled = keeper?.kill() === true;
    keeper?.release();
    return isKilled ? "keeper" : undefined;
  }

  async #flowEnds(): Promise<Ended> {
    for (;;) {
      await this.#comesBack;
      const status = await this.#statusIfServed();
      if (status !== undefined) return { code: status.state === "Succeeded" ? 0 : 1, out: JSON.stringify(status), err: this.output };
      await pause(LOOK_MS);
    }
  }

  /** @returns undefined while the flow runs, and while no agent answers because it was killed. */
  async #statusIfServed() {
    const { agent } = this.#daemon;
    try {
      const status = (await this.#daemon.flow())?.status;
      return ["Succeeded", "Failed"].includes(status?.state ?? "") ? status : undefined;
    } catch (error) {
      if (agent.child.signalCode === "SIGKILL" || this.#isAway) return undefined;
      throw error;
    }
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resume) => setTimeout(resume, ms));
}
