/**
 * The store of a cluster: the Kubernetes API, under the same contract as the embedded store.
 * Knows objects and the API's verbs; must not know what objects mean. See docs/adr/0010-kubernetes-store.md.
 */
import type { AnyResource, Kind, Kinds, Metadata, NewResource } from "../../api/kinds.js";
import { REAL_CLOCK } from "../../base/clock.js";
import { errorText, OperatorError } from "../../base/errors.js";
import { keyText } from "../embedded/object-index.js";
import type { ListOptions, ObjectKey, Store, Unwatch, WatchEvent } from "../store.js";
import { type ApiFigures, type ApiReply, type ApiRequest, Connection, type Credentials, credentialsOf } from "./connection.js";
import { ListError, ListWatch, listAll, type WatchCounts } from "./list-watch.js";
import { collectionPath, fromServer, nameOf, objectPath, toServer } from "./resources.js";

export interface KubernetesStoreOptions {
  /** Whose fields these are: `videoflow-controller`, `videoflow-agent/<host>`, `videoflow`. */
  readonly fieldManager: string;
  /** Told of what goes wrong with watches, which go on. */
  readonly onTrouble?: (text: string) => void;
  /** A watch that is silent for so long is given up; default 60,000. */
  readonly deadManMs?: number;
  /**
   * What of a status this writer owns, by kind: that part is applied, server-side, and what it leaves out of it goes. Statuses of
   * other kinds are written whole.
   */
  readonly owns?: OwnedStatus;
}

type OneStatus = Readonly<Record<string, unknown>>;
export type OwnedStatus = { readonly [K in Kind]?: (status: OneStatus) => OneStatus };

export interface StoreFigures extends ApiFigures {
  readonly watches: WatchCounts;
}

/** Where a cluster is found. */
export interface ClusterChoice {
  /** File; default: KUBECONFIG, then ~/.kube/config, then the service account of the Pod. */
  readonly kubeconfig?: string;
  /** Context of the file; default: its current one. */
  readonly context?: string;
  /** Only the service account of the Pod. */
  readonly inCluster?: boolean;
}

/** Kinds that own others; the cluster's garbage collector would come to the same end a while later. */
const OWNED: { readonly [K in Kind]?: readonly Kind[] } = { VideoFlow: ["FlowTask", "DeviceClaim"] };

export class KubernetesStore implements Store {
  readonly #connection: Connection;
  readonly #options: KubernetesStoreOptions;
  readonly #watches = new Set<ListWatch<Kind>>();
  /** What the watches went through, for metrics. */
  readonly counts: WatchCounts = { relists: 0, found: { Added: 0, Modified: 0, Deleted: 0 }, reconnects: 0, silent: 0 };

  constructor(credentials: Credentials, options: KubernetesStoreOptions) {
    this.#options = options;
    this.#connection = new Connection({
      credentials,
      fieldManager: options.fieldManager,
      userAgent: options.fieldManager,
      nowMs: () => REAL_CLOCK.nowMs(),
      chance: Math.random,
    });
  }

  /**
   * Reads a kubeconfig; nothing is asked of the cluster yet.
   *
   * @throws OperatorError CLUSTER_UNKNOWN if no cluster is named.
   */
  static async fromKubeconfig(choice: ClusterChoice, options: KubernetesStoreOptions): Promise<KubernetesStore> {
    return new KubernetesStore(await readCredentials(choice), options);
  }

  /** Namespace of the kubeconfig's context. */
  get namespace(): string {
    return this.#connection.namespace;
  }

  /** Address of the API server. */
  get server(): string {
    return this.#connection.server;
  }

  /** Requests so far, watches apart, and what the watches went through. */
  get figures(): StoreFigures {
    return { ...this.#connection.figures, watches: this.counts };
  }

  async get<K extends Kind>({ kind, namespace, name }: ObjectKey<K>): Promise<Kinds[K] | undefined> {
    const reply = await this.#connection.request({ method: "GET", path: objectPath(kind, namespace, name) });
    if (reply.status === 404 && isAbsentObject(reply)) return undefined;
    return this.#object({ kind, namespace, name }, reply);
  }

  async list<K extends Kind>(kind: K, options: ListOptions = {}): Promise<Kinds[K][]> {
    try {
      const { objects } = await listAll(this.#connection, kind, options);
      return objects.sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1)) as unknown as Kinds[K][];
    } catch (error) {
      if (error instanceof ListError) throw refusal(`${kind}/${options.namespace ?? ""}`, error.reply);
      throw error;
    }
  }

  async create<K extends Kind>(object: NewResource<K>): Promise<Kinds[K]> {
    const { kind, metadata } = object as NewResource<Kind>;
    const body = toServer(object as NewResource<Kind>);
    const path = collectionPath(kind, metadata.namespace ?? "default");
    return this.#write({ kind: kind as K, namespace: metadata.namespace ?? "", name: metadata.name }, { method: "POST", path, body });
  }

  async update<K extends Kind>(object: Kinds[K]): Promise<Kinds[K]> {
    return this.#put(object, "");
  }

  async updateStatus<K extends Kind>(object: Kinds[K]): Promise<Kinds[K]> {
    const own = this.#options.owns?.[(object as AnyResource).kind];
    return own === undefined ? this.#put(object, "/status") : this.#applyStatus(object, own);
  }

  async delete(key: ObjectKey, { uid }: { readonly uid?: string } = {}): Promise<void> {
    const path = objectPath(key.kind, key.namespace, key.name);
    const body = { propagationPolicy: "Background", ...(uid === undefined ? {} : { preconditions: { uid } }) };
    const reply = await this.#connection.request({ method: "DELETE", path, body });
    if (reply.status === 404 || (reply.status === 409 && uid !== undefined)) return;
    if (reply.status >= 300) throw refusal(keyText(key), reply);
    const gone = JSON.parse(reply.text) as { kind: string; details?: { uid?: string } };
    if (gone.kind === "Status" && gone.details?.uid !== undefined) await this.#deleteOwned(key, gone.details.uid);
  }

  watch<K extends Kind>(
    kind: K,
    onEvent: (event: WatchEvent<K>) => void,
    options: ListOptions & { readonly fromVersion?: string } = {},
  ): Unwatch {
    if (this.#connection.isClosed) throw new OperatorError("STORE_CLOSED", { operation: "watch" });
    const { fromVersion, ...filter } = options;
    const { onTrouble, deadManMs } = this.#options;
    const watch = new ListWatch<K>({
      connection: this.#connection,
      kind,
      filter,
      onEvent,
      counts: this.counts,
      nowMs: () => REAL_CLOCK.nowMs(),
      ...(fromVersion === undefined ? {} : { fromVersion }),
      ...(onTrouble === undefined ? {} : { onTrouble }),
      ...(deadManMs === undefined ? {} : { deadManMs }),
    });
    this.#watches.add(watch as unknown as ListWatch<Kind>);
    return () => {
      watch.stop();
      this.#watches.delete(watch as unknown as ListWatch<Kind>);
    };
  }

  /**
   * The data of a Secret. It passes through this process and is kept nowhere.
   *
   * @returns why not, where it cannot be had.
   */
  async readSecret(namespace: string, name: string): Promise<SecretAnswer> {
    const place = `Secret ${namespace}/${name}`;
    try {
      const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/secrets/${encodeURIComponent(name)}`;
      const reply = await this.#connection.request({ method: "GET", path });
      if (reply.status === 404) return { outcome: "Absent" };
      if (reply.status < 300) return { outcome: "Found", data: secretData(reply.text) };
      if (reply.status !== 403)
        return { outcome: "Unreachable", problem: `${place} cannot be read: the API server answers ${reply.status}` };
      const grant = `kubectl create rolebinding videoflow-agent-secrets -n ${namespace} --clusterrole=videoflow-agent-secrets --serviceaccount=videoflow-system:videoflow-agent`;
      return { outcome: "Refused", problem: `the agent may not read ${place}; it may after: ${grant}` };
    } catch (error) {
      if (error instanceof OperatorError) return { outcome: "Unreachable", problem: `${place} cannot be read: ${error.problem}` };
      throw error;
    }
  }

  async close(): Promise<void> {
    for (const watch of this.#watches) watch.stop();
    this.#watches.clear();
    this.#connection.close();
  }

  #put<K extends Kind>(object: Kinds[K], subresource: string): Promise<Kinds[K]> {
    const { kind, metadata } = object as AnyResource;
    const path = objectPath(kind, metadata.namespace, metadata.name) + subresource;
    const key = { kind: kind as K, namespace: metadata.namespace, name: metadata.name };
    return this.#write(key, { method: "PUT", path, body: toServer(object as AnyResource) });
  }

  /** With the version that was read: others who wrote since are not overruled unseen. */
  #applyStatus<K extends Kind>(object: Kinds[K], own: (status: OneStatus) => OneStatus): Promise<Kinds[K]> {
    const { apiVersion, kind, metadata, status = {} } = object as AnyResource & { status?: OneStatus };
    const { name, namespace, uid, resourceVersion } = metadata;
    const body = {
      ...toServer({ kind, metadata: { name, namespace, uid, resourceVersion } as Metadata }),
      apiVersion,
      status: own(status),
    };
    const path = `${objectPath(kind, namespace, name)}/status`;
    const contentType = "application/apply-patch+yaml"; // JSON is YAML.
    return this.#write({ kind: kind as K, namespace, name }, { method: "PATCH", path, query: { force: "true" }, body, contentType });
  }

  async #write<K extends Kind>(key: ObjectKey<K>, request: ApiRequest): Promise<Kinds[K]> {
    return this.#object(key, await this.#connection.request(request));
  }

  #object<K extends Kind>(key: ObjectKey<K>, reply: ApiReply): Kinds[K] {
    if (reply.status >= 300) throw refusal(keyText(key), reply);
    return fromServer(key.kind, JSON.parse(reply.text) as object) as unknown as Kinds[K];
  }

  async #deleteOwned(owner: ObjectKey, uid: string): Promise<void> {
    for (const kind of OWNED[owner.kind] ?? []) {
      const { objects } = await listAll(this.#connection, kind, { namespace: owner.namespace });
      const owned = (objects as AnyResource[]).filter(({ metadata }) =>
        metadata.ownerReferences?.some((reference) => reference.uid === uid),
      );
      for (const { metadata } of owned) {
        await this.delete({ kind, namespace: metadata.namespace, name: metadata.name }, { uid: metadata.uid });
      }
    }
  }
}

/** A Secret, or why there is none to be had: nobody answers, or the answer is no. */
export type SecretAnswer =
  | { readonly outcome: "Found"; readonly data: ReadonlyMap<string, Uint8Array> }
  | { readonly outcome: "Absent" }
  | { readonly outcome: "Refused" | "Unreachable"; readonly problem: string };

/** Keys to bytes. What cannot be read is not quoted. */
function secretData(text: string): ReadonlyMap<string, Uint8Array> {
  let data: Readonly<Record<string, string>>;
  try {
    data = (JSON.parse(text) as { data?: Record<string, string> }).data ?? {};
  } catch {
    throw new TypeError("the API server sent a Secret that is no JSON");
  }
  return new Map(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, "base64")]));
}

async function readCredentials({ kubeconfig, context, inCluster }: ClusterChoice): Promise<Credentials> {
  const { KubeConfig } = await import("./kube-config.js");
  const config = new KubeConfig();
  const unknown = (problem: string, options?: ErrorOptions) => new OperatorError("CLUSTER_UNKNOWN", { context: "", problem }, options);
  if (inCluster === true && process.env["KUBERNETES_SERVICE_HOST"] === undefined) throw unknown("this process is in no Pod");
  try {
    if (inCluster === true) config.loadFromCluster();
    else if (kubeconfig !== undefined) config.loadFromFile(kubeconfig);
    else config.loadFromDefault();
  } catch (cause) {
    throw unknown(errorText(cause), { cause });
  }
  if (context !== undefined) config.setCurrentContext(context);
  if (config.getCurrentCluster()?.server === NOWHERE) throw new OperatorError("CLUSTER_UNKNOWN", { context: "" });
  return credentialsOf(config);
}

/** What the client invents where it finds no configuration at all. */
const NOWHERE = "http://localhost:8080";

interface Status {
  readonly reason?: string;
  readonly message?: string;
  readonly details?: { readonly name?: string; readonly kind?: string };
}

function statusOf({ text }: ApiReply): Status {
  try {
    return JSON.parse(text) as Status;
  } catch {
    return { message: text.slice(0, 300) };
  }
}

/** A 404 of the kind itself (no such CRD) is no empty place but a cluster without VideoFlow. */
function isAbsentObject(reply: ApiReply): boolean {
  return statusOf(reply).details?.name !== undefined;
}

/** What an answer means in the words of the store's contract. */
function refusal(key: string, reply: ApiReply): OperatorError {
  const status = statusOf(reply);
  const { reason = "", message = "", details } = status;
  if (reason === "AlreadyExists") return new OperatorError("STORE_EXISTS", { key });
  // A uid that does not match: the object of this name is another one.
  if (reason === "Conflict") return new OperatorError(message.includes("UID in precondition") ? "STORE_GONE" : "STORE_CONFLICT", { key });
  // No race that the next look would win: somebody has to make it.
  if (reply.status === 404 && details?.kind === "namespaces")
    return new OperatorError("NAMESPACE_NOT_FOUND", { namespace: details.name ?? "", key });
  if (reply.status === 404 && isAbsentObject(reply)) return new OperatorError("STORE_GONE", { key });
  return new OperatorError("STORE_REFUSED", { key, status: reply.status, message });
}
