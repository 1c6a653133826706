/** Lets other processes of this user use a store that this process owns. */
import { chmodSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import type { Kind } from "../../api/kinds.js";
import { OperatorError } from "../../base/errors.js";
import { readLines } from "../../base/lines.js";
import type { ListOptions, Store, Unwatch, WatchEvent } from "../store.js";
import { type Method, type Reply, type Request, toWireError } from "./protocol.js";

export interface StoreServer {
  /** Ends all connections and removes the socket. The store stays open. */
  close(): Promise<void>;
}

/**
 * Serves a store on a Unix socket that only this user may open.
 *
 * @param path of the socket; one that a dead owner left there is replaced, so the caller must own the store (its lock).
 */
export async function serveStore(store: Store, path: string): Promise<StoreServer> {
  const connections = new Set<Socket>();
  const server = createServer((socket) => {
    connections.add(socket);
    socket.on("close", () => connections.delete(socket));
    serveConnection(store, socket);
  });
  rmSync(path, { force: true });
  await listen(server, path);
  return {
    close: async () => {
      for (const socket of connections) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      rmSync(path, { force: true });
    },
  };
}

/** The socket is made without access for others, not closed to them afterwards. */
function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const mask = process.umask(0o177);
    server.once("error", reject);
    server.listen(path, () => {
      chmodSync(path, 0o600);
      resolve();
    });
    process.umask(mask);
  });
}

function serveConnection(store: Store, socket: Socket): void {
  const watches = new Map<number, Unwatch>();
  const send = (reply: Reply) => void socket.write(`${JSON.stringify(reply)}\n`);
  readLines(socket, (line) => {
    const request = JSON.parse(line) as Request;
    answer(store, request, watches, send).then(
      (result) => send({ id: request.id, result }),
      (error: unknown) => send({ id: request.id, error: toWireError(error) }),
    );
  });
  socket.on("error", () => socket.destroy()); // A client that died; "close" follows.
  socket.on("close", () => {
    for (const unwatch of watches.values()) unwatch();
  });
}

async function answer(store: Store, request: Request, watches: Map<number, Unwatch>, send: (reply: Reply) => void): Promise<unknown> {
  if (request.method === "unwatch") {
    watches.get(request.watch)?.();
    watches.delete(request.watch);
    return null;
  }
  if (request.method === "watch") {
    const [kind, options] = request.args;
    watches.set(
      request.id,
      watch(store, kind as Kind, options ?? {}, (event) => send({ watch: request.id, event })),
    );
    return null;
  }
  const method = store[request.method as Method] as (...args: unknown[]) => Promise<unknown>;
  return (await method.apply(store, [...request.args])) ?? null;
}

/** A client cannot be told at once that its version is too old: it sees the present state instead, as after any gap. */
function watch(store: Store, kind: Kind, options: ListOptions & { fromVersion?: string }, onEvent: (event: WatchEvent) => void): Unwatch {
  try {
    return store.watch(kind, onEvent, options);
  } catch (error) {
    if (!(error instanceof OperatorError) || error.code !== "STORE_TOO_OLD") throw error;
    const { fromVersion: _tooOld, ...rest } = options;
    return store.watch(kind, onEvent, rest);
  }
}
