/** Reads the logs of a flow's tasks while they are written: whole lines, one file after the other, across rotations. */
import { closeSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { join } from "node:path";

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
  const readings = new Map<string, Reading>();
  const suffix = options.previous ? ".log.1" : ".log";
  for (let first = true; ; first = false) {
    for (const task of tasksIn(options, suffix)) {
      const path = join(options.dir, task + suffix);
      const reading = readings.get(task) ?? {
        offset: first && options.tail !== undefined ? tailOffset(path, options.tail) : 0,
        rest: Buffer.alloc(0),
      };
      readings.set(task, reading);
      for (const text of readOn(path, reading)) yield { task, text };
    }
    if (options.goesOn === undefined || !(await options.goesOn())) break;
    await new Promise((resume) => setTimeout(resume, LOOK_MS));
  }
  for (const [task, { rest }] of readings) if (rest.length > 0) yield { task, text: `${rest.toString("utf8")}\n` };
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

/** Reads what was added since the last look. A file that has become shorter was set aside and begins anew. */
function* readOn(path: string, reading: Reading): Generator<string> {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size < reading.offset) Object.assign(reading, { offset: 0, rest: Buffer.alloc(0) });
  if (size === reading.offset) return;
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
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
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
