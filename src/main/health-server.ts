/** Probes of a process: `/healthz` says that it lives, `/readyz` that it can do its work. */
import { createServer, type Server } from "node:http";
import { errorText, OperatorError } from "../base/errors.js";

const MAX_PORT = 65_535;

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

/** @param address `:8081`, `127.0.0.1:8081`, `[::1]:8081`. @throws OperatorError ADDRESS_UNUSABLE */
export async function listenOn(server: Server, address: string): Promise<void> {
  const refused = (problem: string) => new OperatorError("ADDRESS_UNUSABLE", { address, problem });
  const match = /^(?:\[(.+)\]|([^:]*)):(\d{1,5})$/.exec(address);
  if (match === null || Number(match[3]) > MAX_PORT) throw refused("it is no address and port");
  const host = match[1] ?? match[2];
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(refused(errorText(error))));
    server.listen(Number(match[3]), host || undefined, resolve);
  });
}
