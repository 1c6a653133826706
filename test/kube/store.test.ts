import { afterAll, beforeAll } from "@jest/globals";
import type { Kind } from "../../src/api/kinds.js";
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
async function openEmpty(): Promise<Store> {
  const store = await cluster.store();
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

storeContract("the Kubernetes store", openEmpty);
