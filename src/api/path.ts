/** Paths of fields as people read them: `spec.nodes[2].nbTasks`, `metadata.labels["app/name"]`. */

export type PathSegment = string | number;

export function pathText(segments: readonly PathSegment[]): string {
  return segments.map(segmentText).join("").replace(/^\./, "");
}

function segmentText(segment: PathSegment): string {
  if (typeof segment === "number") return `[${segment}]`;
  return /^[A-Za-z_$][\w$-]*$/.test(segment) ? `.${segment}` : `[${JSON.stringify(segment)}]`;
}

const SEGMENT = /\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]|\.?([A-Za-z_$][\w$-]*)/gy;

/** The inverse of {@link pathText}; stops at what it cannot read. */
export function parsePath(path: string): PathSegment[] {
  return [...path.matchAll(new RegExp(SEGMENT.source, "gy"))].map(([, index, quoted, name]) => {
    if (index !== undefined) return Number(index);
    return quoted === undefined ? (name ?? "") : (JSON.parse(quoted) as string);
  });
}

/** The segments of a JSON pointer; numbers where the value at that place is a list. */
export function pointerSegments(pointer: string, value: unknown): PathSegment[] {
  let at = value;
  return pointer
    .split("/")
    .slice(1)
    .map((raw) => {
      const key = raw.replaceAll("~1", "/").replaceAll("~0", "~");
      const segment = Array.isArray(at) ? Number(key) : key;
      at = childOf(at, segment);
      return segment;
    });
}

/** The value at a path; undefined where nothing is. Own fields only. */
export function valueAt(value: unknown, segments: readonly PathSegment[]): unknown {
  return segments.reduce<unknown>(childOf, value);
}

function childOf(value: unknown, segment: PathSegment): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, segment)) return undefined;
  return (value as Record<PathSegment, unknown>)[segment];
}

/** A copy of a value with something else at a path that it has; what lies beside the path is shared with the input. */
export function withValueAt(value: unknown, segments: readonly PathSegment[], replacement: unknown): unknown {
  const [segment, ...rest] = segments;
  if (segment === undefined) return replacement;
  const child = withValueAt(childOf(value, segment), rest, replacement);
  if (Array.isArray(value)) return value.with(Number(segment), child);
  return { ...(value as Record<PathSegment, unknown>), [segment]: child };
}
