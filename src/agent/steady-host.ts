/**
 * What is told of a host, where what is seen of it trembles: other programs take and free a little memory all the time, and each such
 * change would be a write. Knows numbers and texts; must not know where they come from.
 */
import type { HostDevice } from "../api/kinds.js";

/** More is told once there was more for so long. */
const RISE_MS = 90_000;
const LEAST_STEP_BYTES = 2 ** 20;
/** A step is between this part of what there is and twice that part. */
const PARTS = 64;

/** Memory as others are told of it: less at once, for they count on it; more after a while; both in steps. */
export class SteadyBytes {
  #told: number | undefined;
  #looks: readonly { readonly atMs: number; readonly bytes: number }[] = [];

  /** @param bytes as seen now. @param nowMs of the boot clock. @returns never more than that. */
  tell(bytes: number, nowMs: number): number {
    this.#looks = [...this.#looks.filter(({ atMs }) => nowMs - atMs <= RISE_MS), { atMs: nowMs, bytes }];
    const least = Math.min(...this.#looks.map((look) => look.bytes));
    if (this.#told === undefined || bytes < this.#told || least >= this.#told + 2 * stepOf(this.#told)) this.#told = inSteps(least);
    return this.#told;
  }
}

function inSteps(bytes: number): number {
  const step = stepOf(bytes);
  return bytes < step ? bytes : Math.floor(bytes / step) * step;
}

/** A power of two. */
function stepOf(bytes: number): number {
  return Math.max(LEAST_STEP_BYTES, 2 ** Math.ceil(Math.log2(Math.max(1, bytes) / PARTS)));
}

/** How much memory a stranger has on a device is told again once it is half or twice as much. */
export function steadyDevices(told: readonly HostDevice[], seen: readonly HostDevice[]): HostDevice[] {
  const before = new Map(told.map((device) => [device.uuid, device]));
  return seen.map((device) => {
    const message = before.get(device.uuid)?.message;
    return message !== undefined && device.message !== undefined && isAlike(message, device.message) ? { ...device, message } : device;
  });
}

const MIB = /(\d+) MiB/;

function isAlike(before: string, now: string): boolean {
  const [a, b] = [before, now].map((text) => Number(MIB.exec(text)?.[1]));
  if (a === undefined || b === undefined || !(b > a / 2 && b < a * 2)) return before === now;
  return before.replace(MIB, "") === now.replace(MIB, "");
}
