/** How long a video file says that it is: boxes of mp4, elements of Matroska, chunks of RIFF. Pure over a reader of bytes. */

/** Reads up to `length` bytes at an offset; shorter at the end of the file. */
export type ReadAt = (offset: number, length: number) => Uint8Array;

const MAX_BOXES = 100_000;

/**
 * @param sizeBytes size of the file.
 * @returns the bytes that the file must have to be whole, or undefined if its format does not say.
 */
export function declaredSizeBytes(readAt: ReadAt, sizeBytes: number): number | undefined {
  const head = readAt(0, 16);
  if (head.length < 12) return undefined;
  if (isBox(head)) return declaredByBoxes(readAt, sizeBytes);
  if (ascii(head, 0, 4) === "RIFF") return 8 + new DataView(head.buffer, head.byteOffset).getUint32(4, true);
  if (ascii(head, 0, 4) === "\x1aE\xdf\xa3") return declaredByMatroska(readAt(0, 4_096));
  return undefined;
}

function isBox(head: Uint8Array): boolean {
  return ["ftyp", "moov", "mdat", "free", "skip", "wide", "styp"].includes(ascii(head, 4, 8));
}

/** Walks the top-level boxes: the first that goes beyond the end of the file says how much is missing. */
function declaredByBoxes(readAt: ReadAt, sizeBytes: number): number {
  let offset = 0;
  for (let box = 0; box < MAX_BOXES && offset + 8 <= sizeBytes; box++) {
    const size = boxSize(readAt(offset, 16));
    if (size === 0) return sizeBytes;
    if (size < 8) return offset;
    offset += size;
  }
  return offset;
}

/** Size of a box in bytes; 0 for "to the end of the file". */
function boxSize(header: Uint8Array): number {
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  const size = view.getUint32(0);
  return size === 1 && header.length >= 16 ? Number(view.getBigUint64(8)) : size;
}

/** The EBML header, then the segment with its size (unknown for live recordings). */
function declaredByMatroska(head: Uint8Array): number | undefined {
  const header = vint(head, 4);
  if (header === undefined) return undefined;
  const segmentAt = header.end + header.value;
  if (ascii(head, segmentAt, segmentAt + 4) !== "\x18S\x80g") return undefined;
  const segment = vint(head, segmentAt + 4);
  return segment?.isUnknown === false ? segment.end + segment.value : undefined;
}

interface Vint {
  readonly value: number;
  /** Offset of the byte after it. */
  readonly end: number;
  readonly isUnknown: boolean;
}

/** A number of EBML's variable length: the position of the first 1 bit gives the length. */
function vint(bytes: Uint8Array, offset: number): Vint | undefined {
  const first = bytes[offset] ?? 0;
  const length = Math.clz32(first) - 23;
  if (length > 8 || offset + length > bytes.length) return undefined;
  let value = BigInt(first) & ((1n << BigInt(8 - length)) - 1n);
  for (let i = 1; i < length; i++) value = (value << 8n) | BigInt(bytes[offset + i]!);
  const allOnes = (1n << BigInt(7 * length)) - 1n;
  return { value: Number(value), end: offset + length, isUnknown: value === allOnes };
}

function ascii(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1", from, to);
}
