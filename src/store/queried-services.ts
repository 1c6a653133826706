/**
 * The services of the agents of a cluster, asked through objects: whoever reaches the API server needs to reach nothing else.
 * Knows stores and pages; must not know what is printed. See docs/adr/0011-host-queries.md.
 */
import { randomBytes } from "node:crypto";
import type { Explanation } from "../api/explanation.js";
import { API_VERSION, type FlowTask, type HostQuery, type HostQuerySpec } from "../api/kinds.js";
import type { DeadLetter, LetterOutput } from "../base/dead-letters.js";
import { OperatorError } from "../base/errors.js";
import type { AgentServices, FlowKey, LogChunk, LogQuery, Usage } from "./agent-services.js";
import { HOST_QUERY_LABEL, QUERY_TIMES, type QueryTimes } from "./host-query.js";
import { isLostRace, type Store } from "./store.js";

export interface QueriedServicesOptions {
  readonly store: Store;
  /** Namespace of questions that are about no flow. */
  readonly namespace: string;
  readonly nowMs: () => number;
  /** Computed here: it needs objects only. */
  readonly explain: (flow: FlowKey) => Promise<Explanation>;
  readonly times?: QueryTimes;
}

type Question = Omit<HostQuerySpec, "host" | "taken">;

export class QueriedServices implements AgentServices {
  readonly #options: QueriedServicesOptions;
  readonly #times: QueryTimes;

  constructor(options: QueriedServicesOptions) {
    this.#options = options;
    this.#times = options.times ?? QUERY_TIMES;
  }

  /** Of all hosts that have tasks of the flow, one after the other; a flow is on one host as a rule. */
  async *logs({ flow, ...filters }: LogQuery): AsyncGenerator<LogChunk> {
    for (const host of await this.#hostsOf(flow)) {
      yield* this.#ask(host, flow.namespace, { service: "Logs", flow: flow.name, ...filters }) as AsyncGenerator<LogChunk>;
    }
  }

  /** Of the flow's hosts, or of all that run something in the namespace. Hosts that do not answer are an error. */
  async usage(flow?: FlowKey): Promise<Usage> {
    const { namespace, nowMs } = this.#options;
    const hosts = flow === undefined ? await this.#hostsIn(namespace) : await this.#hostsOf(flow);
    const question: Question = { service: "Usage", ...(flow === undefined ? {} : { flow: flow.name }) };
    const answers = await Promise.all(hosts.map((host) => this.#all<Usage>(host, flow?.namespace ?? namespace, question)));
    const usages = answers.flat();
    return {
      nowMs: nowMs(), // Boot clocks of other machines say nothing here.
      tasks: usages.flatMap(({ tasks }) => tasks),
      devices: usages.flatMap(({ devices }) => devices),
      edges: usages.flatMap(({ edges }) => edges),
    };
  }

  deadLetters(flow: FlowKey): Promise<readonly DeadLetter[]> {
    return this.#ofHosts<DeadLetter>(flow, "DeadLetters");
  }

  letterOutputs(flow: FlowKey): Promise<readonly LetterOutput[]> {
    return this.#ofHosts<LetterOutput>(flow, "LetterOutputs");
  }

  explain(flow: FlowKey): Promise<Explanation> {
    return this.#options.explain(flow);
  }

  about(): never {
    throw new OperatorError("AGENT_ONLY", { what: "who answers" });
  }

  snapshot(): never {
    throw new OperatorError("AGENT_ONLY", { what: "a snapshot" });
  }

  deadLettersDir(): never {
    throw new OperatorError("AGENT_ONLY", { what: "a folder of dead letters" });
  }

  async #ofHosts<T>(flow: FlowKey, service: Question["service"]): Promise<readonly T[]> {
    const hosts = await this.#hostsOf(flow);
    const answers = await Promise.all(hosts.map((host) => this.#all<T>(host, flow.namespace, { service, flow: flow.name })));
    return answers.flat();
  }

  async #hostsOf({ namespace, name }: FlowKey): Promise<string[]> {
    return this.#hostsIn(namespace, ({ spec }) => spec.flow === name);
  }

  async #hostsIn(namespace: string, isMeant: (task: FlowTask) => boolean = () => true): Promise<string[]> {
    const tasks = await this.#options.store.list("FlowTask", { namespace });
    return [...new Set(tasks.filter(isMeant).map(({ spec }) => spec.host))].toSorted();
  }

  async #all<T>(host: string, namespace: string, question: Question): Promise<T[]> {
    const items: T[] = [];
    for await (const item of this.#ask(host, namespace, question)) items.push(item as T);
    return items;
  }

  /** The items of an answer, page by page; the question goes when its reader does. @throws OperatorError HOST_SILENT, HOST_REFUSED */
  async *#ask(host: string, namespace: string, question: Question): AsyncGenerator<unknown> {
    const { store } = this.#options;
    const name = `${question.service.toLowerCase()}-${randomBytes(6).toString("hex")}`;
    const query = await store.create<"HostQuery">({
      apiVersion: API_VERSION,
      kind: "HostQuery",
      metadata: { namespace, name, labels: { [HOST_QUERY_LABEL]: host } },
      spec: { host, taken: 0, ...question },
    });
    const reading = new Reading(store, query);
    try {
      for (let page = 1; ; page += 1) {
        const { items = "[]", isLast, problem } = await reading.page(page, this.#times.silentMs);
        if (problem !== undefined) throw new OperatorError("HOST_REFUSED", { host, problem });
        yield* JSON.parse(items) as unknown[];
        if (isLast === true) return;
        await reading.take(page);
      }
    } finally {
      await reading.end();
    }
  }
}

/** One question while its answer is read. */
class Reading {
  readonly #store: Store;
  readonly #unwatch: () => void;
  #latest: HostQuery;
  #isGone = false;
  #wake: () => void = () => {};

  constructor(store: Store, query: HostQuery) {
    this.#store = store;
    this.#latest = query;
    const { uid, namespace, resourceVersion } = query.metadata;
    this.#unwatch = store.watch(
      "HostQuery",
      ({ type, object }) => {
        if (object.metadata.uid !== uid) return;
        if (type === "Deleted") this.#isGone = true;
        else this.#latest = object;
        this.#wake();
      },
      { namespace, fromVersion: resourceVersion },
    );
  }

  async page(number: number, silentMs: number): Promise<NonNullable<HostQuery["status"]>> {
    const endMs = performance.now() + silentMs;
    const { host } = this.#latest.spec;
    for (;;) {
      const { status } = this.#latest;
      if (status !== undefined && status.page >= number) return status;
      if (this.#isGone) throw new OperatorError("HOST_REFUSED", { host, problem: "the question was removed: the agent was started anew" });
      const leftMs = endMs - performance.now();
      if (leftMs <= 0) throw new OperatorError("HOST_SILENT", { host, seconds: silentMs / 1_000 });
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** Asks for the page after this one. */
  async take(page: number): Promise<void> {
    for (;;) {
      try {
        const { spec } = this.#latest;
        this.#latest = await this.#store.update<"HostQuery">({ ...this.#latest, spec: { ...spec, taken: page } });
        return;
      } catch (error) {
        if (!isLostRace(error)) throw error;
        const { namespace, name, uid } = this.#latest.metadata;
        const now = await this.#store.get({ kind: "HostQuery", namespace, name });
        if (now?.metadata.uid !== uid) this.#isGone = true;
        if (now === undefined || this.#isGone) return; // The next look says so.
        this.#latest = now;
      }
    }
  }

  async end(): Promise<void> {
    this.#unwatch();
    const { namespace, name, uid } = this.#latest.metadata;
    await this.#store.delete({ kind: "HostQuery", namespace, name }, { uid }).catch(() => {}); // Its host removes what nobody reads.
  }
}
