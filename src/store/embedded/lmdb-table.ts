/**
 * A table of JSON values of one boot of the machine: what one process must remember beside the objects when it dies, and
 * what means nothing once the machine has died. One owner at a time, as for a store.
 */
import { chmodSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { open, type RootDatabase } from "lmdb";
import { errorText, OperatorError } from "../../base/errors.js";
import type { FileLock } from "../../base/file-lock.js";
import { makeFolder } from "../../base/make-folder.js";
import { sumOf } from "./copy-file.js";
import { readLmdbFile } from "./lmdb-file.js";
import { lockFolder } from "./lock.js";
import { keepDescriptors } from "./own-descriptors.js";
import { needSpace } from "./space.js";

/**
 * Says to which boot the table belongs. Written before anything is, so a table that a crash of the machine has torn is never
 * read: within one boot nothing that was written can be lost, and nothing needs to wait for the disk.
 */
const BOOT_FILE = "boot";

export class LmdbTable<V> {
  readonly #database: RootDatabase<string, string>;
  readonly #lock: FileLock;
  readonly #path: string;
  /** As it was opened. */
  readonly #found: ReadonlyMap<string, V>;

  private constructor(path: string, found: ReadonlyMap<string, V>, database: RootDatabase<string, string>, lock: FileLock) {
    this.#path = path;
    this.#found = found;
    this.#database = database;
    this.#lock = lock;
  }

  /**
   * @param path folder of the table, made if missing.
   * @param bootId of this boot: values of another one are removed.
   * @throws OperatorError STORE_LOCKED, RECORDS_UNREADABLE, STORE_FULL
   */
  static open<V>(path: string, bootId: string): LmdbTable<V> {
    makeFolder(path, 0o700);
    const lock = lockFolder(path);
    const file = join(path, "table.mdb");
    try {
      needSpace(path);
      forgetOtherBoots(path, file, bootId);
      const found = new Map([...(readLmdbFile(file) ?? [])].map(([key, text]) => [key, unsealed<V>(key, text)]));
      rmSync(`${file}-lock`, { force: true }); // Nobody else has it: what it says is of processes that are dead.
      const database = open<string, string>({ path: file, encoding: "string", noSync: true });
      keepDescriptors(file);
      chmodSync(file, 0o600);
      return new LmdbTable(path, found, database, lock);
    } catch (cause) {
      lock.release();
      if (cause instanceof OperatorError) throw cause;
      throw new OperatorError("RECORDS_UNREADABLE", { path, problem: errorText(cause) }, { cause });
    }
  }

  /** All values, by key, as they were when the table was opened. */
  entries(): ReadonlyMap<string, V> {
    return this.#found;
  }

  /** Resolves once the value outlives this process. @throws OperatorError STORE_FULL */
  async put(key: string, value: V): Promise<void> {
    needSpace(this.#path);
    await this.#database.put(key, sealed(key, value));
  }

  async remove(key: string): Promise<void> {
    needSpace(this.#path);
    await this.#database.remove(key);
  }

  async close(): Promise<void> {
    await this.#database.close();
    this.#lock.release();
  }
}

/** With a checksum: a number that is damaged is still a number. */
function sealed(key: string, value: unknown): string {
  const text = JSON.stringify(value);
  return `${sumOf(key + text)} ${text}`;
}

function unsealed<V>(key: string, sealedText: string): V {
  const at = sealedText.indexOf(" ");
  const text = sealedText.slice(at + 1);
  if (sealedText.slice(0, at) !== sumOf(key + text)) throw new Error(`the value of ${key} is damaged`);
  return JSON.parse(text) as V;
}

function forgetOtherBoots(path: string, file: string, bootId: string): void {
  const boot = join(path, BOOT_FILE);
  if (readText(boot) === bootId) return;
  for (const old of [file, `${file}-lock`]) rmSync(old, { force: true });
  writeFileSync(boot, bootId, { mode: 0o600 });
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
