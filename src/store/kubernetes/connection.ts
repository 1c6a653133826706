/**
 * HTTP to the API server: credentials of a kubeconfig, connections that are kept, answers that ask for patience.
 * Knows paths and status codes; must not know kinds.
 */

import { type IncomingHttpHeaders, type IncomingMessage, request as requestPlain } from "node:http";
import { Agent, type AgentOptions, request as requestTls } from "node:https";
import type { KubeConfig } from "@kubernetes/client-node";
import { Durations, type Histogram } from "../../base/durations.js";
import { OperatorError } from "../../base/errors.js";
import { withoutUndefined } from "../../base/without-undefined.js";
import { backoffMs } from "./backoff.js";

export interface ApiRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: object;
  /** Default application/json. */
  readonly contentType?: string;
}

export interface ApiReply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** Where a cluster is and who asks; read again now and then, for tokens and certificates change. */
export interface Credentials {
  readonly server: string;
  /** Namespace of the context. */
  readonly namespace: string;
  /** Headers and TLS material of one request. */
  authorize(): Promise<{ readonly headers: Readonly<Record<string, string>>; readonly tls: AgentOptions; readonly proxy?: Agent }>;
}

/** Requests that were answered alike. */
export interface ApiCalls {
  readonly method: string;
  /** Status of the answer; `<error>` without one, as Kubernetes' own clients say it. */
  readonly code: string;
  readonly count: number;
}

/** What was asked of an API server so far. */
export interface ApiFigures {
  readonly calls: readonly ApiCalls[];
  readonly times: Histogram;
}

const NO_ANSWER = "<error>";
/** An API server that does not answer within this time is taken for absent. */
const REQUEST_TIMEOUT_MS = 10_000;
/** Attempts at a request that the server asks to repeat. */
const ATTEMPTS = 4;
const MAX_PATIENCE_MS = 5_000;
const CREDENTIALS_MS = 30_000;
const BUSY: ReadonlySet<number> = new Set([429, 500, 502, 503, 504]);

export interface ConnectionOptions {
  readonly credentials: Credentials;
  /** Sent with every write: whose fields these are. */
  readonly fieldManager: string;
  readonly userAgent: string;
  readonly nowMs: () => number;
  /** In [0, 1). */
  readonly chance: () => number;
}

export class Connection {
  readonly #options: ConnectionOptions;
  readonly #ended = new AbortController();
  #authorized: { readonly atMs: number; readonly headers: Readonly<Record<string, string>>; readonly agent: Agent | undefined } | undefined;
  #material = "";
  #failures = 0;
  /** Until then nobody but watches tries: a server that comes back is not met by everybody at once. */
  #restUntilMs = 0;
  readonly #calls = new Map<string, ApiCalls>();
  readonly #times = new Durations();

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  get server(): string {
    return this.#options.credentials.server;
  }

  get namespace(): string {
    return this.#options.credentials.namespace;
  }

  /** Requests so far, watches apart. */
  get figures(): ApiFigures {
    return { calls: [...this.#calls.values()], times: this.#times.histogram };
  }

  get isClosed(): boolean {
    return this.#ended.signal.aborted;
  }

  /**
   * One request, repeated while the server asks for it (429, 5xx, Retry-After).
   *
   * @returns any answer that is no plea for patience; the caller judges 4xx.
   * @throws OperatorError STORE_UNREACHABLE if nobody answers, STORE_CLOSED after {@link close}.
   */
  async request(request: ApiRequest): Promise<ApiReply> {
    for (let attempt = 1; ; attempt += 1) {
      const reply = await this.#once(request);
      if (!BUSY.has(reply.status) || attempt >= ATTEMPTS) return reply;
      await this.pause(Math.min(MAX_PATIENCE_MS, retryAfterMs(reply.headers) ?? this.jittered(attempt)));
    }
  }

  /** Opens a stream of answers. @returns the response, whose body the caller reads; any status. */
  async stream(path: string, query: Readonly<Record<string, string>>, signal: AbortSignal): Promise<IncomingMessage> {
    const { headers } = await this.#authorize();
    return this.#send({ method: "GET", path, query }, headers, AbortSignal.any([signal, this.#ended.signal]));
  }

  /** A delay that grows with the attempts and is not the same for everybody. */
  jittered(attempt: number): number {
    return backoffMs(attempt, this.#options.chance());
  }

  /** Waits; a close ends it. */
  pause(delayMs: number): Promise<void> {
    const { signal } = this.#ended;
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, delayMs);
      signal.addEventListener("abort", done);
    });
  }

  /** Ends everything that is under way. */
  close(): void {
    this.#ended.abort();
    this.#authorized?.agent?.destroy();
  }

  async #once(request: ApiRequest): Promise<ApiReply> {
    const { nowMs } = this.#options;
    if (this.isClosed) throw new OperatorError("STORE_CLOSED", { operation: request.method });
    if (nowMs() < this.#restUntilMs) throw new OperatorError("STORE_UNREACHABLE", { path: this.server });
    const startMs = nowMs();
    try {
      const reply = await this.#exchange(request);
      this.#count(request, String(reply.status), nowMs() - startMs);
      this.#failures = 0;
      if (reply.status === 401) this.#authorized = undefined;
      return reply;
    } catch (cause) {
      if (this.isClosed) throw new OperatorError("STORE_CLOSED", { operation: request.method }, { cause });
      this.#count(request, NO_ANSWER, nowMs() - startMs);
      this.#failures += 1;
      this.#restUntilMs = nowMs() + (this.#failures < 2 ? 0 : this.jittered(this.#failures - 1));
      throw new OperatorError("STORE_UNREACHABLE", { path: this.server }, { cause });
    }
  }

  #count({ method }: ApiRequest, code: string, tookMs: number): void {
    const key = `${method} ${code}`;
    this.#calls.set(key, { method, code, count: (this.#calls.get(key)?.count ?? 0) + 1 });
    this.#times.add(tookMs / 1_000);
  }

  async #exchange(request: ApiRequest): Promise<ApiReply> {
    const { headers } = await this.#authorize();
    const signal = AbortSignal.any([AbortSignal.timeout(REQUEST_TIMEOUT_MS), this.#ended.signal]);
    const response = await this.#send(request, headers, signal);
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    return { status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(chunks).toString("utf8") };
  }

  #send(request: ApiRequest, credentials: Readonly<Record<string, string>>, signal: AbortSignal): Promise<IncomingMessage> {
    const { userAgent } = this.#options;
    const url = new URL(this.server + request.path);
    for (const [name, value] of Object.entries(this.#queryOf(request))) url.searchParams.set(name, value);
    const body = request.body === undefined ? undefined : JSON.stringify(request.body);
    // A DELETE has no length of its own: without this header its body would be taken for the next request.
    const content =
      body === undefined
        ? {}
        : { "content-type": request.contentType ?? "application/json", "content-length": String(Buffer.byteLength(body)) };
    const headers = { accept: "application/json", "user-agent": userAgent, ...content, ...credentials };
    const agent = url.protocol === "https:" ? this.#authorized?.agent : undefined;
    const send = url.protocol === "https:" ? requestTls : requestPlain;
    return new Promise((resolve, reject) => {
      const sent = send(url, { method: request.method, headers, signal, ...(agent === undefined ? {} : { agent }) }, resolve);
      sent.on("error", reject);
      sent.end(body);
    });
  }

  #queryOf({ method, query }: ApiRequest): Readonly<Record<string, string>> {
    const isWrite = method === "POST" || method === "PUT" || method === "PATCH";
    return isWrite ? { fieldManager: this.#options.fieldManager, ...query } : (query ?? {});
  }

  async #authorize() {
    const now = this.#options.nowMs();
    if (this.#authorized !== undefined && now - this.#authorized.atMs < CREDENTIALS_MS) return this.#authorized;
    const { headers, tls, proxy } = await this.#options.credentials.authorize();
    const material = JSON.stringify(tls, (_, value) => (Buffer.isBuffer(value) ? value.toString("base64") : value));
    const kept = material === this.#material ? this.#authorized?.agent : undefined;
    this.#material = material;
    this.#authorized = { atMs: now, headers, agent: proxy ?? kept ?? new Agent({ ...tls, keepAlive: true, maxSockets: 64 }) };
    return this.#authorized;
  }
}

/** @returns the wait that the server asks for, in milliseconds. */
export function retryAfterMs(headers: IncomingHttpHeaders): number | undefined {
  const seconds = Number(headers["retry-after"]);
  return Number.isFinite(seconds) ? seconds * 1_000 : undefined;
}

/** Credentials of the current context of a kubeconfig. */
export function credentialsOf(config: KubeConfig): Credentials {
  const cluster = config.getCurrentCluster();
  const context = config.getContextObject(config.getCurrentContext());
  if (cluster === null || cluster === undefined) throw new OperatorError("CLUSTER_UNKNOWN", { context: config.getCurrentContext() ?? "" });
  // Plain http, as of `kubectl proxy`, has nothing to verify, and the client refuses it unless it is told so.
  if (cluster.server.startsWith("http:")) Object.assign(cluster, { skipTLSVerify: true });
  return {
    server: cluster.server.replace(/\/+$/, ""),
    namespace: context?.namespace ?? "default",
    authorize: async () => {
      const options: Parameters<KubeConfig["applyToHTTPSOptions"]>[0] & { auth?: string } = {};
      await config.applyToHTTPSOptions(options);
      const { ca, cert, key, pfx, passphrase, servername, rejectUnauthorized } = options;
      const tls = withoutUndefined({ ca, cert, key, pfx, passphrase, servername, rejectUnauthorized }) as AgentOptions;
      const basic: Record<string, string> =
        options.auth === undefined ? {} : { authorization: `Basic ${Buffer.from(options.auth).toString("base64")}` };
      const headers = { ...basic, ...(options.headers as Record<string, string> | undefined) };
      return cluster.proxyUrl === undefined ? { headers, tls } : { headers, tls, proxy: options.agent as Agent };
    },
  };
}
