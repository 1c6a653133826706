/** Whom the client commands talk to: an agent of this machine over its socket, or a cluster. The one place that chooses. */
import { existsSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { DEFAULT_NAMESPACE } from "../api/kinds.js";
import { REAL_CLOCK } from "../base/clock.js";
import { OperatorError } from "../base/errors.js";
import type { Connection, ConnectionChoice } from "../cli/world.js";
import { defaultStateDir, knownStateDir } from "./state-dir.js";

/** The name by which kubectl calls this program for `kubectl videoflow …`. */
const PLUGIN = "kubectl-videoflow";
const SOCKET = "agent.sock";

/**
 * What was said on the command line counts first (`--kubeconfig` or `--context`, then `--state-dir`), then VIDEOFLOW_STATE_DIR, then an agent
 * on this user's own state folder, then KUBECONFIG. The plugin of kubectl talks to the cluster that kubectl talks to.
 *
 * @param program path of this program as it was called.
 * @throws OperatorError AGENT_UNREACHABLE, STATE_DIR_UNUSABLE
 */
export async function connect(
  choice: ConnectionChoice,
  env: Readonly<Record<string, string | undefined>>,
  program = "",
): Promise<Connection> {
  if (choice.kubeconfig !== undefined || choice.context !== undefined) return connectCluster(choice);
  if (choice.stateDir === undefined && basename(program) === PLUGIN) return connectCluster(choice);
  const given = choice.stateDir ?? env["VIDEOFLOW_STATE_DIR"];
  const stateDir = given ?? knownStateDir(env);
  const isThere = stateDir !== undefined && existsSync(join(resolve(stateDir), SOCKET));
  if (given === undefined && env["KUBECONFIG"] !== undefined && !isThere) return connectCluster(choice);
  return connectAgent(join(resolve(stateDir ?? defaultStateDir(env)), SOCKET));
}

async function connectAgent(socket: string): Promise<Connection> {
  const { AgentClient } = await import("../store/socket/client.js");
  const client = await AgentClient.connect(socket).catch((cause: unknown) => {
    const isClosed = errnoOf(cause) === "EACCES";
    throw new OperatorError("AGENT_UNREACHABLE", { socket, ...(isClosed ? { problem: "it is closed to this user" } : {}) }, { cause });
  });
  return {
    store: client.store,
    services: client.services,
    target: `the agent on ${socket}`,
    namespace: DEFAULT_NAMESPACE,
    lost: client.closed,
    close: () => client.close(),
  };
}

function errnoOf(error: unknown): string | undefined {
  return error instanceof Error ? (errnoOf(error.cause) ?? (error as NodeJS.ErrnoException).code) : undefined;
}

async function connectCluster({ kubeconfig, context }: ConnectionChoice): Promise<Connection> {
  const [{ KubernetesStore }, { QueriedServices }] = await Promise.all([
    import("../store/kubernetes/kubernetes-store.js"),
    import("../store/queried-services.js"),
  ]);
  const choice = { ...(kubeconfig === undefined ? {} : { kubeconfig }), ...(context === undefined ? {} : { context }) };
  const store = await KubernetesStore.fromKubeconfig(choice, { fieldManager: "videoflow" });
  const services = new QueriedServices({
    store,
    namespace: store.namespace,
    nowMs: () => REAL_CLOCK.nowMs(),
    explain: async (key) => (await import("./explain.js")).explainFromStore(store, key),
  });
  return {
    store,
    services,
    isCluster: true,
    target: "the cluster",
    namespace: store.namespace,
    lost: new Promise(() => {}), // Its watches reconnect by themselves.
    close: () => store.close(),
  };
}
