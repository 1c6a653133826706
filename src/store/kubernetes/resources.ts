/** Where each kind lives in the API, and what an object looks like on either side. Pure. */
import { type AnyResource, DEFAULT_NAMESPACE, type Kind, type Metadata } from "../../api/kinds.js";
import { freeze, UNVERSIONED } from "../embedded/object-index.js";
import type { ListOptions } from "../store.js";

interface Place {
  /** `/apis/<group>/<version>` or `/api/v1`. */
  readonly base: string;
  readonly plural: string;
  readonly isNamespaced: boolean;
}

const OWN = "/apis/videoflow.io/v1alpha1";

const PLACES: { readonly [K in Kind]: Place } = {
  VideoFlow: { base: OWN, plural: "videoflows", isNamespaced: true },
  FlowTask: { base: OWN, plural: "flowtasks", isNamespaced: true },
  DeviceClaim: { base: OWN, plural: "deviceclaims", isNamespaced: true },
  Host: { base: OWN, plural: "hosts", isNamespaced: false },
  HostQuery: { base: OWN, plural: "hostqueries", isNamespaced: true },
  Event: { base: "/api/v1", plural: "events", isNamespaced: true },
  Lease: { base: "/apis/coordination.k8s.io/v1", plural: "leases", isNamespaced: true },
};

/** Path of all objects of a kind; without a namespace those of every namespace. */
export function collectionPath(kind: Kind, namespace?: string): string {
  const { base, plural, isNamespaced } = PLACES[kind];
  return isNamespaced && namespace !== undefined ? `${base}/namespaces/${encodeURIComponent(namespace)}/${plural}` : `${base}/${plural}`;
}

export function objectPath(kind: Kind, namespace: string | undefined, name: string): string {
  return `${collectionPath(kind, namespace ?? DEFAULT_NAMESPACE)}/${encodeURIComponent(name)}`;
}

/** Query of a list or a watch. */
export function selection({ labels = {}, spec = {} }: ListOptions): Record<string, string> {
  const byLabel = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  const byField = Object.entries(spec).map(([name, value]) => `spec.${name}=${value}`);
  return {
    ...(byLabel.length === 0 ? {} : { labelSelector: byLabel.join(",") }),
    ...(byField.length === 0 ? {} : { fieldSelector: byField.join(",") }),
  };
}

/** `namespace/name`: unique within a kind. */
export function nameOf({ metadata }: AnyResource): string {
  return `${metadata.namespace}/${metadata.name}`;
}

/**
 * An object as the store's users know it: with the fields that a list leaves out, without those that only the server needs.
 *
 * @param given as parsed from an answer; it belongs to the caller from here on, frozen.
 */
export function fromServer<K extends Kind>(kind: K, given: object): AnyResource & { readonly kind: K } {
  const { metadata, ...rest } = given as { metadata: Partial<Metadata> & { managedFields?: unknown } };
  const { managedFields: _, ...kept } = metadata;
  const place = PLACES[kind];
  const apiVersion = place.base.replace(/^\/apis?\//, "");
  const generation = UNVERSIONED.has(kind) ? 1 : (kept.generation ?? 1);
  const full = { ...kept, namespace: kept.namespace ?? "", generation };
  return freeze({ ...rest, apiVersion, kind, metadata: full }) as unknown as AnyResource & { readonly kind: K };
}

/** What is sent: a Host bears no namespace, and the server numbers generations itself. */
export function toServer(object: {
  readonly kind: Kind;
  readonly metadata: { readonly namespace?: string; readonly generation?: number };
}): object {
  const { namespace, generation: _, ...metadata } = object.metadata;
  const home = PLACES[object.kind].isNamespaced ? { namespace: namespace ?? DEFAULT_NAMESPACE } : {};
  return { ...object, metadata: { ...metadata, ...home } };
}
