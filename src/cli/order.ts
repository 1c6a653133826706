/** The order of printed objects: `--sort-by=.metadata.creationTimestamp`, and that of events. */
import type { AnyResource, EventRecord } from "../api/kinds.js";

type InOrder = (objects: readonly AnyResource[]) => readonly AnyResource[];

/**
 * Numbers by size, all else as text, what is missing first; equals stay as they are.
 *
 * @param path as kubectl takes it, with braces or without; absent: the order does not change.
 */
export async function parseOrder(path: string | undefined): Promise<InOrder> {
  if (path === undefined) return (objects) => objects;
  const { renderTemplate } = await import("./json-path.js");
  return (objects) => {
    const keys = new Map(objects.map((object) => [object, renderTemplate(path, object)]));
    return objects.toSorted((a, b) => compare(keys.get(a) ?? "", keys.get(b) ?? ""));
  };
}

function compare(a: string, b: string): number {
  const isNumber = a !== "" && b !== "" && Number.isFinite(Number(a)) && Number.isFinite(Number(b));
  if (isNumber) return Number(a) - Number(b);
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The oldest first. Times are of whole seconds; within one, versions tell who was written before. */
export function byEventTime(a: EventRecord, b: EventRecord): number {
  if (a.lastTimestamp !== b.lastTimestamp) return a.lastTimestamp < b.lastTimestamp ? -1 : 1;
  return compare(a.metadata.resourceVersion, b.metadata.resourceVersion);
}
