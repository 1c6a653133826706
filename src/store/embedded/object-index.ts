/** The pure heart of the embedded store: what one write does to the objects. No I/O. */

import { type AnyResource, DEFAULT_NAMESPACE, type Kind, type Kinds, type NewResource } from "../../api/kinds.js";
import { OperatorError } from "../../base/errors.js";
import { sameJson } from "../../base/same-json.js";
import type { ListOptions, ObjectKey, WatchEvent } from "../store.js";

/** What a write changed, in order; to be stored as a whole. */
export type Effects = readonly WatchEvent[];

/** Time, chance and versions come in through this door. */
export interface IndexDoor {
  /** RFC 3339. */
  timestamp(): string;
  newUid(): string;
}

/** Kubernetes' namespace rule: a Host has none. */
export function namespaceOf(kind: Kind, namespace: string | undefined): string {
  return kind === "Host" ? "" : (namespace ?? DEFAULT_NAMESPACE);
}

/** `Kind/namespace/name`: the key in the index and on disk. */
export function keyText(key: { kind: Kind; namespace?: string; name: string }): string {
  return `${key.kind}/${namespaceOf(key.kind, key.namespace)}/${key.name}`;
}

export function keyOf(object: AnyResource): string {
  return keyText({ kind: object.kind, namespace: object.metadata.namespace, name: object.metadata.name });
}

/** Whether an object is asked for. */
export function matches(object: AnyResource, options: ListOptions): boolean {
  if (options.namespace !== undefined && object.kind !== "Host" && object.metadata.namespace !== options.namespace) return false;
  const { labels, spec } = options;
  if (labels !== undefined && !hasAll(object.metadata.labels ?? {}, labels)) return false;
  return spec === undefined || hasAll("spec" in object ? object.spec : {}, spec);
}

function hasAll(fields: object, wanted: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).every(([name, value]) => (fields as Readonly<Record<string, unknown>>)[name] === value);
}

/** All objects with one counter of versions. A write is decided by one method and made true by {@link ObjectIndex.accept}. */
export class ObjectIndex {
  readonly #objects = new Map<string, AnyResource>();
  /** By key; kept in order by every write, once asked for. */
  readonly #lists = new Map<Kind, AnyResource[]>();
  readonly #byOwner = new Map<string, Set<string>>();
  readonly #door: IndexDoor;
  #version: number;

  constructor(door: IndexDoor, objects: Iterable<AnyResource> = [], version = 0) {
    this.#door = door;
    this.#version = version;
    for (const object of objects) this.#put(freeze(object));
  }

  get version(): number {
    return this.#version;
  }

  /** All of them, in no order. */
  objects(): Iterable<AnyResource> {
    return this.#objects.values();
  }

  get<K extends Kind>(key: ObjectKey<K>): Kinds[K] | undefined {
    return this.#objects.get(keyText(key)) as Kinds[K] | undefined;
  }

  /** @returns the objects of a kind, by namespace and name. */
  list<K extends Kind>(kind: K, options: ListOptions = {}): Kinds[K][] {
    return this.#sorted(kind).filter((object) => matches(object, options)) as Kinds[K][];
  }

  /** @throws OperatorError STORE_EXISTS */
  create<K extends Kind>(given: NewResource<K>): Effects {
    const namespace = namespaceOf(given.kind, given.metadata.namespace);
    const key = keyText({ kind: given.kind, namespace, name: given.metadata.name });
    if (this.#objects.has(key)) throw new OperatorError("STORE_EXISTS", { key });
    const metadata = {
      ...given.metadata,
      namespace,
      uid: this.#door.newUid(),
      resourceVersion: String(this.#version + 1),
      generation: 1,
      creationTimestamp: this.#door.timestamp(),
    };
    return [{ type: "Added", object: stored({ apiVersion: given.apiVersion, kind: given.kind, metadata, ...contentOf(given) }) }];
  }

  /** @throws OperatorError STORE_CONFLICT, STORE_GONE */
  update(given: AnyResource): Effects {
    const old = this.#current(given);
    const content = contentChange(given, old);
    const specChanged = content !== undefined && !UNVERSIONED.has(given.kind);
    const { deletionTimestamp: _, ...free } = given.metadata;
    const { uid, creationTimestamp, namespace, name, deletionTimestamp } = old.metadata;
    const metadata = {
      ...free,
      ...{ uid, creationTimestamp, namespace, name, ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }) },
      generation: old.metadata.generation + (specChanged ? 1 : 0),
      resourceVersion: old.metadata.resourceVersion,
    };
    const { apiVersion, kind, status } = old as AnyResource & { status?: unknown };
    const kept = status === undefined ? {} : { status };
    const next = { apiVersion, kind, metadata: plain(metadata), ...(content ?? contentOf(old)), ...kept };
    return this.#replace(old, next as AnyResource);
  }

  /** @throws OperatorError STORE_CONFLICT, STORE_GONE */
  updateStatus(given: AnyResource): Effects {
    const old = this.#current(given);
    const { status: _, ...rest } = old as AnyResource & { status?: unknown };
    const { status } = given as { status?: unknown };
    const next = status === undefined ? rest : { ...rest, status: plain(status) };
    return this.#replace(old, next as AnyResource);
  }

  /** Nothing happens if the object is not there or has another uid. */
  delete(key: ObjectKey, uid?: string): Effects {
    const old = this.#objects.get(keyText(key));
    if (old === undefined || (uid !== undefined && old.metadata.uid !== uid)) return [];
    return this.#numbered(this.#deletion(old, new Set()));
  }

  /** Makes a write true. */
  accept(effects: Effects): void {
    for (const { type, object } of effects) {
      this.#version = Math.max(this.#version, Number(object.metadata.resourceVersion));
      if (type === "Deleted") this.#remove(object);
      else this.#put(object);
    }
  }

  #sorted(kind: Kind): readonly AnyResource[] {
    const known = this.#lists.get(kind);
    if (known !== undefined) return known;
    const found = [...this.#objects].filter(([, object]) => object.kind === kind).sort(([a], [b]) => compareText(a, b));
    const list = found.map(([, object]) => object);
    this.#lists.set(kind, list);
    return list;
  }

  #current(given: AnyResource): AnyResource {
    const key = keyOf(given);
    const old = this.#objects.get(key);
    if (old === undefined || old.metadata.uid !== given.metadata.uid) throw new OperatorError("STORE_GONE", { key });
    if (old.metadata.resourceVersion !== given.metadata.resourceVersion) throw new OperatorError("STORE_CONFLICT", { key });
    return old;
  }

  /** A write that changes nothing is no write. What did not change is shared with the old object. */
  #replace(old: AnyResource, next: AnyResource): Effects {
    const object = freeze(next);
    if (sameJson(object, old)) return [];
    const released = object.metadata.deletionTimestamp !== undefined && (object.metadata.finalizers ?? []).length === 0;
    return this.#numbered(released ? this.#removal(object, new Set()) : [{ type: "Modified", object }]);
  }

  #deletion(old: AnyResource, seen: Set<string>): WatchEvent[] {
    if (seen.has(old.metadata.uid)) return [];
    seen.add(old.metadata.uid);
    if ((old.metadata.finalizers ?? []).length === 0) return this.#removal(old, seen);
    if (old.metadata.deletionTimestamp !== undefined) return [];
    const metadata = { ...old.metadata, deletionTimestamp: this.#door.timestamp() };
    return [{ type: "Modified", object: { ...old, metadata } as AnyResource }];
  }

  /** The object goes, and what it owns after it. */
  #removal(object: AnyResource, seen: Set<string>): WatchEvent[] {
    const owned = [...(this.#byOwner.get(object.metadata.uid) ?? [])].sort(compareText);
    const dependents = owned.flatMap((key) => {
      const dependent = this.#objects.get(key);
      return dependent === undefined ? [] : this.#deletion(dependent, seen);
    });
    return [{ type: "Deleted", object }, ...dependents];
  }

  #numbered(events: readonly WatchEvent[]): Effects {
    return events.map(({ type, object }, index) => {
      const metadata = { ...object.metadata, resourceVersion: String(this.#version + 1 + index) };
      return { type, object: freeze({ ...object, metadata } as AnyResource) };
    });
  }

  #put(object: AnyResource): void {
    const list = this.#lists.get(object.kind);
    if (list !== undefined) {
      const at = placeIn(list, keyOf(object));
      const isThere = at < list.length && keyOf(list[at] as AnyResource) === keyOf(object);
      list.splice(at, isThere ? 1 : 0, object);
    }
    this.#objects.set(keyOf(object), object);
    for (const { uid } of object.metadata.ownerReferences ?? []) {
      const owned = this.#byOwner.get(uid) ?? new Set();
      this.#byOwner.set(uid, owned.add(keyOf(object)));
    }
  }

  #remove(object: AnyResource): void {
    const list = this.#lists.get(object.kind);
    if (list !== undefined && this.#objects.has(keyOf(object))) list.splice(placeIn(list, keyOf(object)), 1);
    this.#objects.delete(keyOf(object));
    for (const { uid } of object.metadata.ownerReferences ?? []) {
      const owned = this.#byOwner.get(uid);
      owned?.delete(keyOf(object));
      if (owned?.size === 0) this.#byOwner.delete(uid);
    }
  }
}

/** Kinds of Kubernetes whose writes do not raise a generation. */
export const UNVERSIONED: ReadonlySet<Kind> = new Set<Kind>(["Event", "Lease"]);

/** What an update writes beside the metadata: the spec, or the fields of a kind that has none. */
function contentOf(object: object): object {
  const { apiVersion: _, kind: _kind, metadata: _metadata, status: _status, ...content } = object as Record<string, unknown>;
  return content;
}

/** @returns a private copy of the new content; undefined if it is the old one. */
function contentChange(given: object, old: object): object | undefined {
  const [next, known] = [contentOf(given), contentOf(old)];
  return sameJson(next, known) ? undefined : (plain(next) as object);
}

/** Where an object of this key stands in a sorted list, or would. */
function placeIn(list: readonly AnyResource[], key: string): number {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareText(keyOf(list[middle] as AnyResource), key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A private, frozen copy without undefined fields: what JSON keeps. */
function stored(object: object): AnyResource {
  return freeze(plain(object) as AnyResource);
}

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

/** Readers share the stored object: nobody may change it. */
export function freeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const child of Object.values(value)) freeze(child);
  }
  return value;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
