/** Values that stand elsewhere: `valueFrom` in `env` and `params`. Pure: nothing is read here. */
import type { VideoFlowSpec } from "./kinds.js";
import type { PathSegment } from "./path.js";
import { isRecord } from "./schema.js";

/** A file, or a key of a Secret: exactly one of the two. */
export type ValueSource = NonNullable<VideoFlowSpec["nodes"][number]["env"][number]["valueFrom"]>;

/** A value of params that stands elsewhere. */
export interface ValuePlace {
  /** Inside the params: `["options", "token"]`. */
  readonly path: readonly PathSegment[];
  readonly source: ValueSource;
}

/** Bytes of one value: it must fit into the environment of a process. */
export const MAX_VALUE_BYTES = 65_536;

const MAX_DEPTH = 64;

/** Whether a value of params means to stand elsewhere; it may still be written wrongly. */
export function isValueFrom(value: unknown): value is { readonly valueFrom: unknown } {
  return isRecord(value) && Object.hasOwn(value, "valueFrom");
}

/** @returns what is wrong with a `valueFrom`; undefined: nothing. */
export function sourceProblem(source: unknown): string | undefined {
  if (!isRecord(source)) return "must be { file } or { secretKeyRef: { name, key } }";
  const { file, secretKeyRef, ...others } = source;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) return `knows no field ${unknown.slice(0, 40)}, only file and secretKeyRef`;
  if ((file === undefined) === (secretKeyRef === undefined)) return "needs either file or secretKeyRef";
  if (file !== undefined) return typeof file === "string" && file !== "" ? undefined : "file must be a path";
  return isKeyRef(secretKeyRef) ? undefined : "secretKeyRef must be { name, key }, the name of a Secret and a key of its data";
}

function isKeyRef(value: unknown): boolean {
  if (!isRecord(value) || Object.keys(value).length !== 2) return false;
  return typeof value["name"] === "string" && DNS_NAME.test(value["name"]) && typeof value["key"] === "string" && KEY.test(value["key"]);
}

const DNS_NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;
const KEY = /^[-._a-zA-Z0-9]{1,253}$/;

/** All values of params that stand elsewhere. @param params with well-formed sources. */
export function findSources(params: unknown): ValuePlace[] {
  const found: ValuePlace[] = [];
  mapSources(params, (source, path) => {
    found.push({ path, source });
    return source;
  });
  return found;
}

/**
 * A copy of params in which each value that stands elsewhere is what `replace` gives for it; the rest is shared with the input.
 *
 * @param replace gets a source as it is written, well-formed or not.
 */
export function mapSources<T>(params: T, replace: (source: ValueSource, path: readonly PathSegment[]) => unknown): T {
  const walk = (value: unknown, path: readonly PathSegment[]): unknown => {
    if (path.length > MAX_DEPTH) return value;
    if (isValueFrom(value)) return replace(value.valueFrom as ValueSource, path);
    if (Array.isArray(value))
      return keptIfSame(
        value,
        value.map((item, index) => walk(item, [...path, index])),
      );
    if (!isRecord(value)) return value;
    const entries = Object.entries(value).map(([key, item]) => [key, walk(item, [...path, key])] as const);
    return entries.every(([key, item]) => item === value[key]) ? value : Object.fromEntries(entries);
  };
  return walk(params, []) as T;
}

function keptIfSame(before: readonly unknown[], after: readonly unknown[]): readonly unknown[] {
  return after.every((item, index) => item === before[index]) ? before : after;
}

/** `file /run/secrets/url`, `key url of Secret default/camera`: where a value stands, never the value. */
export function sourceText({ file, secretKeyRef }: ValueSource, namespace?: string): string {
  if (secretKeyRef === undefined) return `file ${file}`;
  const { name, key } = secretKeyRef;
  return `key ${key} of Secret ${namespace === undefined ? "" : `${namespace}/`}${name}`;
}
