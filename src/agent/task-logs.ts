/** Reads the logs of a flow's tasks while they are written: whole lines, one file after the other, across rotations. */
import { closeSync, openSync, readdirSync, readSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { offsetAt, type Stamp, timeAt, timesOf } from "./log-times.js";
import { sizeOf } from "./task-files.js";

export interface LogLines {
  /** Name of the task. */
  readonly task: string;
  /** Whole lines, the last one with its newline. */
  readonly text: string;
  /** RFC 3339: when they were there, if that was asked. */
  readonly at?: string;
}

export interface ReadLogsOptions {
  /** Folder of the flow's logs. */
  readonly dir: string;
  /** Which tasks, by name. */
  readonly isWanted: (task: string) => boolean;
  /** Only so many of the last lines of each. */
  readonly tail?: number;
  /** The file that was set aside instead of the present one. */
  readonly previous?: boolean;
  /** Only lines that were written then or later; epoch milliseconds. */
  readonly sinceMs?: number;
  /** Tells when lines were written. */
  readonly timestamps?: boolean;
  /** Asked whenever the end is reached: whether to look again. Absent: no. */
  readonly goesOn?: () => Promise<boolean>;
}

const CHUNK_BYTES = 64 * 1024;
/** At most this much of the end of a file is searched for the last lines. */
const TAIL_BYTES = 4 * 1024 * 1024;
const LOOK_MS = 200;
const NEWLINE = 10;

/** How far a file has been read. */
interface Reading {
  offset: number;
  /** What follows the last newline. */
  rest: Buffer;
}

/** Ends at the end of the files; with `goesOn`, when it says so. A file of its own joins when it appears. */
export async function* readLogs(options: ReadLogsOptions): AsyncGenerator<LogLines> {
  const reader = new LogReader(options);
  for (;;) {
    yield* reader.read();
    if (options.goesOn === undefined || !(await options.goesOn())) break;
    await pause(LOOK_MS);
  }
  yield* reader.rest();
}

/** Reads what was added since it last looked. */
export class LogReader {
  readonly #options: ReadLogsOptions;
  readonly #suffix: string;
  readonly #readings = new Map<string, Reading>();
  #hasLooked = false;

  constructor(options: ReadLogsOptions) {
    this.#options = options;
    this.#suffix = options.previous ? ".log.1" : ".log";
  }

  /** Whole lines. */
  *read(): Generator<LogLines> {
    const { dir, timestamps = false } = this.#options;
    for (const task of tasksIn(this.#options, this.#suffix)) {
      const path = join(dir, task + this.#suffix);
      const reading = this.#readings.get(task) ?? { offset: this.#hasLooked ? 0 : this.#beginning(path), rest: Buffer.alloc(0) };
      this.#readings.set(task, reading);
      for (const lines of readOn(path, reading)) for (const part of timestamps ? timed(lines) : [textOf(lines)]) yield { task, ...part };
    }
    this.#hasLooked = true;
  }

  #beginning(path: string): number {
    const { tail, sinceMs } = this.#options;
    const ofTail = tail === undefined ? 0 : tailOffset(path, tail);
    const ofTime = sinceMs === undefined ? 0 : lineAt(path, offsetAt(timesOf(path), sinceMs));
    return Math.max(ofTail, ofTime);
  }

  /** Lines that no newline has ended. */
  *rest(): Generator<LogLines> {
    const { dir, timestamps = false } = this.#options;
    for (const [task, { rest, offset }] of this.#readings) {
      if (rest.length === 0) continue;
      const lines = { path: join(dir, task + this.#suffix), bytes: Buffer.concat([rest, Buffer.from("\n")]), end: offset };
      yield { task, ...(timestamps ? { text: textOf(lines).text, ...atOf(timesOf(lines.path), offset) } : textOf(lines)) };
    }
  }
}

/** Whole lines and where they end. */
interface Lines {
  /** File that they are from. */
  readonly path: string;
  readonly bytes: Buffer;
  readonly end: number;
}

function textOf({ bytes }: Pick<Lines, "bytes">): { readonly text: string } {
  return { text: bytes.toString("utf8") };
}

function atOf(stamps: readonly Stamp[], end: number): { readonly at?: string } {
  const atMs = timeAt(stamps, end);
  return atMs === undefined ? {} : { at: new Date(atMs).toISOString() };
}

/** Lines of one time together. */
function* timed({ path, bytes, end }: Lines): Generator<{ readonly text: string; readonly at?: string }> {
  const stamps = timesOf(path);
  const start = end - bytes.length;
  let from = 0;
  while (from < bytes.length) {
    const time = atOf(stamps, start + newlineFrom(bytes, from) + 1);
    const until = untilOf(stamps, start + newlineFrom(bytes, from) + 1) - start;
    let to = newlineFrom(bytes, from) + 1;
    for (let next = newlineFrom(bytes, to) + 1; to < bytes.length && next <= until; next = newlineFrom(bytes, to) + 1) to = next;
    yield { ...textOf({ bytes: bytes.subarray(from, to) }), ...time };
    from = to;
  }
}

/** Where the time that holds for an offset ends. */
function untilOf(stamps: readonly Stamp[], offset: number): number {
  return stamps.find((stamp) => stamp.offset >= offset)?.offset ?? Number.POSITIVE_INFINITY;
}

/** @returns the length if there is none. */
function newlineFrom(bytes: Buffer, at: number): number {
  const found = bytes.indexOf(NEWLINE, at);
  return found < 0 ? bytes.length : found;
}

function tasksIn({ dir, isWanted }: ReadLogsOptions, suffix: string): string[] {
  try {
    return readdirSync(dir)
      .filter((name) => name.endsWith(suffix))
      .map((name) => name.slice(0, -suffix.length))
      .filter(isWanted)
      .sort();
  } catch {
    return []; // Nothing of the flow has run yet.
  }
}

/** Reads what was added since the last look. A file that has become shorter was set aside: what was not read of it lies there. */
function* readOn(path: string, reading: Reading): Generator<Lines> {
  const size = sizeOf(path);
  if (size < reading.offset) {
    const aside = `${path}.1`;
    yield* readTo(aside, sizeOf(aside), reading);
    reading.offset = 0;
  }
  yield* readTo(path, size, reading);
}

function* readTo(path: string, size: number, reading: Reading): Generator<Lines> {
  if (size <= reading.offset) return;
  const fd = openSync(path, "r");
  try {
    while (reading.offset < size) {
      const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, size - reading.offset));
      const length = readSync(fd, chunk, 0, chunk.length, reading.offset);
      if (length === 0) return;
      reading.offset += length;
      const bytes = wholeLines(reading, chunk.subarray(0, length));
      if (bytes.length > 0) yield { path, bytes, end: reading.offset - reading.rest.length };
    }
  } finally {
    closeSync(fd);
  }
}

function wholeLines(reading: Reading, added: Buffer): Buffer {
  const bytes = Buffer.concat([reading.rest, added]);
  const end = bytes.lastIndexOf(NEWLINE) + 1;
  reading.rest = bytes.subarray(end);
  return bytes.subarray(0, end);
}

/** @returns -1 if there is none; a negative place would count from the end of the bytes. */
function newlineBefore(bytes: Buffer, at: number): number {
  return at === 0 ? -1 : bytes.lastIndexOf(NEWLINE, at - 1);
}

/** Where the line begins in which an offset lies; the offset itself if its line is too long to be searched. */
function lineAt(path: string, offset: number): number {
  const from = Math.max(0, offset - CHUNK_BYTES);
  if (offset === 0) return 0;
  const bytes = Buffer.allocUnsafe(offset - from);
  const fd = openSync(path, "r");
  try {
    const newline = newlineBefore(bytes, readSync(fd, bytes, 0, bytes.length, from));
    return newline < 0 ? (from === 0 ? 0 : offset) : from + newline + 1;
  } finally {
    closeSync(fd);
  }
}

/** Where the last `lines` lines of a file begin. */
function tailOffset(path: string, lines: number): number {
  const size = sizeOf(path);
  const from = Math.max(0, size - TAIL_BYTES);
  const bytes = Buffer.allocUnsafe(size - from);
  const fd = openSync(path, "r");
  try {
    const length = readSync(fd, bytes, 0, bytes.length, from);
    let at = bytes[length - 1] === NEWLINE ? length - 1 : length;
    for (let left = lines; left > 0 && at >= 0; left -= 1) at = newlineBefore(bytes, at);
    return lines === 0 ? size : from + Math.max(0, at + 1);
  } finally {
    closeSync(fd);
  }
}
