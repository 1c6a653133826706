/** A store that another process owns, and the agent that goes with it, over its Unix socket. */
import type { Explanation } from "../../api/explanation.js";
import type { Kind, Kinds, NewResource } from "../../api/kinds.js";
import type { FlowSnapshot } from "../../api/snapshot.js";
import type { DeadLetter, LetterOutput } from "../../base/dead-letters.js";
import type { AgentAbout, AgentServices, LogChunk, Usage } from "../agent-services.js";
import type { ListOptions, ObjectKey, Store, Unwatch, WatchEvent } from "../store.js";
import { Link } from "./link.js";
import type { StoreMethod } from "./protocol.js";

/** The same contract as the embedded store. When the owner goes away, calls fail with STORE_UNREACHABLE and watches fall silent. */
export class SocketStore implements Store {
  readonly #link: Link;

  constructor(link: Link) {
    this.#link = link;
  }

  /** @throws OperatorError STORE_UNREACHABLE if nobody serves the path. */
  static async connect(path: string): Promise<SocketStore> {
    return new SocketStore(await Link.connect(path));
  }

  async get<K extends Kind>(key: ObjectKey<K>): Promise<Kinds[K] | undefined> {
    return ((await this.#ask("get", key)) ?? undefined) as Kinds[K] | undefined;
  }

  async list<K extends Kind>(kind: K, options: ListOptions = {}): Promise<Kinds[K][]> {
    return (await this.#ask("list", kind, options)) as Kinds[K][];
  }

  async create<K extends Kind>(object: NewResource<K>): Promise<Kinds[K]> {
    return (await this.#ask("create", object)) as Kinds[K];
  }

  async update<K extends Kind>(object: Kinds[K]): Promise<Kinds[K]> {
    return (await this.#ask("update", object)) as Kinds[K];
  }

  async updateStatus<K extends Kind>(object: Kinds[K]): Promise<Kinds[K]> {
    return (await this.#ask("updateStatus", object)) as Kinds[K];
  }

  async delete(key: ObjectKey, options: { readonly uid?: string } = {}): Promise<void> {
    await this.#ask("delete", key, options);
  }

  watch<K extends Kind>(
    kind: K,
    onEvent: (event: WatchEvent<K>) => void,
    options: ListOptions & { readonly fromVersion?: string } = {},
  ): Unwatch {
    return this.#link.watch([kind, options], onEvent as (event: unknown) => void);
  }

  close(): Promise<void> {
    return this.#link.close();
  }

  #ask(method: StoreMethod, ...args: readonly unknown[]): Promise<unknown> {
    return this.#link.request({ method, args });
  }
}

/** An agent of this machine as its clients see it. */
export class AgentClient {
  readonly store: Store;
  readonly services: AgentServices;
  readonly #link: Link;

  private constructor(link: Link) {
    this.#link = link;
    this.store = new SocketStore(link);
    this.services = remoteServices(link);
  }

  /** @throws OperatorError STORE_UNREACHABLE if no agent answers there. */
  static async connect(path: string): Promise<AgentClient> {
    return new AgentClient(await Link.connect(path));
  }

  /** Resolves when the agent is gone, or after {@link close}. */
  get closed(): Promise<void> {
    return this.#link.closed;
  }

  close(): Promise<void> {
    return this.#link.close();
  }
}

function remoteServices(link: Link): AgentServices {
  const ask = (service: string, ...args: readonly unknown[]) => link.request({ method: "call", service, args });
  return {
    about: async () => (await ask("about")) as AgentAbout,
    snapshot: async (flow) => ((await ask("snapshot", flow)) ?? undefined) as FlowSnapshot | undefined,
    usage: async (flow) => (await ask("usage", ...(flow === undefined ? [] : [flow]))) as Usage,
    explain: async (flow) => (await ask("explain", flow)) as Explanation,
    deadLetters: async (flow) => (await ask("deadLetters", flow)) as readonly DeadLetter[],
    letterOutputs: async (flow) => (await ask("letterOutputs", flow)) as readonly LetterOutput[],
    deadLettersDir: async (flow) => (await ask("deadLettersDir", flow)) as string,
    logs: (query) => link.stream("logs", [query]) as AsyncGenerator<LogChunk>,
  };
}
