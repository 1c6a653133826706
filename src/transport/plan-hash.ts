/** By what a control file says of which plan it is. */
import { sha256 } from "../base/sha256.js";
import type { DataPlan } from "./plan.js";

/** The first 128 bits of the SHA-256 of the plan, as four words. */
export function planHash(plan: DataPlan): number[] {
  const digest = sha256(JSON.stringify(plan));
  return [0, 4, 8, 12].map((at) => digest.readInt32LE(at));
}
