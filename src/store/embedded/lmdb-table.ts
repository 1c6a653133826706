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
import { checkLmdbFile } from "./lmdb-file.js";
import { lockFolder } from "./lock.js";
import { needSpace } from "./space.js";

/**
 * Says to which boot the table belongs. Written before anything is, so a table that a crash of the machine has torn is never
 * read: within one boot nothing that was written can be lost, and nothing needs to wait for the disk.
 */
const BOOT_FILE = "boot";

export class LmdbTable<V> {
  readonly #database: RootDatabase<V, string>;
  readonly #lock: FileLock;
  readonly #path: string;

  private constructor(path: string, database: RootDatabase<V, string>, lock: FileLock) {
    this.#path = path;
    this.#database = database;
    this.#lock = lock;
  }

  /**
   * @param path folder of the table, made if missing.
   * @param bootId of this boot: values of another one are removed.
   * @throws OperatorError STORE_LOCKED, STORE_UNREADABLE, STORE_FULL
   */
  static open<V>(path: string, bootId: string): LmdbTable<V> {
    makeFolder(path, 0o700);
    const lock = lockFolder(path);
    const file = join(path, "table.mdb");
    try {
      needSpace(path);
      forgetOtherBoots(path, file, bootId);
      checkLmdbFile(file);
      const database = open<V, string>({ path: file, encoding: "json", noSync: true });
      chmodSync(file, 0o600);
      return new LmdbTable(path, database, lock);
    } catch (cause) {
      lock.release();
      if (cause instanceof OperatorError) throw cause;
      throw new OperatorError("STORE_UNREADABLE", { path: file, problem: errorText(cause) }, { cause });
    }
  }

  /** All values, by key. @throws OperatorError STORE_UNREADABLE */
  entries(): Map<string, V> {
    try {
      return new Map([...this.#database.getRange()].map(({ key, value }) => [key, value]));
    } catch (cause) {
      throw new OperatorError("STORE_UNREADABLE", { path: this.#path, problem: errorText(cause) }, { cause });
    }
  }

  /** Resolves once the value outlives this process. @throws OperatorError STORE_FULL */
  async put(key: string, value: V): Promise<void> {
    needSpace(this.#path);
    await this.#database.put(key, value);
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
