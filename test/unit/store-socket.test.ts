import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "@jest/globals";
import { EmbeddedStore } from "../../src/store/embedded/embedded-store.js";
import { SocketStore } from "../../src/store/socket/client.js";
import { serveStore } from "../../src/store/socket/server.js";
import type { Store } from "../../src/store/store.js";
import { aNewFlow } from "../support/builders.js";
import { storeContract } from "../support/store-contract.js";

const folder = mkdtempSync(join(tmpdir(), "vf-socket-"));
afterAll(() => rmSync(folder, { recursive: true }));
let opened = 0;

interface Served {
  readonly path: string;
  readonly client: SocketStore;
  end(): Promise<void>;
}

async function serve(): Promise<Served> {
  opened += 1;
  const path = join(folder, `${opened}.sock`);
  const owner = await EmbeddedStore.open();
  const server = await serveStore(owner, path);
  const client = await SocketStore.connect(path);
  const end = async () => {
    await client.close();
    await server.close();
    await owner.close();
  };
  return { path, client, end };
}

storeContract("a store over a socket", async (): Promise<Store> => {
  const { client, end } = await serve();
  const closable = Object.create(client) as Store;
  for (const name of ["get", "list", "create", "update", "updateStatus", "delete", "watch"] as const) {
    Object.defineProperty(closable, name, { value: client[name].bind(client) });
  }
  return Object.defineProperty(closable, "close", { value: end });
});

test("the socket is the user's only, and gone after the end", async () => {
  const { path, end } = await serve();
  const mode = statSync(path).mode & 0o777;
  await end();

  expect(mode).toBe(0o600);
  expect(statSync(path, { throwIfNoEntry: false })).toBeUndefined();
});

test("two clients see each other's writes", async () => {
  const { path, client, end } = await serve();
  const other = await SocketStore.connect(path);
  await client.create(aNewFlow("f"));

  const seen = await other.list("VideoFlow");
  await other.close();
  await end();

  expect(seen.map(({ metadata }) => metadata.name)).toEqual(["f"]);
});

test("a client whose owner went away is told so", async () => {
  const owner = await EmbeddedStore.open();
  const path = join(folder, "gone.sock");
  const server = await serveStore(owner, path);
  const client = await SocketStore.connect(path);
  await server.close();

  await expect(client.list("VideoFlow")).rejects.toThrow("STORE_UNREACHABLE");
  await expect(SocketStore.connect(path)).rejects.toThrow("STORE_UNREACHABLE");
  await owner.close();
});
