/** Which of two forms of one state is right, the database or the copy beside it. Pure. */
import type { Held } from "./copy-file.js";

/** What was found of one form: undefined if there is none, an error if it cannot be read. */
export type Found = Held | Error | undefined;

export interface Choice {
  readonly held: Held;
  /** The form that must be written anew. */
  readonly rebuild?: "Database" | "Copy";
  /** The changes by which a whole but older database becomes the state. */
  readonly missing?: ReadonlyMap<string, string | undefined>;
  /** What was wrong, for people. */
  readonly trouble?: string;
}

/**
 * The newer one of two that are whole: both have all that was ever answered. Of two of one version that differ the copy is
 * right, since it has checksums.
 *
 * @returns undefined if there is neither, which is a new store. @throws Error with what is wrong with both.
 */
export function chooseState(database: Found, copy: Found): Choice | undefined {
  if (database instanceof Error) {
    if (copy === undefined || copy instanceof Error) throw new Error([database.message, copy?.message ?? "there is no copy"].join("; "));
    return { held: copy, rebuild: "Database", trouble: database.message };
  }
  if (database === undefined) return copy instanceof Error || copy === undefined ? lost(copy) : found(copy);
  if (copy instanceof Error) return { held: database, rebuild: "Copy", trouble: copy.message };
  if (copy === undefined || database.version > copy.version) return { held: database, rebuild: "Copy" };
  const missing = differences(database.entries, copy.entries);
  if (missing.size === 0) return { held: copy };
  if (database.version < copy.version) return { held: copy, missing };
  return { held: copy, rebuild: "Database", trouble: `the database has other values than its copy, such as of ${[...missing.keys()][0]}` };
}

function lost(copy: Error | undefined): undefined {
  if (copy !== undefined) throw copy;
  return undefined;
}

function found(copy: Held): Choice {
  return { held: copy, rebuild: "Database", trouble: "the database is missing or empty" };
}

/** What must change in `from` to make it `to`. */
function differences(from: ReadonlyMap<string, string>, to: ReadonlyMap<string, string>): Map<string, string | undefined> {
  const changed = new Map<string, string | undefined>([...to].filter(([key, value]) => from.get(key) !== value));
  for (const key of from.keys()) if (!to.has(key)) changed.set(key, undefined);
  return changed;
}
