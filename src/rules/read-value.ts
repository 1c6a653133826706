/** Reads values that stand elsewhere. What goes wrong is told by place, never by content. */
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { type Refusal, RefusedError } from "../api/refusal.js";
import { MAX_VALUE_BYTES } from "../api/value-source.js";

const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;

type Tell = (reason: Refusal["reason"], what: string) => Refusal;

/**
 * @param file real path: no link is followed any more.
 * @param tell makes a refusal of a reason and a sentence.
 * @returns the text without its last line break. @throws RefusedError
 */
export function readValueFile(file: string, tell: Tell): string {
  const bytes = readBytes(file, tell);
  return textOf(bytes, `file ${file}`, tell).replace(/\r?\n$/, "");
}

function readBytes(file: string, tell: Tell): Buffer {
  let fd: number;
  try {
    fd = openSync(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    const what = code === "ENOENT" || code === "ENOTDIR" ? `there is no file ${file}` : `file ${file} cannot be read (${code})`;
    throw new RefusedError(tell("FileMissing", what));
  }
  try {
    if (!fstatSync(fd).isFile()) throw new RefusedError(tell("FileMissing", `${file} is no file`));
    const buffer = Buffer.alloc(MAX_VALUE_BYTES + 1);
    let length = 0;
    for (;;) {
      const read = readSync(fd, buffer, length, buffer.length - length, null);
      length += read;
      if (read === 0 || length === buffer.length) break;
    }
    return buffer.subarray(0, length);
  } finally {
    closeSync(fd);
  }
}

/** @param what names the place. @throws RefusedError */
export function textOf(bytes: Uint8Array, what: string, tell: Tell): string {
  if (bytes.length > MAX_VALUE_BYTES) throw new RefusedError(tell("ValueInvalid", `${what} holds more than ${MAX_VALUE_BYTES} bytes`));
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new RefusedError(tell("ValueInvalid", `${what} holds no UTF-8 text`));
  }
  if (text.includes("\0")) throw new RefusedError(tell("ValueInvalid", `${what} holds a NUL byte`));
  return text;
}
