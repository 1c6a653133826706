/**
 * The objects on disk, in LMDB: one key per object and one for the version; and a second time in the copy beside it. Loaded only
 * by a durable store.
 */
import { chmodSync, existsSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { open, type RootDatabase } from "lmdb";
import type { AnyResource } from "../../api/kinds.js";
import { errorText, OperatorError } from "../../base/errors.js";
import type { FileLock } from "../../base/file-lock.js";
import { makeFolder } from "../../base/make-folder.js";
import { type Choice, chooseState, type Found } from "./choose-state.js";
import { CopyFile, type Held, readCopy, type Written } from "./copy-file.js";
import { checkFormat, writeFormat } from "./format.js";
import { OtherVersion, readLmdbFile } from "./lmdb-file.js";
import { lockFolder } from "./lock.js";
import { type Effects, keyOf } from "./object-index.js";
import { keepDescriptors } from "./own-descriptors.js";
import { needSpace } from "./space.js";

const VERSION_KEY = "version";
const OBJECT_PREFIX = "object/";
/** Where a database goes that is not used any more. */
const DAMAGED = ".damaged";

/** Where accepted writes survive. */
export interface Journal {
  load(): { readonly objects: readonly AnyResource[]; readonly version: number };
  /** Resolves once the writes are on disk, each as a whole. @throws OperatorError STORE_FULL */
  append(writes: readonly Effects[]): Promise<void>;
  close(): Promise<void>;
}

type Database = RootDatabase<string, string>;

export class LmdbJournal implements Journal {
  readonly #database: Database;
  readonly #copy: CopyFile;
  readonly #lock: FileLock;
  readonly #path: string;
  readonly #onTrouble: (text: string) => void;
  /** As it was opened. */
  #held: Held | undefined;

  private constructor(options: { path: string; database: Database; copy: CopyFile; lock: FileLock; onTrouble: (text: string) => void }) {
    this.#path = options.path;
    this.#database = options.database;
    this.#copy = options.copy;
    this.#lock = options.lock;
    this.#onTrouble = options.onTrouble;
  }

  /**
   * Opens what is there. One form that is damaged is put in order from the other.
   *
   * @param onTrouble told what was damaged.
   * @throws OperatorError STORE_LOCKED, STORE_UNREADABLE, STORE_FULL
   */
  static async open(path: string, onTrouble: (text: string) => void = () => {}): Promise<LmdbJournal> {
    makeFolder(path, 0o700);
    const lock = lockFolder(path);
    try {
      return await LmdbJournal.#openLocked(path, lock, onTrouble);
    } catch (cause) {
      lock.release();
      if (cause instanceof OperatorError) throw cause;
      throw new OperatorError("STORE_UNREADABLE", { path, problem: errorText(cause) }, { cause });
    }
  }

  static async #openLocked(path: string, lock: FileLock, onTrouble: (text: string) => void): Promise<LmdbJournal> {
    const file = join(path, "objects.mdb");
    const isKnown = checkFormat(path);
    const [database, copy] = [find(() => databaseOf(file)), find(() => readCopy(copyOf(path)))];
    const choice = chooseState(database, copy);
    if (choice === undefined && isKnown) throw new Error(`${file} ${existsSync(file) ? "is empty" : "is missing"}`);
    needSpace(path);
    if (choice?.trouble !== undefined) onTrouble(troubleText(choice, file));
    if (choice?.rebuild === "Database" && existsSync(file)) renameSync(file, file + DAMAGED);
    rmSync(`${file}-lock`, { force: true }); // Nobody else has it: what it says is of processes that are dead.
    const journal = new LmdbJournal({ path, database: openDatabase(file), copy: new CopyFile(copyOf(path)), lock, onTrouble });
    try {
      await journal.#begin(choice);
    } catch (error) {
      await journal.#closeFiles();
      throw error;
    }
    chmodSync(file, 0o600);
    writeFormat(path);
    return journal;
  }

  async #begin(choice: Choice | undefined): Promise<void> {
    const { held, rebuild, missing } = choice ?? { held: { version: 0, entries: new Map<string, string>() }, rebuild: "Copy" as const };
    if (rebuild === "Database") await this.#put([...held.entries, [VERSION_KEY, String(held.version)]]);
    if (missing !== undefined) await this.#put([...missing, [VERSION_KEY, String(held.version)]]);
    if (rebuild === "Copy") await this.#copy.replace(held);
    else await this.#copy.resume();
    this.#held = held;
  }

  /** @throws OperatorError STORE_UNREADABLE */
  load(): { objects: AnyResource[]; version: number } {
    const { version = 0, entries = new Map<string, string>() } = this.#held ?? {};
    this.#held = undefined;
    try {
      return { version, objects: [...entries.values()].map((text) => JSON.parse(text) as AnyResource) };
    } catch (cause) {
      throw new OperatorError("STORE_UNREADABLE", { path: this.#path, problem: errorText(cause) }, { cause });
    }
  }

  async append(writes: readonly Effects[]): Promise<void> {
    needSpace(this.#path);
    const lines = writes.map(writtenOf);
    const version = lines.at(-1)?.version ?? 0;
    const stored = this.#put([...lines.flatMap(({ changes }) => changes), [VERSION_KEY, String(version)]]);
    const copied = this.#copy.append(lines).catch((error: unknown) => this.#withoutCopy(error));
    await stored;
    if (await copied) await this.#renewCopy(version);
  }

  /** The database alone is durable; the copy is made anew with the next write. */
  async #withoutCopy(error: unknown): Promise<boolean> {
    this.#onTrouble(`the copy of the store ${this.#path} cannot be written: ${errorText(error)}`);
    await this.#copy.close();
    return false;
  }

  async #renewCopy(version: number): Promise<void> {
    const range = this.#database.getRange({ start: OBJECT_PREFIX, end: `${OBJECT_PREFIX}\uffff` });
    await this.#copy
      .replace({ version, entries: new Map([...range].map(({ key, value }) => [key, value])) })
      .catch((error: unknown) => this.#withoutCopy(error));
  }

  async #put(changes: readonly (readonly [string, string | undefined])[]): Promise<void> {
    await this.#database.transaction(() => {
      for (const [key, value] of changes) {
        if (value === undefined) this.#database.remove(key);
        else this.#database.put(key, value);
      }
    });
  }

  async close(): Promise<void> {
    await this.#closeFiles();
    this.#lock.release();
  }

  async #closeFiles(): Promise<void> {
    await this.#copy.close();
    await this.#database.close();
  }
}

function openDatabase(file: string): Database {
  const database = open<string, string>({ path: file, encoding: "string", overlappingSync: false });
  keepDescriptors(file);
  return database;
}

function copyOf(path: string): string {
  return join(path, "objects.copy");
}

/** What is no damage ends the search. */
function find(read: () => Found): Found {
  try {
    return read();
  } catch (error) {
    if (error instanceof OtherVersion) throw error;
    return error as Error;
  }
}

function databaseOf(file: string): Held | undefined {
  const all = readLmdbFile(file);
  if (all === undefined) return undefined;
  const version = Number(all.get(VERSION_KEY) ?? 0);
  const objects = [...all].filter(([key]) => key.startsWith(OBJECT_PREFIX));
  if (!Number.isSafeInteger(version)) throw new Error(`${file} is damaged: it has no valid version`);
  return { version, entries: new Map(objects) };
}

function writtenOf(effects: Effects): Written {
  const changes = effects.map(({ type, object }) => {
    const value = type === "Deleted" ? undefined : JSON.stringify(object);
    return [`${OBJECT_PREFIX}${keyOf(object)}`, value] as const;
  });
  return { version: Math.max(...effects.map(({ object }) => Number(object.metadata.resourceVersion))), changes };
}

function troubleText({ trouble, rebuild }: Choice, file: string): string {
  if (rebuild === "Copy") return `${trouble}; it is made anew from ${file}, nothing is lost`;
  return `${trouble}; it is made anew from its copy, nothing is lost (what was there is in ${file}${DAMAGED})`;
}
