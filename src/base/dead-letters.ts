/**
 * Inputs that no attempt could process, as they lie on disk: `<id>.json`, with tensors and bytes as raw files `<id>.<n>.bin` beside it.
 * Knows the form of a letter; must not know who writes, shows or retries it.
 */
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { makeFolder } from "./make-folder.js";
import { loadValue, saveValue } from "./saved-value.js";

export const DEAD_LETTER_VERSION = 1;

/** A message as it was read or written, with a payload as saved (saved-value.ts) or as it is in memory. */
export interface LetterMessage {
  readonly traceId: string;
  readonly seq: number;
  readonly eventTs?: number | undefined;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly payload: unknown;
}

export interface DeadLetter {
  readonly version: typeof DEAD_LETTER_VERSION;
  readonly id: string;
  readonly flow: string;
  readonly run: string;
  /** Node, or fused group, that could not process the input, and which of its tasks gave up. */
  readonly node: string;
  readonly task: number;
  /** Number of the unit in the channels of the node, and of the message in it. */
  readonly position: number;
  readonly index: number;
  /** ISO 8601. */
  readonly time: string;
  readonly attempts: number;
  /** Death: the process died in the call. */
  readonly cause: "Exception" | "Death";
  /** Which message of the channel the first input is: two parts of a position may have calls of the same number. */
  readonly message?: string;
  /** How many outputs of the call were out when it was given up; absent: none. */
  readonly outputs?: number;
  /** With its stack, where there is one. */
  readonly error: string;
  /** One per input of the node, in the order of `process(...inputs)`. */
  readonly inputs: readonly LetterMessage[];
}

/** In place of a folder, for an agent that confines paths: where it keeps the dead letters of a flow of the same namespace. */
export const LETTERS_OF = "deadletters:";

/** What names a letter: the same input gives the same name, whoever buries it and however often. */
export type LetterKey = Pick<DeadLetter, "run" | "node" | "position" | "index">;

/** `<run>.<node>.<position>.<index>`; of the run its first eight digits and its number. */
export function letterId({ run, node, position, index }: LetterKey): string {
  return `${shortRun(run)}.${node}.${position}.${index}`;
}

function shortRun(run: string): string {
  return `${run.slice(0, 8)}${/-\d+$/.exec(run)?.[0] ?? ""}`;
}

/** Positions of a node's dead letters of one run; none if there is no folder. */
export function buriedPositions(folder: string, run: string, node: string): ReadonlySet<number> {
  const prefix = `${shortRun(run)}.${node}.`;
  const names = letterIds(folder).filter((id) => id.startsWith(prefix));
  return new Set(names.map((id) => Number(id.slice(prefix.length).split(".")[0])));
}

/** The letters of one position of a node. */
export function lettersAt(folder: string, at: Omit<LetterKey, "index">): DeadLetter[] {
  const prefix = letterId({ ...at, index: 0 }).slice(0, -1);
  const ids = letterIds(folder).filter((id) => id.startsWith(prefix));
  return ids.map((id) => readLetter(folder, id));
}

/** Messages of one part of a position. */
const PART = 64;

/** The number under which the letter of a message is kept: another one where an earlier part of the position has a letter of that number. */
export function freeIndex(folder: string, key: LetterKey, message: string): number {
  for (let index = key.index; ; index += PART) {
    const id = letterId({ ...key, index });
    if (!existsSync(join(folder, `${id}.json`)) || readLetter(folder, id).message === message) return index;
  }
}

/** Ids of all letters of a folder, in no order. */
export function letterIds(folder: string): string[] {
  return jsonNames(folder).filter((name) => /\.\d+\.\d+$/.test(name));
}

/** Names of the outputs of a retry in a folder: `<id>.output.<k>`. */
export function outputNames(folder: string): string[] {
  return jsonNames(folder).filter((name) => name.includes(".output."));
}

function jsonNames(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).flatMap((name) => (name.endsWith(".json") ? [name.slice(0, -".json".length)] : []));
}

/** Writes a letter; its raw files come first, so that a letter that is there is whole. Doing it twice leaves one. */
export function writeLetter(folder: string, letter: Omit<DeadLetter, "version" | "id">): string {
  const id = letterId(letter);
  makeFolder(folder, 0o700);
  const inputs = saveMessages(folder, id, letter.inputs);
  writeWhole(folder, id, { version: DEAD_LETTER_VERSION, id, ...letter, inputs });
  return id;
}

/** Saves messages with their raw files `<id>.<n>.bin`. @returns them with payloads as JSON. */
export function saveMessages(folder: string, id: string, messages: readonly LetterMessage[]): LetterMessage[] {
  let files = 0;
  const put = (bytes: Uint8Array): string => {
    const name = `${id}.${files}.bin`;
    files += 1;
    writeFileSync(join(folder, name), bytes, { mode: 0o600 });
    return name;
  };
  return messages.map(({ traceId, seq, eventTs, metadata, payload }) => ({
    traceId,
    seq,
    ...(eventTs === undefined ? {} : { eventTs }),
    metadata: saveValue(metadata, put) as LetterMessage["metadata"],
    payload: saveValue(payload, put),
  }));
}

/** By rename: whole or not there. */
export function writeWhole(folder: string, id: string, content: object): void {
  const file = join(folder, `${id}.json`);
  writeFileSync(`${file}.part`, `${JSON.stringify(content, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.part`, file);
}

const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;

/**
 * Reads a file of the folder. Tasks write there, perhaps as another user who may read less than the reader: what they could make
 * lead elsewhere is not followed.
 *
 * @throws Error if it is not there, or no file of this folder alone.
 */
function readOwn(folder: string, name: string): Buffer {
  if (name.includes("/")) throw new TypeError(`${name} is no file of ${folder}`);
  const fd = openSync(join(folder, name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile() || stat.nlink > 1) throw new TypeError(`${name} is no file of ${folder} alone`);
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** A letter as it was written: payloads as saved. @throws Error if it is not there or of another version. */
export function readLetter(folder: string, id: string): DeadLetter {
  const letter = JSON.parse(readOwn(folder, `${id}.json`).toString("utf8")) as DeadLetter;
  if (letter.version !== DEAD_LETTER_VERSION) throw new TypeError(`dead letter ${id} has version ${letter.version}`);
  return letter;
}

/** A message that was written by {@link writeWhole}: payload as saved. */
export function readMessage(folder: string, id: string): LetterMessage {
  return JSON.parse(readOwn(folder, `${id}.json`).toString("utf8")) as LetterMessage;
}

/** What a retry gave for a letter. */
export interface LetterOutput {
  /** `<id>.output.<k>` */
  readonly name: string;
  /** Payload as saved. */
  readonly message: LetterMessage;
}

/** All outputs of a retry in a folder, by name. */
export function readOutputs(folder: string): LetterOutput[] {
  const names = outputNames(folder).toSorted();
  return names.map((name) => ({ name, message: readMessage(folder, name) }));
}

/** All letters of a folder, the oldest first. */
export function readLetters(folder: string): DeadLetter[] {
  const letters = letterIds(folder).map((id) => readLetter(folder, id));
  return letters.toSorted((a, b) => (a.time === b.time ? a.position - b.position : a.time < b.time ? -1 : 1));
}

/** A saved message with its payload in memory. */
export function loadMessage(folder: string, saved: LetterMessage): LetterMessage {
  const get = (file: string) => readOwn(folder, file);
  return { ...saved, metadata: loadValue(saved.metadata, get) as LetterMessage["metadata"], payload: loadValue(saved.payload, get) };
}

/** Removes a letter and its raw files. */
export function removeLetter(folder: string, id: string): void {
  rmSync(join(folder, `${id}.json`), { force: true });
  for (const name of readdirSync(folder))
    if (name.startsWith(`${id}.`) && name.endsWith(".bin")) rmSync(join(folder, name), { force: true });
}
