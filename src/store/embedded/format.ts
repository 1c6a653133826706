/** Says in which form a folder keeps its objects, and that there are some: a database that has vanished is not taken for a new one. */
import { existsSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const FILE = "format.json";
const VERSION = 1;

/**
 * @param database file of the objects.
 * @throws Error if it is of another version, or what the folder says to be there is not.
 */
export function checkFormat(folder: string, database: string): void {
  const file = join(folder, FILE);
  if (!existsSync(file)) return; // New, or of a time before the file: the database itself tells what it is.
  const { version } = JSON.parse(readFileSync(file, "utf8")) as { version: unknown };
  if (version !== VERSION) throw new Error(`${file} says version ${String(version)}, and this program knows version ${VERSION}`);
  const size = statSync(database, { throwIfNoEntry: false })?.size ?? 0;
  if (size === 0) throw new Error(`${database} ${existsSync(database) ? "is empty" : "is missing"}`);
}

/** Call it once the database is there. */
export function writeFormat(folder: string): void {
  const file = join(folder, FILE);
  if (existsSync(file)) return;
  writeFileSync(`${file}.tmp`, JSON.stringify({ version: VERSION }), { mode: 0o600 });
  renameSync(`${file}.tmp`, file);
}
