/**
 * A second form of what a database holds, beside it: lines of text, each with its checksum, so that one of the two can be
 * damaged and nothing is lost. A line is one write as a whole: `checksum version<TAB>key<TAB>value<TAB>key<TAB>value…`; an empty value
 * says that the key is gone. JSON has no raw tab or newline. See docs/adr/0014-damaged-store.md.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { type FileHandle, open, rename, rm } from "node:fs/promises";

/** Values by key, as text, and the version that they are of. */
export interface Held {
  readonly version: number;
  readonly entries: ReadonlyMap<string, string>;
}

/** One write: the values that changed, undefined for one that is gone. */
export interface Written {
  readonly version: number;
  readonly changes: readonly (readonly [string, string | undefined])[];
}

/** A file is written anew when it is longer than what it says by so much. */
const SLACK_BYTES = 512 * 1024;
const SUM_LENGTH = 16;

/**
 * A last line without an end was being written when its process died, and was answered to nobody.
 *
 * @returns undefined if there is no file. @throws Error if a line is not what was written.
 */
export function readCopy(file: string): Held | undefined {
  if (!existsSync(file)) return undefined;
  const lines = readFileSync(file, "utf8").split("\n");
  lines.pop();
  const entries = new Map<string, string>();
  let version = 0;
  lines.forEach((line, index) => {
    const body = line.slice(SUM_LENGTH + 1);
    const [number = "", ...parts] = body.split("\t");
    if (line.slice(0, SUM_LENGTH) !== sumOf(body) || parts.length % 2 !== 0) throw new Error(`${file} is damaged in line ${index + 1}`);
    version = Number(number);
    for (let at = 0; at < parts.length; at += 2) {
      const [key, value] = [parts[at] as string, parts[at + 1] as string];
      if (value === "") entries.delete(key);
      else entries.set(key, value);
    }
  });
  if (lines.length === 0) throw new Error(`${file} is empty`);
  return { version, entries };
}

/** The owner of a copy. One call at a time. */
export class CopyFile {
  readonly #file: string;
  #handle: FileHandle | undefined;
  #bytes = 0;
  #limit = 0;

  constructor(file: string) {
    this.#file = file;
  }

  /** Puts all of this in place of what there is, on disk when it resolves. */
  async replace(held: Held): Promise<void> {
    const text = lineOf({ version: held.version, changes: [...held.entries] });
    const handle = await open(`${this.#file}.tmp`, "w", 0o600);
    try {
      await handle.writeFile(text);
      await handle.datasync();
      await rename(`${this.#file}.tmp`, this.#file);
    } catch (error) {
      await handle.close();
      await rm(`${this.#file}.tmp`, { force: true });
      throw error;
    }
    await this.#handle?.close();
    this.#handle = handle;
    this.#bytes = Buffer.byteLength(text);
    this.#limit = 2 * this.#bytes + SLACK_BYTES;
  }

  /** Goes on with a file that {@link readCopy} has read. */
  async resume(): Promise<void> {
    this.#handle = await open(this.#file, "r+");
    const text = await this.#handle.readFile();
    this.#bytes = text.lastIndexOf(10) + 1;
    await this.#handle.truncate(this.#bytes); // A last line without an end.
    this.#limit = 2 * this.#bytes + SLACK_BYTES;
  }

  /** On disk when it resolves. @returns whether the file has grown so long that it should be replaced. */
  async append(writes: readonly Written[]): Promise<boolean> {
    if (this.#handle === undefined) return true;
    const bytes = Buffer.from(writes.map(lineOf).join(""));
    await this.#handle.write(bytes, 0, bytes.length, this.#bytes);
    await this.#handle.datasync();
    this.#bytes += bytes.length;
    return this.#bytes > this.#limit;
  }

  async close(): Promise<void> {
    await this.#handle?.close();
    this.#handle = undefined;
  }
}

function lineOf({ version, changes }: Written): string {
  const body = [String(version), ...changes.flatMap(([key, value]) => [key, value ?? ""])].join("\t");
  return `${sumOf(body)} ${body}\n`;
}

/** A checksum of a text, as hexadecimal digits. */
export function sumOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, SUM_LENGTH);
}
