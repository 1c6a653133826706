/** Names and numbers that every speaker of the wire computes alike. Pure. */
import { sha256 } from "../../base/sha256.js";
import type { Envelope } from "./envelope.js";

/** What identifies a message: the parts of its lineage. */
export type MessageIdentity = Pick<Envelope, "flowId" | "runId" | "producerName" | "traceId" | "seq" | "type">;

/** @returns 32 hexadecimal digits; a message that is sent twice has the same id both times. */
export function messageId({ flowId, runId, producerName, traceId, seq, type }: MessageIdentity): string {
  return sha256([flowId, runId, producerName, traceId, String(seq), type].join(":")).toString("hex", 0, 16);
}

/**
 * @param key   the partition key as text; undefined: the message has none, which is the key `None`.
 * @param tasks number of replicas.
 * @returns the replica that a key belongs to.
 */
export function partitionOwner(key: string | undefined, tasks: number): number {
  return partitionHash(key) % tasks;
}

/** @returns what tells a key's replica by its remainder: 32 bits. */
export function partitionHash(key: string | undefined): number {
  return sha256(key ?? "None").readUInt32BE(0);
}

/** A name as part of a subject: each run of other characters becomes one underscore. */
export function sanitizePart(part: string): string {
  return part.replace(/[^A-Za-z0-9_-]+/g, "_");
}
