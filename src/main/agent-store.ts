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
  if (cluster === undefined) return { store: withCrashPoints(await EmbeddedStore.open({ path })), cluster: undefined };
  const { KubernetesStore } = await import("../store/kubernetes/kubernetes-store.js");
  const fieldManager = `videoflow-agent/${hostName}`;
  const store = await KubernetesStore.fromKubeconfig(cluster, { fieldManager, onTrouble: log });
  return { store, cluster: store };
}
