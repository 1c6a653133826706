/**
 * `/metrics` over HTTP: on a Unix socket of the user's own, or on a TCP address for those who have the token.
 * Answers nothing else; a browser that was led here by a foreign page is refused.
 */
import { timingSafeEqual } from "node:crypto";
import { readFileSync, rmSync, statSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { LoopFigures } from "../base/durations.js";
import { errorText, OperatorError } from "../base/errors.js";
import { listenPrivately } from "../base/private-socket.js";
import type { AgentServices } from "../store/agent-services.js";
import { listenOn } from "./health-server.js";
import { loopsText, processRegistry, usageText } from "./metrics.js";

export type MetricsPlace =
  | { readonly socket: string }
  /** `127.0.0.1:9464`, with a file of mode 0600 that holds the token. */
  | { readonly listen: string; readonly tokenFile: string }
  /** `:8080`, for whoever asks: of figures that tell of nobody's flows. */
  | { readonly open: string };

/** What is told. */
export interface Measured extends Partial<Pick<AgentServices, "usage">> {
  /** The loops of this process. */
  readonly loops?: () => readonly LoopFigures[];
  /** Further lines. */
  readonly more?: () => string;
}

export interface MetricsServer {
  /** Port of the TCP address; undefined for a socket. */
  readonly port: number | undefined;
  close(): Promise<void>;
}

const MAX_CONNECTIONS = 32;
const REQUEST_TIMEOUT_MS = 10_000;
/** Scrapes within this time get the same text: many readers cost no more than one. */
const FRESH_MS = 500;
const MIN_TOKEN_LENGTH = 16;

/** @throws OperatorError LISTEN_REFUSED */
export async function serveMetrics(services: Measured, place: MetricsPlace): Promise<MetricsServer> {
  const text = cachedText(services);
  const mayEnter = "tokenFile" in place ? gateOf(readToken(place.tokenFile)) : () => undefined;
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
    const refusal = mayEnter(request) ?? (request.method === "GET" && request.url === "/metrics" ? undefined : 404);
    if (refusal !== undefined) return answer(response, refusal, "");
    text().then(
      (body) => answer(response, 200, body),
      (error: unknown) => answer(response, 500, `${errorText(error)}\n`),
    );
  });
  server.maxConnections = MAX_CONNECTIONS;
  if ("socket" in place) await listenPrivately(server, place.socket);
  else await ("open" in place ? listenOn(server, place.open) : listenOnAddress(server, place.listen));
  const address = server.address();
  return {
    port: typeof address === "object" ? address?.port : undefined,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      if ("socket" in place) rmSync(place.socket, { force: true });
    },
  };
}

function answer(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { "content-type": "text/plain; version=0.0.4; charset=utf-8", "x-content-type-options": "nosniff" });
  response.end(body);
}

function cachedText({ usage, loops, more }: Measured): () => Promise<string> {
  const own = processRegistry();
  let made: { readonly atMs: number; readonly text: Promise<string> } | undefined;
  return () => {
    const nowMs = performance.now();
    if (made === undefined || nowMs - made.atMs > FRESH_MS) {
      const told = async () => [...(usage === undefined ? [] : [usageText(await usage())]), loopsText(loops?.() ?? []), more?.() ?? ""];
      const text = told().then(async (parts) => [...parts.filter((part) => part !== ""), await own.metrics()].join("\n"));
      made = { atMs: nowMs, text };
    }
    return made.text;
  };
}

/** @returns the status with which a request is refused; undefined if it may enter. */
function gateOf(token: Buffer): (request: IncomingMessage) => number | undefined {
  return ({ headers, socket }) => {
    // A page of another origin cannot leave these headers out, nor a rebound name look like ours.
    if (headers.origin !== undefined || !isOwnHost(headers.host, socket.localAddress, socket.localPort)) return 403;
    const given = Buffer.from(/^Bearer (.+)$/.exec(headers.authorization ?? "")?.[1] ?? "");
    return given.length === token.length && timingSafeEqual(given, token) ? undefined : 401;
  };
}

/** The address itself, or this machine by name where the address is its own. */
function isOwnHost(host: string | undefined, address: string | undefined, port: number | undefined): boolean {
  const plain = address?.replace(/^::ffff:/, "");
  const names = [plain, `[${plain}]`, ...(plain === "127.0.0.1" || plain === "::1" ? ["localhost"] : [])];
  return names.some((name) => host === `${name}:${port}`);
}

/** The token never stands in an error. */
function readToken(file: string): Buffer {
  const refuse = (problem: string) => new OperatorError("LISTEN_REFUSED", { problem: `the token file ${file} ${problem}` });
  let text: string;
  try {
    if ((statSync(file).mode & 0o077) !== 0) throw refuse("can be read by others: chmod 600 it");
    text = readFileSync(file, "utf8").trim();
  } catch (error) {
    throw error instanceof OperatorError ? error : refuse(`cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
  if (text.length < MIN_TOKEN_LENGTH) throw refuse(`holds fewer than ${MIN_TOKEN_LENGTH} characters`);
  return Buffer.from(text);
}

function listenOnAddress(server: Server, listen: string): Promise<void> {
  const match = /^(?:\[([0-9a-f:]+)\]|([\w.-]+)):(\d{1,5})$/i.exec(listen);
  if (match === null) throw new OperatorError("LISTEN_REFUSED", { problem: `${listen} is not ADDRESS:PORT` });
  return new Promise((resolve, reject) => {
    server.once("error", (error) => reject(new OperatorError("LISTEN_REFUSED", { problem: `${listen}: ${errorText(error)}` })));
    server.listen({ host: match[1] ?? match[2], port: Number(match[3]) }, resolve);
  });
}
