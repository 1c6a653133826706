/** Lets other processes of this user use a store that this process owns, and ask the agent that goes with it. */
import { rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { listenPrivately } from "../../base/private-socket.js";
import type { Store } from "../store.js";
import { Connection, type Served } from "./connection.js";
import { gateWrites, type WriteLimits } from "./gate.js";

export interface StoreServer {
  /** Ends all connections and removes the socket. The store stays open. */
  close(): Promise<void>;
}

/** Clients at once; more are turned away. */
const MAX_CONNECTIONS = 128;

/**
 * Serves a store on a Unix socket that only this user may open.
 *
 * @param path of the socket; one that a dead owner left there is replaced, so the caller must own the store (its lock).
 */
export async function serveStore(store: Store, path: string): Promise<StoreServer> {
  return serve({ store }, path);
}

/**
 * Serves an agent: its objects, behind the rules for what clients may write, and its services.
 *
 * @param path as for {@link serveStore}; `<stateDir>/agent.sock`.
 */
export async function serveAgent(path: string, served: Served, limits: Partial<WriteLimits> = {}): Promise<StoreServer> {
  return serve({ ...served, store: gateWrites(served.store, limits) }, path);
}

async function serve(served: Served, path: string): Promise<StoreServer> {
  const connections = new Set<Socket>();
  const server = createServer((socket) => {
    connections.add(socket);
    socket.on("close", () => connections.delete(socket));
    new Connection(served, socket);
  });
  server.maxConnections = MAX_CONNECTIONS;
  await listenPrivately(server, path);
  return {
    close: async () => {
      for (const socket of connections) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      rmSync(path, { force: true });
    },
  };
}
