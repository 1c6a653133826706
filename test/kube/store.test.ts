import { afterAll, beforeAll } from "@jest/globals";
import type { Kind } from "../../src/api/kinds.js";
import type { KubernetesStoreOptions } from "../../src/store/kubernetes/kubernetes-store.js";
import type { Store } from "../../src/store/store.js";
import { KubeCluster } from "../support/kube.js";
import { storeContract } from "../support/store-contract.js";

let cluster: KubeCluster;
beforeAll(async () => {
  cluster = await KubeCluster.start();
  await cluster.kubectl(["create", "namespace", "other"]);
});
afterAll(() => cluster?.stop());

/** An empty store: what the test before left is removed, whatever holds it. */
async function openEmpty(options: Partial<KubernetesStoreOptions> = {}): Promise<Store> {
  const store = await cluster.store(options);
  const kinds: Kind[] = ["VideoFlow", "FlowTask", "DeviceClaim", "Host", "Event", "Lease"];
  for (const kind of kinds) {
    for (const object of await store.list(kind)) {
      const { namespace, name, finalizers = [] } = object.metadata;
      if (finalizers.length > 0) await store.update({ ...object, metadata: { ...object.metadata, finalizers: [] } });
      await store.delete({ kind, namespace, name });
    }
  }
  return store;
}

storeContract("the Kubernetes store", () => openEmpty());

const whole = (status: Readonly<Record<string, unknown>>) => status;
/** As the controller applies the statuses of flows, and the agent those of tasks: server-side. */
storeContract("the Kubernetes store that applies statuses", () =>
  openEmpty({ owns: { VideoFlow: whole, FlowTask: whole, DeviceClaim: whole, Host: whole } }),
);
