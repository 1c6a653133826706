/** `videoflow delete`: deletes objects and waits until they are gone. */
import { formatProblem } from "../api/problem.js";
import { qualifiedName } from "../api/resources.js";
import { OperatorError } from "../base/errors.js";
import type { ObjectKey } from "../store/store.js";
import { parseDuration } from "./age.js";
import { type ClientFlags, keyOf, notFound, watchObject, withConnection } from "./client.js";
import { EXIT, type ExitCode } from "./exit-codes.js";
import { readManifests } from "./manifests.js";
import { parseSelector } from "./selector.js";
import { parseTargets } from "./targets.js";
import type { Connection, World } from "./world.js";

export interface DeleteFlags extends ClientFlags {
  readonly filename?: readonly string[];
  readonly selector?: string;
  readonly all?: boolean;
  /** "true" or "false". */
  readonly wait?: string | boolean;
  readonly timeout?: string;
  readonly ignoreNotFound?: boolean;
}

/** @returns failed if an object is not there. @throws OperatorError WAIT_TIMEOUT, COMMAND_INVALID */
export async function remove(words: readonly string[], flags: DeleteFlags, world: World): Promise<ExitCode> {
  const timeoutMs = flags.timeout === undefined ? Number.POSITIVE_INFINITY : parseDuration(flags.timeout);
  return withConnection(flags, world, async (connection) => {
    const keys = await keysOf(words, flags, connection, world);
    if (keys === undefined) return EXIT.usage;
    let code: ExitCode = EXIT.success;
    const deleted: { readonly key: ObjectKey; readonly uid: string }[] = [];
    for (const key of keys) {
      const object = await connection.store.get(key);
      if (object === undefined) {
        if (flags.ignoreNotFound === true) continue;
        world.err.write(`error: ${notFound(key).message}\n`);
        code = EXIT.failed;
        continue;
      }
      const { uid } = object.metadata;
      await connection.store.delete(key, { uid });
      deleted.push({ key, uid });
      world.out.write(`${qualifiedName(key.kind, key.name)} deleted\n`);
    }
    const waits = flags.wait === undefined || flags.wait === true || flags.wait === "true";
    if (waits) await Promise.all(deleted.map(({ key, uid }) => waitUntilGone(connection, key, uid, timeoutMs)));
    return code;
  });
}

/** Resolves when no object of this name and uid is there. @throws OperatorError WAIT_TIMEOUT */
async function waitUntilGone(connection: Connection, key: ObjectKey, uid: string, timeoutMs: number): Promise<void> {
  let now = "";
  const gone = await watchObject(connection, key, timeoutMs, (object) => {
    now = object?.metadata.finalizers?.join(", ") ?? "";
    return object?.metadata.uid === uid ? undefined : true;
  });
  if (gone !== true) {
    const object = qualifiedName(key.kind, key.name);
    throw new OperatorError("WAIT_TIMEOUT", { what: "its end", object, seconds: timeoutMs / 1_000, now: `held by ${now}` });
  }
}

/** @returns undefined if the files have problems, which were printed. */
async function keysOf(
  words: readonly string[],
  flags: DeleteFlags,
  connection: Connection,
  world: World,
): Promise<ObjectKey[] | undefined> {
  if (flags.filename === undefined) return keysOfWords(words, flags, connection);
  if (words.length > 0) throw new OperatorError("COMMAND_INVALID", { problem: "give names or -f, not both" });
  const { manifests, problems } = await readManifests(flags.filename, world, false);
  for (const problem of problems) world.err.write(`${formatProblem(problem)}\n`);
  if (problems.length > 0) return undefined;
  return manifests.map((manifest) =>
    manifest.kind === "Host"
      ? keyOf("Host", connection.namespace, manifest.name)
      : keyOf("VideoFlow", manifest.flow.metadata.namespace ?? connection.namespace, manifest.flow.metadata.name),
  );
}

async function keysOfWords(words: readonly string[], flags: DeleteFlags, { store, namespace }: Connection): Promise<ObjectKey[]> {
  const isSelected = parseSelector(flags.selector);
  const keys: ObjectKey[] = [];
  for (const { info, names } of parseTargets(words)) {
    if (names !== undefined) keys.push(...names.map((name) => keyOf(info.kind, namespace, name)));
    else if (flags.all !== true && flags.selector === undefined) {
      throw new OperatorError("COMMAND_INVALID", { problem: "name what is to be deleted, or give --all or -l" });
    } else {
      const found = await store.list(info.kind, info.namespaced ? { namespace } : {});
      keys.push(...found.filter(isSelected).map(({ metadata }) => keyOf(info.kind, namespace, metadata.name)));
    }
  }
  return keys;
}
