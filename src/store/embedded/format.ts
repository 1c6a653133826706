/** Says in which form a folder keeps its objects, and that there are some: a database that has vanished is not taken for a new one. */
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const FILE = "format.json";
const VERSION = 1;

/** @returns whether there must be objects. @throws Error if the folder is of another version. */
export function checkFormat(folder: string): boolean {
  const file = join(folder, FILE);
  if (!existsSync(file)) return false; // New, or of a time before the file: the database itself tells what it is.
  const { version } = JSON.parse(readFileSync(file, "utf8")) as { version: unknown };
  if (version !== VERSION) throw new Error(`${file} says version ${String(version)}, and this program knows version ${VERSION}`);
  return true;
}

/** Call it once the database is there. */
export function writeFormat(folder: string): void {
  const file = join(folder, FILE);
  if (existsSync(file)) return;
  writeFileSync(`${file}.tmp`, JSON.stringify({ version: VERSION }), { mode: 0o600 });
  renameSync(`${file}.tmp`, file);
}
