import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "@jest/globals";
import type { OperatorError } from "../../src/base/errors.js";
import { EmbeddedStore } from "../../src/store/embedded/embedded-store.js";
import { aNewFlow } from "../support/builders.js";
import { storeContract } from "../support/store-contract.js";

const folder = mkdtempSync(join(tmpdir(), "vf-store-"));
afterAll(() => rmSync(folder, { recursive: true }));
let opened = 0;
const newPath = () => {
  opened += 1;
  return join(folder, String(opened));
};

storeContract("the embedded store in memory", () => EmbeddedStore.open());
storeContract("the embedded store on disk", () => EmbeddedStore.open({ path: newPath() }));

test("what was answered is there after the store is opened again", async () => {
  const path = newPath();
  const first = await EmbeddedStore.open({ path });
  const flow = await first.create(aNewFlow("f"));
  await first.create(aNewFlow("gone"));
  await first.delete({ kind: "VideoFlow", namespace: "default", name: "gone" });
  await first.updateStatus({ ...flow, status: { ready: "1/3" } });
  await first.close();
  const second = await EmbeddedStore.open({ path });
  const found = await second.list("VideoFlow");
  const later = await second.create(aNewFlow("later"));
  await second.close();
  expect(found.map(({ metadata, status }) => [metadata.name, metadata.uid, status?.ready])).toEqual([["f", flow.metadata.uid, "1/3"]]);
  expect(Number(later.metadata.resourceVersion)).toBeGreaterThan(4);
});

test("a second owner is refused with the pid of the first", async () => {
  const path = newPath();
  const first = await EmbeddedStore.open({ path });
  const refused: unknown = await EmbeddedStore.open({ path }).catch((error: unknown) => error);
  await first.close();
  const { code, detail } = refused as OperatorError<"STORE_LOCKED">;
  expect([code, detail.pid]).toEqual(["STORE_LOCKED", process.pid]);
});

test("a watch from a version that is no longer kept is refused", async () => {
  const store = await EmbeddedStore.open({ historyLength: 2 });
  for (const name of ["a", "b", "c", "d", "e", "g"]) await store.create(aNewFlow(name));
  const watch = () => store.watch("VideoFlow", () => {}, { fromVersion: "1" });
  expect(watch).toThrow("STORE_TOO_OLD");
});

test("a closed store answers with an error", async () => {
  const store = await EmbeddedStore.open();
  await store.close();
  await expect(store.list("VideoFlow")).rejects.toThrow("STORE_CLOSED");
});
