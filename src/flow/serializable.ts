/** Finds what cannot travel to another process inside a node's params. */

export interface Unserializable {
  /** Path inside the params, such as `params.model.options[2]`. */
  readonly path: string;
  readonly found: string;
}

/** @returns the first value that JSON cannot carry, or undefined. */
export function findUnserializable(value: unknown, path = "params", above: readonly object[] = []): Unserializable | undefined {
  if (value === null || value === undefined || typeof value === "string" || typeof value === "boolean") return undefined;
  if (typeof value === "number") return Number.isFinite(value) ? undefined : { path, found: String(value) };
  if (typeof value !== "object") return { path, found: nameOf(value) };
  if (above.includes(value)) return { path, found: "a reference to itself" };
  if (!Array.isArray(value) && !isPlain(value)) return { path, found: `an instance of ${value.constructor?.name ?? "a class"}` };
  for (const [key, item] of Object.entries(value)) {
    const inside = findUnserializable(item, Array.isArray(value) ? `${path}[${key}]` : `${path}.${key}`, [...above, value]);
    if (inside !== undefined) return inside;
  }
  return undefined;
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as unknown;
  return prototype === null || prototype === Object.prototype;
}

function nameOf(value: unknown): string {
  if (typeof value === "function") return `the function ${value.name || "(anonymous)"}`;
  return `a ${typeof value}`;
}
