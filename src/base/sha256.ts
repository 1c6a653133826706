/** SHA-256 of a text, for processes that rarely need one: loading node:crypto costs the start of a process 5 ms. */
import { createRequire } from "node:module";

let crypto: typeof import("node:crypto") | undefined;

/** @returns the digest, 32 bytes. */
export function sha256(text: string): Buffer {
  crypto ??= createRequire(import.meta.url)("node:crypto") as typeof import("node:crypto");
  return crypto.createHash("sha256").update(text).digest();
}
