/**
 * The store as one controller knows it: reads come from what its watches told and from its own writes, which it knows before
 * they come back as events. Nothing of its own is ever forgotten, so it decides as if it read the store, only that what others
 * wrote comes a moment later.
 */
import type { Kind, Kinds, NewResource } from "../../api/kinds.js";
import type { ListOptions, ObjectKey, Store } from "../../store/store.js";
import type { Cache } from "./cache.js";

/** Kinds that the controller watches. */
export type CachedKind = "VideoFlow" | "FlowTask" | "DeviceClaim" | "Host";
export type CacheOf = (kind: CachedKind) => Cache<CachedKind>;

/** @param cacheOf not called before the first read. */
export function readerOf(cacheOf: CacheOf): Pick<Store, "get" | "list"> {
  return {
    get: async <K extends Kind>({ kind, namespace, name }: ObjectKey<K>) =>
      cacheOf(kind as CachedKind).get(namespace, name) as Kinds[K] | undefined,
    list: async <K extends Kind>(kind: K) => cacheOf(kind as CachedKind).values() as unknown as Kinds[K][],
  };
}

/** Tells the caches of every write as soon as it is answered. */
export function withOwnWrites(store: Store, cacheOf: CacheOf): Store {
  const told = async <K extends Kind>(answer: Promise<Kinds[K]>, isCreated = false): Promise<Kinds[K]> => {
    const object = await answer;
    if (isCached(object.kind)) cacheOf(object.kind).learn(object as Kinds[CachedKind], isCreated);
    return object;
  };
  return {
    get: (key) => store.get(key),
    list: <K extends Kind>(kind: K, options?: ListOptions) => store.list(kind, options),
    create: <K extends Kind>(object: NewResource<K>) => told(store.create(object), true),
    update: <K extends Kind>(object: Kinds[K]) => told(store.update(object)),
    updateStatus: <K extends Kind>(object: Kinds[K]) => told(store.updateStatus(object)),
    delete: async (key, options) => {
      await store.delete(key, options);
      if (isCached(key.kind)) cacheOf(key.kind).forget(key.namespace, key.name, options?.uid);
    },
    watch: (kind, onEvent, options) => store.watch(kind, onEvent, options),
    close: () => store.close(),
  };
}

const CACHED: ReadonlySet<Kind> = new Set<CachedKind>(["VideoFlow", "FlowTask", "DeviceClaim", "Host"]);

function isCached(kind: Kind): kind is CachedKind {
  return CACHED.has(kind);
}
