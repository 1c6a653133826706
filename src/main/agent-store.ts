/** Where the objects of an agent live: in a store of its own, or in a cluster. The one place that chooses. */
import type { DaemonOptions } from "../cli/world.js";
import { EmbeddedStore } from "../store/embedded/embedded-store.js";
import type { KubernetesStore } from "../store/kubernetes/kubernetes-store.js";
import type { Store } from "../store/store.js";
import { withCrashPoints } from "./crashing-store.js";

export interface AgentStore {
  readonly store: Store;
  /** A cluster has controllers of its own; the agent of a store of its own runs them itself. */
  readonly cluster: KubernetesStore | undefined;
}

/** @param path folder of a store of its own. */
export async function openAgentStore({ cluster, log }: DaemonOptions, path: string, hostName: string): Promise<AgentStore> {
  if (cluster === undefined)
    return { store: withCrashPoints(await EmbeddedStore.open({ path, onTrouble: (text) => log(`warning: ${text}`) })), cluster: undefined };
  const [{ KubernetesStore }, { AGENT_STATUS }] = await Promise.all([
    import("../store/kubernetes/kubernetes-store.js"),
    import("../store/kubernetes/owned-status.js"),
  ]);
  const fieldManager = `videoflow-agent/${hostName}`;
  const store = await KubernetesStore.fromKubeconfig(cluster, { fieldManager, owns: AGENT_STATUS, onTrouble: log });
  return { store, cluster: store };
}
