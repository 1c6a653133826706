/** A proxy before a real API server that records who asks for what, cuts watches, and answers as a server under load does. */
import { writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { Agent, request as requestTls } from "node:https";
import { join } from "node:path";
import { stringify } from "yaml";
import type { KubeCluster } from "./kube.js";

/** One request as RBAC sees it. */
export interface Recorded {
  /** First word of the user agent: the field manager. */
  readonly who: string;
  readonly verb: string;
  readonly group: string;
  /** `flowtasks`, `flowtasks/status`. */
  readonly resource: string;
  readonly namespace: string;
}

export interface KubeProxy {
  readonly kubeconfig: string;
  readonly recorded: Recorded[];
  /** Cuts open watches so often; 0 leaves them alone. */
  cutEveryMs: number;
  /** Answers a part of the writes, 0 to 1, with 409 although nothing changed. */
  conflicts: number;
  /** Answers requests that are no watches so; undefined passes them on. */
  refuse: { readonly status: number; readonly headers?: Readonly<Record<string, string>> } | undefined;
  /** Takes requests and answers none, and watches say nothing more: a network that swallows. Once it is back, all of these are cut. */
  swallow: boolean;
  /** Writes of our kinds that still pass; those beyond are held for ever, as if their writer had died before them. */
  writesLeft: number;
  /** Writes that were held. */
  readonly held: number;
  /** Watches that were cut. */
  readonly cuts: number;
  /** Keeps the bytes of watches back, without closing them: the silence of a dead connection. */
  mute: boolean;
  /** As mute, and lists are answered with 503: who asks can read and write what it names, and hears of nothing else. */
  deaf: boolean;
  close(): Promise<void>;
}

export async function kubeProxy(cluster: KubeCluster, name: string): Promise<KubeProxy> {
  const agent = new Agent({ rejectUnauthorized: false, keepAlive: true });
  const watches = new Set<ServerResponse>();
  const swallowed = new Set<ServerResponse>();
  const state = {
    cutEveryMs: 0,
    conflicts: 0,
    refuse: undefined as KubeProxy["refuse"],
    swallow: false,
    mute: false,
    deaf: false,
    cuts: 0,
    held: 0,
    writesLeft: Number.POSITIVE_INFINITY,
  };
  const recorded: Recorded[] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://proxy");
    const isWatch = url.searchParams.has("watch");
    const asked = recordOf(request, url, isWatch);
    recorded.push(asked);
    if (state.swallow) return void swallowed.add(response);
    const isWrite = VERBS[request.method ?? ""] !== undefined && url.pathname.startsWith("/apis/videoflow.io/");
    if (isWrite && state.writesLeft <= 0) {
      state.held += 1;
      return void swallowed.add(response);
    }
    if (isWrite) state.writesLeft -= 1;
    if (state.deaf && asked.verb === "list") return void response.writeHead(503).end("{}");
    if (state.refuse !== undefined && !isWatch) return void response.writeHead(state.refuse.status, state.refuse.headers).end("{}");
    if ((request.method === "PUT" || request.method === "PATCH") && Math.random() < state.conflicts)
      return refuseAsConflict(request, response);
    const { host: _, ...headers } = request.headers;
    const onwards = requestTls(
      { host: "127.0.0.1", port: cluster.port, path: request.url, method: request.method, headers, agent },
      (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        if (!isWatch) return void answer.pipe(response);
        watches.add(response);
        response.flushHeaders();
        answer.on("data", (chunk: Buffer) => {
          if (state.swallow) swallowed.add(response);
          else if (!state.mute && !state.deaf) response.write(chunk);
        });
        answer.on("end", () => state.swallow || response.end());
        answer.on("error", () => response.destroy());
      },
    );
    onwards.on("error", () => response.destroy());
    response.on("close", () => {
      watches.delete(response);
      onwards.destroy();
    });
    request.pipe(onwards);
  });
  let lastCut = performance.now();
  const timer = setInterval(() => {
    if (!state.swallow && state.writesLeft > 0) {
      for (const lost of swallowed) lost.destroy();
      swallowed.clear();
    }
    if (state.cutEveryMs === 0 || performance.now() - lastCut < state.cutEveryMs) return;
    lastCut = performance.now();
    for (const watch of watches) {
      watch.destroy();
      state.cuts += 1;
    }
  }, 20);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const kubeconfig = join(cluster.folder, `${name}.kubeconfig`);
  writeFileSync(kubeconfig, kubeconfigOf(`http://127.0.0.1:${port}`));
  return Object.assign(state, {
    kubeconfig,
    recorded,
    close: () => {
      clearInterval(timer);
      agent.destroy();
      server.closeAllConnections();
      return new Promise<void>((resolve) => server.close(() => resolve()));
    },
  });
}

function refuseAsConflict(request: IncomingMessage, response: ServerResponse): void {
  request.resume();
  const status = { kind: "Status", status: "Failure", reason: "Conflict", message: "the object has been modified", code: 409 };
  request.on("end", () => response.writeHead(409, { "content-type": "application/json" }).end(JSON.stringify(status)));
}

const VERBS: Readonly<Record<string, string>> = { POST: "create", PUT: "update", PATCH: "patch", DELETE: "delete" };

function recordOf(request: IncomingMessage, url: URL, isWatch: boolean): Recorded {
  const parts = url.pathname.split("/").filter(Boolean);
  const group = parts[0] === "api" ? "" : (parts[1] ?? "");
  const rest = parts.slice(parts[0] === "api" ? 2 : 3);
  const namespace = rest[0] === "namespaces" && rest.length > 2 ? (rest[1] ?? "") : "";
  const [resource = "", object, subresource] = namespace === "" ? rest : rest.slice(2);
  const reading = isWatch ? "watch" : object === undefined ? "list" : "get";
  const who = (request.headers["user-agent"] ?? "").split(" ")[0] ?? "";
  return {
    who,
    verb: VERBS[request.method ?? ""] ?? reading,
    group,
    resource: subresource === undefined ? resource : `${resource}/${subresource}`,
    namespace,
  };
}

function kubeconfigOf(server: string): string {
  return stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "proxy",
    clusters: [{ name: "proxy", cluster: { server } }],
    contexts: [{ name: "proxy", context: { cluster: "proxy", user: "proxy", namespace: "default" } }],
    users: [{ name: "proxy", user: { token: "user:admin" } }],
  });
}
