import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { findModelFile, maskUrl, modelCacheFolder } from "../../src/components/model-file.js";

const BYTES = Buffer.from("the bytes of a model");
const SHA256 = createHash("sha256").update(BYTES).digest("hex");

describe("findModelFile", () => {
  let folder = "";
  let cache = "";
  let server: Server;
  let requests: string[] = [];
  let base = "";

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "videoflow-test-"));
    cache = join(folder, "cache");
    requests = [];
    server = createServer((request, response) => {
      requests.push(`${request.url} ${request.headers.authorization ?? "-"}`);
      const isModel = request.url?.startsWith("/model.onnx") ?? false;
      response.writeHead(isModel ? 200 : 404).end(isModel ? BYTES : "");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true, force: true });
  });

  test("gives a local path as it is, with and without a checksum", async () => {
    const path = join(folder, "m.onnx");
    writeFileSync(path, BYTES);
    expect(await findModelFile({ model: path }, cache)).toBe(path);
    expect(await findModelFile({ model: path, sha256: SHA256.toUpperCase() }, cache)).toBe(path);
    await expect(findModelFile({ model: path, sha256: "0".repeat(64) }, cache)).rejects.toMatchObject({ code: "MODEL_CHECKSUM" });
  });

  test("names a path that is not there", async () => {
    await expect(findModelFile({ model: "no/such.onnx" }, cache)).rejects.toThrow("MODEL_NOT_FOUND: there is no model file no/such.onnx");
  });

  test("fetches a URL once, whatever the number of tasks after that", async () => {
    const source = { model: `${base}/model.onnx`, sha256: SHA256 };
    const path = await findModelFile(source, cache);
    expect(await findModelFile(source, cache)).toBe(path);
    expect(readFileSync(path)).toEqual(BYTES);
    expect(requests).toEqual(["/model.onnx -"]);
    expect(readdirSync(cache)).toEqual([`${SHA256}.onnx`]);
  });

  test("serves tasks that fetch at the same time, and leaves one file", async () => {
    const source = { model: `${base}/model.onnx`, sha256: SHA256 };
    const paths = await Promise.all(Array.from({ length: 4 }, () => findModelFile(source, cache)));
    expect(new Set(paths).size).toBe(1);
    expect(readdirSync(cache)).toEqual([`${SHA256}.onnx`]);
  });

  test("fetches again what was damaged in the cache", async () => {
    mkdirSync(cache);
    writeFileSync(join(cache, `${SHA256}.onnx`), "torn");
    expect(readFileSync(await findModelFile({ model: `${base}/model.onnx`, sha256: SHA256 }, cache))).toEqual(BYTES);
  });

  const refusals = [
    { name: "a URL without a checksum", path: "/model.onnx", sha256: undefined, code: "MODEL_UNPINNED" },
    { name: "another checksum", path: "/model.onnx", sha256: "0".repeat(64), code: "MODEL_CHECKSUM" },
    { name: "a page that is not there", path: "/other", sha256: SHA256, code: "MODEL_DOWNLOAD" },
  ];
  test.each(refusals)("refuses $name and leaves nothing in the cache", async ({ path, sha256, code }) => {
    const source = { model: `${base}${path}`, ...(sha256 === undefined ? {} : { sha256 }) };
    await expect(findModelFile(source, cache)).rejects.toMatchObject({ code });
    mkdirSync(cache, { recursive: true });
    expect(readdirSync(cache)).toEqual([]);
  });

  test("sends credentials of the URL to the server and shows them to nobody else", async () => {
    const url = `${base.replace("//", "//me:secret@")}/model.onnx?token=secret`;
    await findModelFile({ model: url, sha256: SHA256 }, cache);
    expect(requests).toEqual([`/model.onnx?token=secret Basic ${Buffer.from("me:secret").toString("base64")}`]);
    const error = await findModelFile({ model: url, sha256: "0".repeat(64) }, cache).catch((e: unknown) => e as Error);
    expect(String(error)).not.toContain("secret");
  });

  test("says that nobody answers", async () => {
    const source = { model: "http://127.0.0.1:1/m.onnx", sha256: SHA256 };
    await expect(findModelFile(source, cache)).rejects.toThrow("MODEL_DOWNLOAD: the model http://127.0.0.1:1/m.onnx cannot be fetched: ");
  });
});

test("the cache lies where XDG says", () => {
  expect(modelCacheFolder({ XDG_CACHE_HOME: "/x" })).toBe("/x/videoflow/models");
  expect(modelCacheFolder({})).toMatch(/\/\.cache\/videoflow\/models$/);
});

test("maskUrl leaves paths alone and hides credentials and queries", () => {
  expect(maskUrl("models/a.onnx")).toBe("models/a.onnx");
  expect(maskUrl("https://u:p@h.example:1/a?k=v")).toBe("https://***@h.example:1/a?***");
});
