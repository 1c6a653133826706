/**
 * Answers questions that reach this host as objects: for people who reach only the API server.
 * Knows the store and the agent's services; must not know who asks. What a namespace may hear of is what runs in it.
 * See docs/adr/0011-host-queries.md.
 */

import type { HostQuery } from "../api/kinds.js";
import { errorText } from "../base/errors.js";
import { withoutUndefined } from "../base/without-undefined.js";
import type { AgentServices, FlowKey, Usage } from "../store/agent-services.js";
import { HOST_QUERY_LABEL, QUERY_TIMES, type QueryTimes } from "../store/host-query.js";
import { isLostRace, type Store, type Unwatch, type WatchEvent } from "../store/store.js";
import { type Page, pagesOf } from "./pages.js";

export interface HostQueriesOptions {
  readonly store: Store;
  readonly services: Pick<AgentServices, "logs" | "usage" | "deadLetters" | "letterOutputs">;
  readonly hostName: string;
  /** Whether tasks of the flow are on this host. */
  readonly knows: (flow: FlowKey) => boolean;
  readonly times?: QueryTimes;
  readonly onTrouble: (problem: string) => void;
}

/** Questions that are answered at once; more are refused. */
const MAX_OPEN = 16;
/** Logs that are followed at once, which may last for days: of a namespace, and of all of them. They take no place of other questions. */
const MAX_FOLLOWED_IN_NAMESPACE = 16;
const MAX_FOLLOWED = 64;

export class HostQueries {
  readonly #options: HostQueriesOptions;
  /** By uid. */
  readonly #open = new Map<string, Answer>();
  /** What of it is answered, not refused; by uid. */
  readonly #places = new Map<string, HostQuery>();
  #unwatch: Unwatch = () => {};

  constructor(options: HostQueriesOptions) {
    this.#options = options;
  }

  start(): void {
    const { store, hostName } = this.#options;
    this.#unwatch = store.watch("HostQuery", (event) => this.#see(event), { labels: { [HOST_QUERY_LABEL]: hostName } });
  }

  close(): void {
    this.#unwatch();
    for (const answer of this.#open.values()) answer.end();
  }

  #see({ type, object }: WatchEvent<"HostQuery">): void {
    if (object.spec.host !== this.#options.hostName) return;
    const { uid } = object.metadata;
    const open = this.#open.get(uid);
    if (type === "Deleted") return open?.end();
    if (open !== undefined) return open.see(object);
    const answer = new Answer(object, this.#options);
    this.#open.set(uid, answer);
    void this.#answer(answer, object).finally(() => {
      this.#open.delete(uid);
      this.#places.delete(uid);
    });
  }

  async #answer(answer: Answer, query: HostQuery): Promise<void> {
    try {
      if (query.status !== undefined) return await answer.remove(); // An earlier agent began it, and what it had read is lost.
      const problem = tooMany(query, [...this.#places.values()]);
      if (problem !== undefined) return await answer.give(refuse(problem));
      this.#places.set(query.metadata.uid, query);
      await answer.give(this.#itemsOf(query));
    } catch (error) {
      if (!isLostRace(error)) this.#options.onTrouble(`question ${query.metadata.namespace}/${query.metadata.name}: ${errorText(error)}`);
    }
  }

  #itemsOf({ metadata, spec }: HostQuery): AsyncIterable<unknown> {
    const { services, knows, hostName } = this.#options;
    const { namespace } = metadata;
    const { service, node, index, follow, previous, tail, sinceSeconds, timestamps } = spec;
    const flow = spec.flow === undefined ? undefined : { namespace, name: spec.flow };
    if (flow !== undefined && !knows(flow)) return refuse(`no task of flow ${namespace}/${flow.name} is on host ${hostName}`);
    if (service === "Usage") return one(services.usage(flow).then((usage) => within(namespace, usage)));
    if (flow === undefined) return refuse("the question names no flow");
    if (service === "DeadLetters") return each(services.deadLetters(flow));
    if (service === "LetterOutputs") return each(services.letterOutputs(flow));
    return services.logs({ flow, ...withoutUndefined({ node, index, follow, previous, tail, sinceSeconds, timestamps }) });
  }
}

/** One question while it is answered. */
class Answer {
  readonly #options: HostQueriesOptions;
  readonly #times: QueryTimes;
  readonly #ended = new AbortController();
  #latest: HostQuery;
  #wake: () => void = () => {};

  constructor(query: HostQuery, options: HostQueriesOptions) {
    this.#latest = query;
    this.#options = options;
    this.#times = options.times ?? QUERY_TIMES;
  }

  see(query: HostQuery): void {
    this.#latest = query;
    this.#wake();
  }

  end(): void {
    this.#ended.abort();
    this.#wake();
  }

  /** Writes page after page, each when the one before was taken; removes a question that nobody asks any more. */
  async give(items: AsyncIterable<unknown>): Promise<void> {
    let page = 0;
    const iterator = items[Symbol.asyncIterator]();
    try {
      for await (const next of pagesOf(iterator, this.#times, this.#ended.signal)) {
        page += 1;
        await this.#write(page, next);
        if (next.isLast) break;
        if (!(await this.#isTaken(page))) break;
      }
    } catch (error) {
      await this.#write(page + 1, { items: [], isLast: true, problem: errorText(error) });
    } finally {
      void iterator.return?.(undefined).catch(() => {}); // Its own end may fail; nobody waits for it.
    }
    if (!this.#ended.signal.aborted && !(await this.#isTaken(Number.POSITIVE_INFINITY))) await this.remove();
  }

  async remove(): Promise<void> {
    const { namespace, name, uid } = this.#latest.metadata;
    await this.#options.store.delete({ kind: "HostQuery", namespace, name }, { uid });
  }

  async #write(page: number, { items, isLast, problem }: Page): Promise<void> {
    const status = {
      page,
      items: JSON.stringify(items),
      ...(isLast ? { isLast } : {}),
      ...(problem === undefined ? {} : { problem: problem.slice(0, 4_000) }),
    };
    const written = await this.#options.store.updateStatus<"HostQuery">({ ...this.#latest, status });
    if (written.metadata.uid === this.#latest.metadata.uid) this.#latest = written;
  }

  /** @returns false if it was not in time, or the question is gone. */
  async #isTaken(page: number): Promise<boolean> {
    const endMs = performance.now() + this.#times.takenMs;
    while (!this.#ended.signal.aborted && this.#latest.spec.taken < page) {
      const leftMs = endMs - performance.now();
      if (leftMs <= 0) return false;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        timer.unref();
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return !this.#ended.signal.aborted;
  }
}

/** Why a question has no place beside those that are answered. */
function tooMany({ metadata, spec }: HostQuery, answered: readonly HostQuery[]): string | undefined {
  if (spec.follow !== true) {
    const others = answered.filter((other) => other.spec.follow !== true).length;
    return others < MAX_OPEN ? undefined : `it answers ${others} questions already; ask again in a moment`;
  }
  const followed = answered.filter((other) => other.spec.follow === true);
  const own = followed.filter((other) => other.metadata.namespace === metadata.namespace).length;
  if (own < MAX_FOLLOWED_IN_NAMESPACE && followed.length < MAX_FOLLOWED) return undefined;
  const [count, whose] = own < MAX_FOLLOWED_IN_NAMESPACE ? [followed.length, ""] : [own, ` of namespace ${metadata.namespace}`];
  return `${count} logs${whose} are followed on it already; read this one without -f, or end one of the others (kubectl get hostqueries)`;
}

/** Who else holds a device is nobody's business. */
function within(namespace: string, usage: Usage): Usage {
  const isOwn = (holder: string) => holder.startsWith(`${namespace}/`);
  return {
    ...usage,
    tasks: usage.tasks.filter(({ flow }) => flow.namespace === namespace),
    edges: usage.edges.filter(({ flow }) => flow.namespace === namespace),
    devices: usage.devices.map((device) => ({
      ...device,
      holders: [...new Set(device.holders.map((holder) => (isOwn(holder) ? holder : "another namespace")))],
    })),
  };
}

async function* one<T>(item: Promise<T>): AsyncGenerator<T> {
  yield await item;
}

async function* each<T>(items: Promise<readonly T[]>): AsyncGenerator<T> {
  yield* await items;
}

// biome-ignore lint/correctness/useYield: it has no items to give.
async function* refuse(problem: string): AsyncGenerator<never> {
  throw new Error(problem);
}
