/** A durable table of JSON values: what one process must remember beside the objects. One owner at a time, as for a store. */
import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { open, type RootDatabase } from "lmdb";
import { errorText, OperatorError } from "../../base/errors.js";
import type { FileLock } from "../../base/file-lock.js";
import { lockFolder } from "./lock.js";

export class LmdbTable<V> {
  readonly #database: RootDatabase<V, string>;
  readonly #lock: FileLock;

  private constructor(database: RootDatabase<V, string>, lock: FileLock) {
    this.#database = database;
    this.#lock = lock;
  }

  /**
   * @param path folder of the table, made if missing.
   * @throws OperatorError STORE_LOCKED, STORE_UNREADABLE
   */
  static open<V>(path: string): LmdbTable<V> {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    const lock = lockFolder(path);
    const file = join(path, "table.mdb");
    try {
      const database = open<V, string>({ path: file, encoding: "json", overlappingSync: false });
      chmodSync(file, 0o600);
      return new LmdbTable(database, lock);
    } catch (cause) {
      lock.release();
      throw new OperatorError("STORE_UNREADABLE", { path: file, problem: errorText(cause) }, { cause });
    }
  }

  /** All values, by key. */
  entries(): Map<string, V> {
    return new Map([...this.#database.getRange()].map(({ key, value }) => [key, value]));
  }

  /** Resolves once the value is on disk. */
  async put(key: string, value: V): Promise<void> {
    await this.#database.put(key, value);
  }

  async remove(key: string): Promise<void> {
    await this.#database.remove(key);
  }

  async close(): Promise<void> {
    await this.#database.close();
    this.#lock.release();
  }
}
