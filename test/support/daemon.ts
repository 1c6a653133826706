/** Runs `videoflow agent` as a service manager does, kills it, and looks at what it keeps. */
import { existsSync, readFileSync, renameSync } from "node:fs";
import { resolve } from "node:path";

import type { FlowTask, VideoFlow } from "../../src/api/kinds.js";
import { parseManifests } from "../../src/api/parse.js";
import type { ProcessIdentity } from "../../src/base/process-identity.js";
import { signalProcess } from "../../src/base/process-signal.js";
import { checkDocument } from "../../src/cli/flow-file.js";
import { DESCRIPTORS } from "../../src/components/descriptors.js";
import { SocketStore } from "../../src/store/socket/client.js";
import { fileSink } from "./chaos-flow.js";
import { type Ended, eventually, type FlowProcess, type Surroundings, type Workplace, writeManifest } from "./flow-process.js";

const NODES = resolve("test/fixtures/components/chaos.mjs");
/** One each 50 ms: what does not come within a minute never does. */
const MANY_LOOKS = 1_200;

/**
 * source → pick → sink, a message every few milliseconds, until the file `until` says after how many it ends.
 *
 * @param spec further fields of the flow's spec.
 * @param nodes further fields of its nodes, by name.
 */
export function writeSmallFlow(place: Workplace, spec: object = {}, nodes: Readonly<Record<string, object>> = {}): string {
  const restart = { initialBackoffSeconds: 0, maxBackoffSeconds: 0.05, maxRestarts: 1_000_000 };
  const patient = { restart, retries: 1000, terminationGracePeriodSeconds: 2 };
  return writeManifest(
    place,
    [
      {
        ...patient,
        name: "source",
        role: "Producer",
        component: `${NODES}#Source`,
        params: { ms: 5, until: place.path("until") },
        ...nodes["source"],
      },
      { ...patient, name: "pick", role: "Processor", inputs: ["source"], component: `${NODES}#Pick`, params: { ms: 1 }, ...nodes["pick"] },
      { ...patient, name: "sink", role: "Consumer", inputs: ["pick"], ...fileSink(place), ...nodes["sink"] },
    ],
    spec,
  );
}

/** Lets the small flow end after so many messages. The source must not see half of the number. */
export function endAfter(place: Workplace, messages: number): void {
  renameSync(place.write("until.tmp", String(messages)), place.path("until"));
}

/** What a small flow of so many messages writes: all numbers but those that `pick` leaves out. */
export function smallArrivals(messages: number): number[] {
  return Array.from({ length: messages }, (_, number) => number).filter((number) => number % 5 !== 3);
}

/** What the small flow has written, in order. */
export function readSmall(place: Workplace): number[] {
  return place.lines("lines").map((line) => (JSON.parse(line) as { payload: number }).payload);
}

/** A state folder and the agents that run on it, one after the other. */
export interface DaemonPlace {
  readonly stateDir: string;
  /** The agent that was started last. */
  readonly agent: FlowProcess;
  readonly keeperPid: number;
  /** Starts an agent and waits until it answers. */
  start(args?: readonly string[], surroundings?: Surroundings): Promise<FlowProcess>;
  /** SIGKILL to the agent alone. */
  killAgent(): Promise<void>;
  /** Calls `use` with a store that the agent serves. */
  withStore<T>(use: (store: SocketStore) => Promise<T>): Promise<T>;
  apply(file: string): Promise<void>;
  flow(name?: string): Promise<VideoFlow | undefined>;
  tasks(): Promise<FlowTask[]>;
  /** Waits until the first task of a node is as wanted. */
  task(node: string, isWanted: (task: FlowTask) => boolean): Promise<FlowTask>;
  /** Waits until the flow's state is one of these. */
  reached(...states: readonly string[]): Promise<VideoFlow>;
  setState(desiredState: "Running" | "Stopped"): Promise<void>;
  remove(): Promise<void>;
  /** Runs a command that talks to the agent. @returns what it printed. @throws Error unless it ends with 0. */
  cli(...args: readonly string[]): Promise<string>;
  /** Ends the agent in order. @returns how that went; undefined if there was none. */
  end(): Promise<Ended | undefined>;
  /** SIGKILL to agent and keeper, so that nothing is left of their tasks. */
  destroy(): Promise<void>;
}

/** The keeper that serves, or served last; undefined before there was one, and after it ended in order. */
export function keeperIdentity(stateDir: string): ProcessIdentity | undefined {
  const file = `${stateDir}/keeper.json`;
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as { identity: ProcessIdentity }).identity : undefined;
}

/** @param place removes all of it, processes included, in the end: every one has its TMPDIR. */
export function daemonPlace(place: Workplace): DaemonPlace {
  const stateDir = place.path("state");
  let agent: FlowProcess | undefined;
  const socket = `${stateDir}/agent.sock`;
  const key = (name: string) => ({ kind: "VideoFlow", namespace: "default", name }) as const;

  const self: DaemonPlace = {
    stateDir,
    get agent() {
      return agent as FlowProcess;
    },
    get keeperPid() {
      return keeperIdentity(stateDir)?.pid ?? 0;
    },
    async start(args = [], surroundings = {}) {
      const started = place.start(["agent", "--state-dir", stateDir, "--shm", place.shm, ...args], surroundings);
      agent = started;
      await eventually(
        () => `the agent to answer:\n${started.output}`,
        () => started.output.includes("answers on") || started.child.exitCode !== null || started.child.signalCode !== null,
      );
      return started;
    },
    async killAgent() {
      agent?.child.kill("SIGKILL");
      await agent?.ended;
    },
    async withStore(use) {
      const store = await SocketStore.connect(socket);
      try {
        return await use(store);
      } finally {
        await store.close();
      }
    },
    async apply(file) {
      await self.withStore(async (store) => {
        for (const document of parseManifests(readFileSync(file, "utf8"), file).documents) {
          const { flows, problems } = checkDocument(document, place.dir, DESCRIPTORS);
          if (problems.length > 0) throw new Error(JSON.stringify(problems));
          for (const flow of flows) await store.create(flow);
        }
      });
    },
    flow: (name = place.flow) => self.withStore((store) => store.get(key(name))),
    tasks: () => self.withStore((store) => store.list("FlowTask")),
    async task(node, isWanted) {
      for (let looks = 0; looks < MANY_LOOKS; looks += 1) {
        const task = (await self.tasks()).find(({ spec }) => spec.node === node && spec.index === 0);
        if (task !== undefined && isWanted(task)) return task;
        await new Promise((resume) => setTimeout(resume, 50));
      }
      throw new Error(`task ${node} is not as wanted: ${JSON.stringify(await self.tasks())}`);
    },
    async reached(...states) {
      for (let looks = 0; looks < MANY_LOOKS; looks += 1) {
        const flow = await self.flow();
        if (flow !== undefined && states.includes(flow.status?.state ?? "")) return flow;
        await new Promise((resume) => setTimeout(resume, 50));
      }
      const seen = {
        flow: (await self.flow())?.status,
        tasks: (await self.tasks()).map(({ metadata, status }) => [metadata.name, status]),
      };
      throw new Error(`the flow is not ${states.join(" or ")}: ${JSON.stringify(seen, undefined, 1)}\n${agent?.output}`);
    },
    async setState(desiredState) {
      await self.withStore(async (store) => {
        const flow = await store.get(key(place.flow));
        if (flow !== undefined) await store.update<"VideoFlow">({ ...flow, spec: { ...flow.spec, desiredState } });
      });
    },
    async remove() {
      await self.withStore((store) => store.delete(key(place.flow)));
    },
    async cli(...args) {
      const { code, out, err } = await place.start(args, { env: { VIDEOFLOW_STATE_DIR: stateDir } }).ended;
      if (code !== 0) throw new Error(`videoflow ${args.join(" ")}: ${err}`);
      return out;
    },
    async end() {
      agent?.signal("SIGTERM");
      return agent?.ended;
    },
    async destroy() {
      await self.killAgent();
      const keeper = keeperIdentity(stateDir);
      if (keeper !== undefined) signalProcess(keeper, "SIGKILL");
    },
  };
  return self;
}
