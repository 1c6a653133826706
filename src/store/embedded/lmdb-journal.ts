/** The objects on disk, in LMDB: one key per object and one for the version. Loaded only by a durable store. */
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { open, type RootDatabase } from "lmdb";
import type { AnyResource } from "../../api/kinds.js";
import { errorText, OperatorError } from "../../base/errors.js";
import type { FileLock } from "../../base/file-lock.js";
import { makeFolder } from "../../base/make-folder.js";
import { checkFormat, writeFormat } from "./format.js";
import { checkLmdbFile } from "./lmdb-file.js";
import { lockFolder } from "./lock.js";
import { type Effects, keyOf } from "./object-index.js";
import { needSpace } from "./space.js";

const VERSION_KEY = "version";
const OBJECT_PREFIX = "object/";

/** Where accepted writes survive. */
export interface Journal {
  load(): { readonly objects: readonly AnyResource[]; readonly version: number };
  /** Resolves once the write is on disk, as a whole. @throws OperatorError STORE_FULL */
  append(effects: Effects): Promise<void>;
  close(): Promise<void>;
}

export class LmdbJournal implements Journal {
  readonly #database: RootDatabase<unknown, string>;
  readonly #lock: FileLock;
  readonly #path: string;

  private constructor(path: string, database: RootDatabase<unknown, string>, lock: FileLock) {
    this.#path = path;
    this.#database = database;
    this.#lock = lock;
  }

  /** @throws OperatorError STORE_LOCKED, STORE_UNREADABLE, STORE_FULL */
  static open(path: string): LmdbJournal {
    makeFolder(path, 0o700);
    const lock = lockFolder(path);
    try {
      const file = join(path, "objects.mdb");
      checkFormat(path, file);
      checkLmdbFile(file);
      needSpace(path);
      const database = open<unknown, string>({ path: file, encoding: "json", overlappingSync: false });
      chmodSync(file, 0o600);
      writeFormat(path);
      return new LmdbJournal(path, database, lock);
    } catch (cause) {
      lock.release();
      if (cause instanceof OperatorError) throw cause;
      throw new OperatorError("STORE_UNREADABLE", { path, problem: errorText(cause) }, { cause });
    }
  }

  /** @throws OperatorError STORE_UNREADABLE */
  load(): { objects: AnyResource[]; version: number } {
    try {
      return this.#read();
    } catch (cause) {
      throw new OperatorError("STORE_UNREADABLE", { path: this.#path, problem: errorText(cause) }, { cause });
    }
  }

  #read(): { objects: AnyResource[]; version: number } {
    const range = this.#database.getRange({ start: OBJECT_PREFIX, end: `${OBJECT_PREFIX}\uffff` });
    const objects = [...range].map(({ value }) => value as AnyResource);
    return { objects, version: Number(this.#database.get(VERSION_KEY) ?? 0) };
  }

  async append(effects: Effects): Promise<void> {
    needSpace(this.#path);
    await this.#database.transaction(() => {
      for (const { type, object } of effects) {
        const key = `${OBJECT_PREFIX}${keyOf(object)}`;
        if (type === "Deleted") this.#database.remove(key);
        else this.#database.put(key, object);
        this.#database.put(VERSION_KEY, Number(object.metadata.resourceVersion));
      }
    });
  }

  async close(): Promise<void> {
    await this.#database.close();
    this.#lock.release();
  }
}
