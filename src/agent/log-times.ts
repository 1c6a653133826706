/**
 * When the lines of a log were written, although tasks write straight into it: beside the log the agent notes now and then how long
 * it was at which time. Knows files and times; must not know tasks.
 */
import { appendFileSync, closeSync, openSync, readFileSync, readSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";

/** All that lies before the offset was there at that time. */
export interface Stamp {
  readonly offset: number;
  /** Epoch milliseconds. */
  readonly atMs: number;
}

/** Two numbers of 64 bits. */
const STAMP_BYTES = 16;
/** So many at most; then every second one goes. */
const MAX_STAMPS = 8_192;

function fileOf(log: string): string {
  return `${log}.times`;
}

/** Notes how long a log is and when it was written last; costs two looks at files while nothing is written. */
export function noteTime(log: string): void {
  const written = statSync(log, { throwIfNoEntry: false });
  if (written === undefined || written.size === 0) return;
  const noted = statSync(fileOf(log), { throwIfNoEntry: false });
  if (noted !== undefined && noted.mtimeMs > written.mtimeMs) return;
  const count = (noted?.size ?? 0) / STAMP_BYTES;
  const last = lastStamp(log, count);
  if (last?.offset === written.size) return;
  const stamp = bytesOf([{ offset: written.size, atMs: written.mtimeMs }]);
  if (last !== undefined && last.offset > written.size) return writeFileSync(fileOf(log), stamp, { mode: 0o600 });
  if (count >= MAX_STAMPS || !Number.isInteger(count))
    writeFileSync(fileOf(log), bytesOf(stampsIn(log).filter((_, index) => index % 2 === 1)));
  appendFileSync(fileOf(log), stamp, { mode: 0o600 });
}

/** The log goes there, or went. */
export function moveTimes(log: string, to: string): void {
  rmSync(fileOf(to), { force: true });
  try {
    renameSync(fileOf(log), fileOf(to));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

/** What is known of the times of a log, the oldest first; its last write among it. */
export function timesOf(log: string): readonly Stamp[] {
  const written = statSync(log, { throwIfNoEntry: false });
  if (written === undefined) return [];
  const noted = stampsIn(log).filter(({ offset }) => offset <= written.size);
  return noted.at(-1)?.offset === written.size ? noted : [...noted, { offset: written.size, atMs: written.mtimeMs }];
}

/** When what ends at the offset was there. */
export function timeAt(stamps: readonly Stamp[], offset: number): number | undefined {
  let [low, high] = [0, stamps.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((stamps[middle] as Stamp).offset < offset) low = middle + 1;
    else high = middle;
  }
  return stamps[low]?.atMs;
}

/** Before this offset everything was there before that time. */
export function offsetAt(stamps: readonly Stamp[], sinceMs: number): number {
  return Math.max(0, ...stamps.filter(({ atMs }) => atMs < sinceMs).map(({ offset }) => offset));
}

function stampsIn(log: string): Stamp[] {
  const bytes = readBytes(fileOf(log));
  return Array.from({ length: Math.floor(bytes.length / STAMP_BYTES) }, (_, index) => stampIn(bytes, index));
}

function stampIn(bytes: Buffer, index: number): Stamp {
  return { offset: bytes.readDoubleLE(index * STAMP_BYTES), atMs: bytes.readDoubleLE(index * STAMP_BYTES + 8) };
}

/** Without the others: it is looked at once a second. */
function lastStamp(log: string, count: number): Stamp | undefined {
  if (count < 1) return undefined;
  const fd = openSync(fileOf(log), "r");
  try {
    const bytes = Buffer.alloc(STAMP_BYTES);
    const read = readSync(fd, bytes, 0, STAMP_BYTES, (Math.floor(count) - 1) * STAMP_BYTES);
    return read < STAMP_BYTES ? undefined : stampIn(bytes, 0);
  } finally {
    closeSync(fd);
  }
}

function bytesOf(stamps: readonly Stamp[]): Uint8Array {
  return new Uint8Array(Float64Array.from(stamps.flatMap(({ offset, atMs }) => [offset, atMs])).buffer);
}

/** None if there is no such file. */
function readBytes(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return Buffer.alloc(0);
    throw error;
  }
}
