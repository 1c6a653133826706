/** Runs `videoflow agent` as a service manager does, kills it, and looks at what it keeps. */
import { readFileSync } from "node:fs";

import type { FlowTask, VideoFlow } from "../../src/api/kinds.js";
import { parseManifests } from "../../src/api/parse.js";
import { checkDocument } from "../../src/cli/flow-file.js";
import { DESCRIPTORS } from "../../src/components/descriptors.js";
import { SocketStore } from "../../src/store/socket/client.js";
import { eventually, type FlowProcess, type Surroundings, type Workplace } from "./flow-process.js";

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
  /** Waits until the flow's state is one of these. */
  reached(...states: readonly string[]): Promise<VideoFlow>;
  setState(desiredState: "Running" | "Stopped"): Promise<void>;
  remove(): Promise<void>;
  /** Ends the agent in order, and then its keeper with all tasks. */
  end(): Promise<void>;
}

/** @param place removes all of it, processes included, in the end: every one has its TMPDIR. */
export function daemonPlace(place: Workplace): DaemonPlace {
  const stateDir = place.path("state");
  let agent: FlowProcess | undefined;
  const socket = `${stateDir}/agent.sock`;
  const key = (name: string) => ({ kind: "VideoFlow", namespace: "default", name }) as const;
  const keeperOf = () => (JSON.parse(readFileSync(`${stateDir}/keeper.json`, "utf8")) as { identity: { pid: number } }).identity.pid;

  const self: DaemonPlace = {
    stateDir,
    get agent() {
      return agent as FlowProcess;
    },
    get keeperPid() {
      return keeperOf();
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
    async reached(...states) {
      for (let looks = 0; looks < 600; looks += 1) {
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
    async end() {
      agent?.signal("SIGTERM");
      await agent?.ended;
    },
  };
  return self;
}
