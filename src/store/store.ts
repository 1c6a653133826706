/**
 * Where objects live. One interface, Kubernetes' semantics: optimistic concurrency by resourceVersion, generation,
 * status apart from spec, finalizers, owner references, watch from a version.
 * Knows objects; must not know what they mean.
 */
import type { Kind, Kinds, NewResource } from "../api/kinds.js";
import { OperatorError } from "../base/errors.js";

export interface ObjectKey<K extends Kind = Kind> {
  readonly kind: K;
  readonly namespace: string;
  readonly name: string;
}

export interface ListOptions {
  readonly namespace?: string;
  /** Labels that must all be there with these values. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Fields of the spec that must have these values: only such as are selectable in a cluster, and never change while the object lives. */
  readonly spec?: Readonly<Record<string, string>>;
}

export type WatchEvent<K extends Kind = Kind> = {
  readonly type: "Added" | "Modified" | "Deleted";
  readonly object: Kinds[K];
};

/** Ends a watch. */
export type Unwatch = () => void;

export interface Store {
  get<K extends Kind>(key: ObjectKey<K>): Promise<Kinds[K] | undefined>;
  list<K extends Kind>(kind: K, options?: ListOptions): Promise<Kinds[K][]>;
  /** @throws OperatorError STORE_EXISTS if the name is taken. @returns the object with its uid and version. */
  create<K extends Kind>(object: NewResource<K>): Promise<Kinds[K]>;
  /** Writes metadata and spec (never status). @throws OperatorError STORE_CONFLICT if the version is not the stored one, STORE_GONE if it is not there. */
  update<K extends Kind>(object: Kinds[K]): Promise<Kinds[K]>;
  /** Writes status only. @throws OperatorError STORE_CONFLICT, STORE_GONE. */
  updateStatus<K extends Kind>(object: Kinds[K]): Promise<Kinds[K]>;
  /** Marks the object when finalizers remain, else removes it and what it owns. Nothing happens if it is not there or its uid is another. */
  delete(key: ObjectKey, options?: { readonly uid?: string }): Promise<void>;
  /**
   * Calls `onEvent` for each change after `fromVersion` (absent: first an "Added" for each existing object), in order.
   * Events of one object are never reordered; after a gap the watcher sees the present state.
   */
  watch<K extends Kind>(
    kind: K,
    onEvent: (event: WatchEvent<K>) => void,
    options?: ListOptions & { readonly fromVersion?: string },
  ): Unwatch;
  close(): Promise<void>;
}

/** Somebody else changed the object first: the next look shows who; nothing went wrong. */
export function isLostRace(error: unknown): boolean {
  return error instanceof OperatorError && ["STORE_CONFLICT", "STORE_EXISTS", "STORE_GONE"].includes(error.code);
}
