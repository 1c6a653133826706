/** Reads the logs of a flow's tasks while they are written: whole lines, one file after the other, across rotations. */
import { closeSync, openSync, readdirSync, readSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { sizeOf } from "./task-files.js";

export interface LogLines {
  /** Name of the task. */
  readonly task: string;
  /** Whole lines, the last one with its newline. */
  readonly text: string;
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
    const { dir, tail } = this.#options;
    for (const task of tasksIn(this.#options, this.#suffix)) {
      const path = join(dir, task + this.#suffix);
      const reading = this.#readings.get(task) ?? {
        offset: !this.#hasLooked && tail !== undefined ? tailOffset(path, tail) : 0,
        rest: Buffer.alloc(0),
      };
      this.#readings.set(task, reading);
      for (const text of readOn(path, reading)) yield { task, text };
    }
    this.#hasLooked = true;
  }

  /** Lines that no newline has ended. */
  *rest(): Generator<LogLines> {
    for (const [task, { rest }] of this.#readings) if (rest.length > 0) yield { task, text: `${rest.toString("utf8")}\n` };
  }
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
function* readOn(path: string, reading: Reading): Generator<string> {
  const size = sizeOf(path);
  if (size < reading.offset) {
    const aside = `${path}.1`;
    yield* readTo(aside, sizeOf(aside), reading);
    reading.offset = 0;
  }
  yield* readTo(path, size, reading);
}

function* readTo(path: string, size: number, reading: Reading): Generator<string> {
  if (size <= reading.offset) return;
  const fd = openSync(path, "r");
  try {
    while (reading.offset < size) {
      const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, size - reading.offset));
      const length = readSync(fd, chunk, 0, chunk.length, reading.offset);
      if (length === 0) return;
      reading.offset += length;
      const text = wholeLines(reading, chunk.subarray(0, length));
      if (text !== "") yield text;
    }
  } finally {
    closeSync(fd);
  }
}

function wholeLines(reading: Reading, added: Buffer): string {
  const bytes = Buffer.concat([reading.rest, added]);
  const end = bytes.lastIndexOf(NEWLINE) + 1;
  reading.rest = bytes.subarray(end);
  return bytes.subarray(0, end).toString("utf8");
}

/** @returns -1 if there is none; a negative place would count from the end of the bytes. */
function newlineBefore(bytes: Buffer, at: number): number {
  return at === 0 ? -1 : bytes.lastIndexOf(NEWLINE, at - 1);
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
