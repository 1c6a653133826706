/** A store with a crash point before and after each write; outside of tests the store itself. */
import type { Kind } from "../api/kinds.js";
import { crashesHere, crashPoint, storePoint } from "../base/crash-point.js";
import type { Store } from "../store/store.js";

export function withCrashPoints(store: Store): Store {
  if (!crashesHere) return store;
  const around = async <T>(operation: string, kind: Kind, write: () => Promise<T>): Promise<T> => {
    crashPoint(storePoint(operation, kind, "before"));
    const result = await write();
    crashPoint(storePoint(operation, kind, "after"));
    return result;
  };
  return {
    get: (key) => store.get(key),
    list: (kind, options) => store.list(kind, options),
    create: (object) => around("create", object.kind, () => store.create(object)),
    update: (object) => around("update", object.kind, () => store.update(object)),
    updateStatus: (object) => around("updateStatus", object.kind, () => store.updateStatus(object)),
    delete: (key, options) => around("delete", key.kind, () => store.delete(key, options)),
    watch: (kind, onEvent, options) => store.watch(kind, onEvent, options),
    close: () => store.close(),
  };
}
