/**
 * Encoded packets of one video in a file that only grows, so that whoever knows how far it counts can cut it there and go on.
 *
 * A packet: size (uint32), 1 for a keyframe else 0 (uint32), number of its frame (int64), decoding time in frames (int64), data;
 * little-endian.
 */
import { closeSync, constants, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import { OperatorError } from "../../base/errors.js";

const HEADER_BYTES = 24;

/** What a packet is to a file. */
export interface StoredPacket {
  readonly data: Buffer | null;
  readonly isKeyframe: boolean;
  readonly pts: bigint;
  readonly dts: bigint;
}

export class PacketFile {
  readonly #path: string;
  readonly #file: number;
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #sizeBytes: number;

  /** Opens or makes the file. @param sizeBytes what counts of it; the rest is cut off. @throws Error of the file system. */
  constructor(path: string, sizeBytes: number) {
    this.#path = path;
    this.#file = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o644);
    this.#sizeBytes = sizeBytes;
    ftruncateSync(this.#file, sizeBytes);
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  append({ data, isKeyframe, pts, dts }: StoredPacket): void {
    const bytes = data ?? Buffer.alloc(0);
    this.#header.writeUInt32LE(bytes.length, 0);
    this.#header.writeUInt32LE(isKeyframe ? 1 : 0, 4);
    this.#header.writeBigInt64LE(pts, 8);
    this.#header.writeBigInt64LE(dts, 16);
    this.#write(this.#header);
    this.#write(bytes);
  }

  #write(bytes: Buffer): void {
    for (let done = 0; done < bytes.length; ) {
      done += writeSync(this.#file, bytes, done, bytes.length - done, this.#sizeBytes + done);
    }
    this.#sizeBytes += bytes.length;
  }

  /** All packets, in the order in which they were written. @throws OperatorError VIDEO_OUTPUT_UNWRITABLE if the file was shortened. */
  *packets(): Generator<StoredPacket & { readonly data: Buffer }> {
    for (let at = 0; at < this.#sizeBytes; ) {
      const header = this.#read(at, HEADER_BYTES);
      const data = this.#read(at + HEADER_BYTES, header.readUInt32LE(0));
      at += HEADER_BYTES + data.length;
      yield { data, isKeyframe: header.readUInt32LE(4) === 1, pts: header.readBigInt64LE(8), dts: header.readBigInt64LE(16) };
    }
  }

  #read(at: number, length: number): Buffer {
    const bytes = Buffer.alloc(length);
    for (let done = 0; done < length; ) {
      const got = readSync(this.#file, bytes, done, length - done, at + done);
      if (got === 0) throw new OperatorError("VIDEO_OUTPUT_UNWRITABLE", { path: this.#path, reason: "somebody has shortened the file" });
      done += got;
    }
    return bytes;
  }

  close(): void {
    closeSync(this.#file);
  }
}
