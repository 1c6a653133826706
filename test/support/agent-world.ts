/** The client commands against a store that is really served on a socket; what stands behind the services is given. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCommandLine } from "../../src/cli/program.js";
import type { Engine, World } from "../../src/cli/world.js";
import { DESCRIPTORS } from "../../src/components/descriptors.js";
import { connect } from "../../src/main/connect.js";
import type { AgentServices } from "../../src/store/agent-services.js";
import { EmbeddedStore } from "../../src/store/embedded/embedded-store.js";
import { serveAgent } from "../../src/store/socket/server.js";
import { eventually } from "./flow-process.js";

export interface AgentWorld {
  /** State folder: the socket lies in it. */
  readonly folder: string;
  /** The agent's own door to the objects. */
  readonly store: EmbeddedStore;
  /** Runs a command line. @returns what it printed, and its exit code. */
  run(line: string | readonly string[], input?: string): Promise<{ readonly code: number; readonly out: string; readonly err: string }>;
  /** Resolves once the command that runs looks at changes: it has seen what was there before. */
  watched(): Promise<void>;
  /** Resolves once what the command that runs has printed is like this. */
  shown(pattern: RegExp): Promise<void>;
  close(): Promise<void>;
}

export async function anAgentWorld(services?: Partial<AgentServices>): Promise<AgentWorld> {
  const folder = mkdtempSync(join(tmpdir(), "vf-agent-"));
  const store = await EmbeddedStore.open();
  const server = await serveAgent(join(folder, "agent.sock"), {
    store,
    ...(services === undefined ? {} : { services: services as AgentServices }),
  });
  let watches = 0;
  const watch = store.watch.bind(store);
  Object.assign(store, {
    watch: (...args: Parameters<typeof watch>) => {
      watches += 1;
      return watch(...args);
    },
  });
  let printed = { out: "", err: "" };
  const run = async (line: string | readonly string[], input = "") => {
    const own = { out: "", err: "" };
    [printed, watches] = [own, 0];
    const args = typeof line === "string" ? line.split(" ") : line;
    const code = await runCommandLine(args, aWorld(folder, own, input));
    return { code, ...own };
  };
  return {
    folder,
    store,
    run,
    watched: async () => void (await eventually("a watch", () => watches > 0)),
    shown: async (pattern) =>
      void (await eventually(
        () => `${pattern} in ${printed.out}`,
        () => pattern.test(printed.out),
      )),
    close: async () => {
      await server.close();
      await store.close();
      rmSync(folder, { recursive: true });
    },
  };
}

function aWorld(folder: string, printed: { out: string; err: string }, input: string): World {
  const stream = (name: "out" | "err") => ({
    write: (text: string) => {
      printed[name] += text;
    },
    isTTY: false,
    columns: 80,
    rows: 24,
  });
  const env = { VIDEOFLOW_STATE_DIR: folder };
  const engine: Partial<Engine> = { descriptors: async () => DESCRIPTORS, connect: (choice) => connect(choice, env) };
  return {
    out: stream("out"),
    err: stream("err"),
    env,
    cwd: folder,
    version: "1.2.3",
    readInput: async () => input,
    engine: engine as Engine,
  };
}
