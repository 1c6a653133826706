import { createHash } from "node:crypto";
import { appendFileSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { AnyResource } from "../../src/api/kinds.js";
import { OperatorError } from "../../src/base/errors.js";
import { Prng } from "../../src/base/prng.js";
import { EmbeddedStore } from "../../src/store/embedded/embedded-store.js";
import { readLmdbFile } from "../../src/store/embedded/lmdb-file.js";
import { LmdbTable } from "../../src/store/embedded/lmdb-table.js";
import { aNewFlow } from "../support/builders.js";

const folder = mkdtempSync(join(tmpdir(), "vf-damage-"));
const whole = join(folder, "whole");
let objects: AnyResource[];
/** Short enough to be read where it differs. */
const textsOf = (found: readonly AnyResource[]) =>
  found.map((object) => `${object.metadata.name} ${createHash("sha1").update(JSON.stringify(object)).digest("hex")}`);

/** Some values span pages, some pages are free, and the tree has branches. */
beforeAll(async () => {
  const store = await EmbeddedStore.open({ path: whole });
  let flows = await Promise.all(Array.from({ length: 60 }, (_, i) => store.create(aNewFlow(`f${i}`))));
  for (let round = 0; round < 6; round += 1) {
    const message = (i: number) => "a word ".repeat(i % 9 === 0 ? 900 : round);
    flows = await Promise.all(flows.map((flow, i) => store.updateStatus<"VideoFlow">({ ...flow, status: { message: message(i) } })));
    for (const { metadata } of flows.filter((_, i) => i % 7 === round))
      await store.delete({ kind: "VideoFlow", namespace: "default", name: metadata.name });
    flows = flows.filter((_, i) => i % 7 !== round);
  }
  objects = await store.list("VideoFlow");
  await store.close();
  expect(objects.length).toBeGreaterThan(5);
});
afterAll(() => rmSync(folder, { recursive: true }));

let copies = 0;
function aCopy(): string {
  copies += 1;
  const path = join(folder, String(copies));
  cpSync(whole, path, { recursive: true });
  return path;
}

/** Changes some bytes, near each other half of the time. */
function damage(file: string, prng: Prng): void {
  const bytes = readFileSync(file);
  const count = prng.range(1, 6);
  const [first, isNear] = [prng.range(0, bytes.length - 1), prng.chance(0.5)];
  for (let i = 0; i < count; i += 1) {
    const at = isNear ? Math.min(first + i, bytes.length - 1) : prng.range(0, bytes.length - 1);
    bytes[at] = ((bytes[at] as number) + prng.range(1, 255)) & 0xff;
  }
  writeFileSync(file, bytes);
}

/** Where bytes mean most: the first two pages, and the headers of the others. */
function damageHead(file: string, prng: Prng): void {
  const bytes = readFileSync(file);
  const page = prng.range(0, Math.floor(bytes.length / 4096) - 1);
  const at = page * 4096 + prng.range(0, page < 2 ? 167 : 63);
  bytes[at] = (bytes[at] as number) ^ (1 << prng.range(0, 7));
  writeFileSync(file, bytes);
}

/** The state as it was, able to take writes, and there again at the next start. */
async function expectWhole(path: string, what: string): Promise<string[]> {
  const troubles: string[] = [];
  const store = await EmbeddedStore.open({ path, onTrouble: (text) => troubles.push(text) });
  expect([what, ...textsOf(await store.list("VideoFlow"))]).toEqual([what, ...textsOf(objects)]);
  const added = await Promise.all(Array.from({ length: 8 }, (_, i) => store.create(aNewFlow(`new-${i}`))));
  for (const { metadata } of added) await store.delete({ kind: "VideoFlow", namespace: "default", name: metadata.name });
  await store.close();
  const again = await EmbeddedStore.open({ path, onTrouble: (text) => troubles.push(`again: ${text}`) });
  expect([what, ...textsOf(await again.list("VideoFlow"))]).toEqual([what, ...textsOf(objects)]);
  await again.close();
  rmSync(path, { recursive: true });
  return troubles;
}

const CASES = 30;

test.each([
  ["any bytes of the database", "objects.mdb", damage],
  ["a header of the database", "objects.mdb", damageHead],
  ["any bytes of the copy", "objects.copy", damage],
] as const)(
  `nothing is lost when %s are damaged, in ${CASES} ways`,
  async (_, name, spoil) => {
    let told = 0;
    for (let seed = 1; seed <= CASES; seed += 1) {
      const path = aCopy();
      spoil(join(path, name), new Prng(seed));
      const troubles = await expectWhole(path, `${name}, seed ${seed}`);
      expect(troubles.filter((text) => text.startsWith("again"))).toEqual([]);
      for (const text of troubles) expect(text).toMatch(/nothing is lost/);
      told += troubles.length;
    }
    expect(told).toBeGreaterThan(CASES / 8); // What lies in a page that is free does no harm.
  },
  60_000,
);

test.each([
  ["a database that is gone", (path: string) => rmSync(join(path, "objects.mdb")), 1],
  ["an empty database", (path: string) => truncateSync(join(path, "objects.mdb"), 0), 1],
  ["a database that is cut off", (path: string) => truncateSync(join(path, "objects.mdb"), 5 * 4096), 1],
  ["a copy that is gone", (path: string) => rmSync(join(path, "objects.copy")), 0],
  ["a last line that was cut off", (path: string) => appendFileSync(join(path, "objects.copy"), "0123456789abcdef 9999\tobject/Video"), 0],
  ["a copy that is cut off", (path: string) => truncateSync(join(path, "objects.copy"), 3_000), 0],
  ["a lock file of nonsense", (path: string) => writeFileSync(join(path, "objects.mdb-lock"), "nonsense".repeat(1000)), 0],
] as const)("nothing is lost with %s", async (what, spoil, troubles) => {
  const path = aCopy();
  spoil(path);
  expect(await expectWhole(path, what)).toHaveLength(troubles);
});

test("a database and a copy that are both damaged are told, both of them, and not touched", async () => {
  const path = aCopy();
  for (const name of ["objects.mdb", "objects.copy"]) writeFileSync(join(path, name), "no database at all".repeat(1000));
  const error: unknown = await EmbeddedStore.open({ path }).catch((problem: unknown) => problem);
  expect(error).toMatchObject({ code: "STORE_UNREADABLE" });
  expect((error as Error).message).toMatch(/objects\.mdb is no database; .*objects\.copy is (empty|damaged)/);
  expect(readFileSync(join(path, "objects.mdb"), "utf8")).toBe("no database at all".repeat(1000));
  expect(existsSync(join(path, "objects.mdb.damaged"))).toBe(false);
});

test("the copy is written anew when it has grown, and holds what the database holds", async () => {
  const path = aCopy();
  const store = await EmbeddedStore.open({ path });
  let flow = await store.create(aNewFlow("talks"));
  for (let i = 0; i < 300; i += 1) flow = await store.updateStatus<"VideoFlow">({ ...flow, status: { message: `${i} `.repeat(2_000) } });
  await store.close();
  const size = readFileSync(join(path, "objects.copy")).length;
  rmSync(join(path, "objects.mdb"));
  const restored = await EmbeddedStore.open({ path });
  expect((await restored.list("VideoFlow")).map(({ metadata }) => metadata.name)).toEqual([
    ...objects.map(({ metadata }) => metadata.name),
    "talks",
  ]);
  expect((await restored.get({ kind: "VideoFlow", namespace: "default", name: "talks" }))?.status).toEqual(flow.status);
  await restored.close();
  expect(size).toBeLessThan(1_500_000); // All 300 are more than 2 MB.
});

test("records that are damaged are told, or whole: never others", async () => {
  const path = join(folder, "records");
  const table = LmdbTable.open<unknown>(path, "boot");
  for (let i = 0; i < 80; i += 1) await table.put(`task/${i}`, { pid: i, text: "word ".repeat(i) });
  await table.close();
  const file = join(path, "table.mdb");
  const kept = readFileSync(file);
  const seen = { told: 0, whole: 0 };
  for (let seed = 1; seed <= CASES; seed += 1) {
    writeFileSync(file, kept);
    (seed % 2 === 0 ? damage : damageHead)(file, new Prng(seed));
    try {
      const opened = LmdbTable.open<{ pid: number }>(path, "boot");
      expect([...opened.entries().values()].map(({ pid }) => pid).toSorted((a, b) => a - b)).toEqual(
        Array.from({ length: 80 }, (_, i) => i),
      );
      await opened.put("task/0", { pid: 0 });
      await opened.close();
      seen.whole += 1;
    } catch (error) {
      if (!(error instanceof OperatorError)) throw error;
      expect([seed, error.code]).toEqual([seed, "RECORDS_UNREADABLE"]);
      seen.told += 1;
    }
  }
  expect(Math.min(seen.told, seen.whole)).toBeGreaterThan(3);
});

/** Offset of the newer of the two first pages, and of the nodes of the page on which its free list begins. */
function placesOf(bytes: Buffer): { readonly meta: number; readonly free: number } {
  const meta = bytes.readBigUInt64LE(4096 + 152) > bytes.readBigUInt64LE(152) ? 4096 : 0;
  const page = Number(bytes.readBigUInt64LE(meta + 88)) * 4096;
  return { meta, free: page + 24 + bytes.readUInt16LE(page + 24) };
}

test("a free page that is in use, and a count that is wrong, are told: LMDB would write over what is there", () => {
  const bytes = readFileSync(join(whole, "objects.mdb"));
  const { meta, free } = placesOf(bytes);
  const file = join(folder, "spoilt.mdb");
  const told = (at: number, value: bigint) => {
    const spoilt = Buffer.from(bytes);
    spoilt.writeBigUInt64LE(value, at);
    writeFileSync(file, spoilt);
    return () => readLmdbFile(file);
  };
  const list = free + 8 + 8; // Behind the node's head and its key, a transaction.
  const [count, root] = [Number(bytes.readBigUInt64LE(list)), bytes.readBigUInt64LE(meta + 136)];
  expect(count).toBeGreaterThan(1);
  expect(told(list + 8 * count, root)).toThrow("is in use twice");
  expect(told(list + 8 * count, 99_999n)).toThrow("there is no page 99999");
  expect(told(list, BigInt(count + 1_000))).toThrow("list of free pages");
  expect(told(meta + 128, bytes.readBigUInt64LE(meta + 128) + 1n)).toThrow(/main tree has \d+ entries and tells/);
});
