/** Looks at a database before LMDB does, which ends the process where it finds anything but its own. */
import { closeSync, existsSync, fstatSync, openSync, readSync } from "node:fs";

/** Where LMDB 1.0 keeps what, in each of the two first pages; all little-endian. */
const HEAD_BYTES = 4096;
const MAGIC_AT = 24;
const VERSION_AT = 28;
const PAGE_SIZE_AT = 48;
const LAST_PAGE_AT = 144;
const MAGIC = 0xbeefc0de;
const VERSION = 2;

/** @throws Error if there is something that is no whole database of the version that this program writes. */
export function checkLmdbFile(file: string): void {
  if (!existsSync(file)) return;
  const fd = openSync(file, "r");
  try {
    const { size } = fstatSync(fd);
    if (size === 0) return;
    const head = Buffer.alloc(2 * HEAD_BYTES);
    if (readSync(fd, head, 0, head.length, 0) < head.length) throw new Error(`${file} is cut off`);
    for (const page of [head.subarray(0, HEAD_BYTES), head.subarray(HEAD_BYTES)]) checkHead(file, page, size);
  } finally {
    closeSync(fd);
  }
}

function checkHead(file: string, page: Buffer, size: number): void {
  if (page.readUInt32LE(MAGIC_AT) !== MAGIC) throw new Error(`${file} is no database`);
  const version = page.readUInt32LE(VERSION_AT);
  if (version !== VERSION) throw new Error(`${file} is a database of version ${version}, and this program knows version ${VERSION}`);
  const bytes = (Number(page.readBigUInt64LE(LAST_PAGE_AT)) + 1) * page.readUInt32LE(PAGE_SIZE_AT);
  if (bytes > size) throw new Error(`${file} is cut off: ${size} of ${bytes} bytes are there`);
}
