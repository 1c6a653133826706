/**
 * Model files: a path is checked, a URL is fetched once into a cache that all tasks of the user share.
 * Knows files, checksums and HTTP; must not know what is inside a model.
 */
import { createReadStream, createWriteStream } from "node:fs";
import { access, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { errorText, OperatorError } from "../base/errors.js";
import { makeFolder } from "../base/make-folder.js";

/** Where a model comes from: the params of a component that loads one. */
export interface ModelSource {
  /** A path, or an http(s) URL. */
  readonly model: string;
  /** 64 hex digits; required for a URL. */
  readonly sha256?: string;
}

/** @returns true if the text is an http(s) URL, not a path. */
export function isUrl(model: string): boolean {
  return /^https?:\/\//i.test(model);
}

/** @returns the text without a URL's credentials and query, for messages. */
export function maskUrl(model: string): string {
  if (!isUrl(model) || !URL.canParse(model)) return model;
  const url = new URL(model);
  return `${url.protocol}//${url.username === "" ? "" : "***@"}${url.host}${url.pathname}${url.search === "" ? "" : "?***"}`;
}

/** $XDG_CACHE_HOME/videoflow/models, or ~/.cache/videoflow/models. */
export function modelCacheFolder(env: Readonly<Record<string, string | undefined>> = process.env): string {
  const cache = env["XDG_CACHE_HOME"];
  return join(cache === undefined || cache === "" ? join(homedir(), ".cache") : cache, "videoflow", "models");
}

/**
 * Finds the model on this machine, fetching it first if it is a URL that is not in the cache.
 *
 * Any number of processes may do so at once: each writes a file of its own and renames it when its checksum is right.
 *
 * @returns the path of a complete file.
 * @throws OperatorError MODEL_NOT_FOUND, MODEL_UNPINNED, MODEL_CHECKSUM, MODEL_DOWNLOAD.
 */
export async function findModelFile(source: ModelSource, cacheFolder = modelCacheFolder()): Promise<string> {
  if (!isUrl(source.model)) return checkLocalFile(source);
  if (source.sha256 === undefined) throw new OperatorError("MODEL_UNPINNED", { model: maskUrl(source.model) });
  const sha256 = source.sha256.toLowerCase();
  const path = join(cacheFolder, `${sha256}.onnx`);
  if ((await hashFile(path)) !== sha256) await download(source.model, sha256, path, cacheFolder);
  return path;
}

async function checkLocalFile({ model, sha256 }: ModelSource): Promise<string> {
  try {
    await access(model);
  } catch (cause) {
    throw new OperatorError("MODEL_NOT_FOUND", { model }, { cause });
  }
  if (sha256 === undefined) return model;
  const got = (await hashFile(model)) ?? "no file";
  if (got !== sha256.toLowerCase()) throw new OperatorError("MODEL_CHECKSUM", { model, expected: sha256, got });
  return model;
}

/** @returns the SHA-256 in hex; undefined if there is no such file. Loads the crypto library late: it costs a task's start 5 ms. */
async function hashFile(path: string): Promise<string | undefined> {
  const { createHash } = await import("node:crypto");
  const hash = createHash("sha256");
  try {
    await pipeline(createReadStream(path), hash);
  } catch {
    return undefined;
  }
  return hash.digest("hex");
}

async function download(url: string, sha256: string, path: string, folder: string): Promise<void> {
  const part = join(folder, `.${sha256}.${process.pid}.${crypto.randomUUID()}.part`);
  makeFolder(folder);
  try {
    await fetchFile(url, part);
    const got = (await hashFile(part)) ?? "no file";
    if (got !== sha256) throw new OperatorError("MODEL_CHECKSUM", { model: maskUrl(url), expected: sha256, got });
    await rename(part, path);
  } finally {
    await rm(part, { force: true });
  }
}

async function fetchFile(url: string, path: string): Promise<void> {
  try {
    const response = await fetch(withoutCredentials(url), { headers: authorization(url) });
    if (!response.ok || response.body === null) throw new Error(`HTTP status ${response.status}`);
    await pipeline(Readable.fromWeb(response.body as import("node:stream/web").ReadableStream), createWriteStream(path, { mode: 0o644 }));
  } catch (cause) {
    const problem = cause instanceof Error && cause.cause instanceof Error ? errorText(cause.cause) : errorText(cause);
    throw new OperatorError("MODEL_DOWNLOAD", { model: maskUrl(url), problem }, { cause });
  }
}

/** `fetch` refuses URLs with credentials; they go into a header. */
function withoutCredentials(text: string): URL {
  const url = new URL(text);
  url.username = "";
  url.password = "";
  return url;
}

function authorization(text: string): Record<string, string> {
  const { username, password } = new URL(text);
  if (username === "") return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(pair).toString("base64")}` };
}
