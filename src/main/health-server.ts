/** Probes of a process: `/healthz` says that it lives, `/readyz` that it can do its work. */
import { createServer, type Server } from "node:http";

export interface HealthOptions {
  /** `:8081`, `127.0.0.1:8081`; port 0 takes any. */
  readonly address: string;
  /** Why the process must be restarted; undefined: it lives. */
  readonly unhealthy: () => string | undefined;
  /** Why it cannot do its work now; undefined: it can. */
  readonly unready: () => string | undefined;
}

export interface HealthServer {
  readonly port: number;
  close(): Promise<void>;
}

export async function serveHealth({ address, unhealthy, unready }: HealthOptions): Promise<HealthServer> {
  const checks: Readonly<Record<string, () => string | undefined>> = { "/healthz": unhealthy, "/readyz": unready };
  const server = createServer((request, response) => {
    const check = checks[(request.url ?? "").split("?")[0] ?? ""];
    const problem = check === undefined ? "not found" : check();
    response.statusCode = check === undefined ? 404 : problem === undefined ? 200 : 503;
    response.setHeader("content-type", "text/plain; charset=utf-8");
    response.end(`${problem ?? "ok"}\n`);
  });
  await listenOn(server, address);
  const bound = server.address();
  return {
    port: typeof bound === "object" && bound !== null ? bound.port : 0,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** @param address `:8081`, `127.0.0.1:8081`. */
export function listenOn(server: Server, address: string): Promise<void> {
  const colon = address.lastIndexOf(":");
  const host = address.slice(0, colon);
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(Number(address.slice(colon + 1)), host === "" ? undefined : host, resolve);
  });
}
