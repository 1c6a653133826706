/** `videoflow wait`: waits for a condition, a value or the end of objects. */
import type { AnyResource, Condition } from "../api/kinds.js";
import { qualifiedName } from "../api/resources.js";
import { OperatorError } from "../base/errors.js";
import { safeLine } from "../base/safe-text.js";
import { parseDuration } from "./age.js";
import { type ClientFlags, keyOf, notFound, watchObject, withConnection } from "./client.js";
import { EXIT, type ExitCode } from "./exit-codes.js";
import { parseSelector } from "./selector.js";
import { parseTargets } from "./targets.js";
import type { Connection, World } from "./world.js";

export interface WaitFlags extends ClientFlags {
  readonly for: string;
  readonly timeout: string;
  readonly selector?: string;
  readonly all?: boolean;
}

/** What is waited for. */
interface Goal {
  readonly what: string;
  /** @param object undefined: it is not there. */
  isMet(object: AnyResource | undefined): boolean;
  readonly endsWith: string;
  /** An object that is not there is waited for, or what is wanted. */
  readonly mayBeMissing: boolean;
}

/** @throws OperatorError WAIT_TIMEOUT, OBJECT_NOT_FOUND, COMMAND_INVALID */
export async function wait(words: readonly string[], flags: WaitFlags, world: World): Promise<ExitCode> {
  const goal = await parseGoal(flags.for);
  const timeoutMs = parseDuration(flags.timeout);
  return withConnection(flags, world, async (connection) => {
    const deadline = performance.now() + timeoutMs;
    const objects = await objectsOf(words, flags, connection);
    if (objects.length === 0 && flags.for !== "delete") {
      world.err.write("error: no object is there that could be waited for\n");
      return EXIT.failed;
    }
    for (const object of objects) {
      await waitFor(connection, object, goal, Math.max(0, deadline - performance.now()), timeoutMs);
      world.out.write(`${qualifiedName(object.kind, object.name)} ${goal.endsWith}\n`);
    }
    return EXIT.success;
  });
}

async function waitFor(
  connection: Connection,
  key: ReturnType<typeof keyOf>,
  goal: Goal,
  leftMs: number,
  timeoutMs: number,
): Promise<void> {
  let last: AnyResource | undefined;
  let uid: string | undefined;
  const met = await watchObject(connection, key, leftMs, (object) => {
    last = object;
    if (object === undefined && !goal.mayBeMissing) throw notFound(key);
    uid ??= object?.metadata.uid;
    // One that came in its place is another object.
    const seen = object?.metadata.uid === uid ? object : undefined;
    return goal.isMet(seen) ? true : undefined;
  });
  if (met === true) return;
  const object = qualifiedName(key.kind, key.name);
  throw new OperatorError("WAIT_TIMEOUT", { what: goal.what, object, seconds: timeoutMs / 1_000, now: stateText(last) });
}

/** What the object says of itself. */
function stateText(object: AnyResource | undefined): string {
  if (object === undefined) return "it is not there";
  const { state, phase, reason, message } = ("status" in object ? (object.status ?? {}) : {}) as Readonly<
    Record<string, string | undefined>
  >;
  return safeLine([state ?? phase, reason, message].filter(Boolean).join(": ")).slice(0, 300) || "it says nothing of itself";
}

async function objectsOf(words: readonly string[], flags: WaitFlags, { store, namespace }: Connection) {
  const isSelected = parseSelector(flags.selector);
  const keys: ReturnType<typeof keyOf>[] = [];
  for (const { info, names } of parseTargets(words)) {
    if (names !== undefined) keys.push(...names.map((name) => keyOf(info.kind, namespace, name)));
    else if (flags.all !== true && flags.selector === undefined) {
      throw new OperatorError("COMMAND_INVALID", { problem: "name what is waited for, or give --all or -l" });
    } else {
      const found = await store.list(info.kind, info.namespaced ? { namespace } : {});
      keys.push(...found.filter(isSelected).map(({ metadata }) => keyOf(info.kind, namespace, metadata.name)));
    }
  }
  return keys;
}

/** `condition=Ready`, `condition=Ready=False`, `delete`, `create`, `jsonpath={.status.state}=Running`, `jsonpath={.status.run}`. */
async function parseGoal(text: string): Promise<Goal> {
  if (text === "delete") return { what: "its end", endsWith: "deleted", mayBeMissing: true, isMet: (object) => object === undefined };
  if (text === "create") return { what: "its creation", endsWith: "created", mayBeMissing: true, isMet: (object) => object !== undefined };
  const condition = /^condition=([A-Za-z]+)(?:=([A-Za-z]+))?$/.exec(text);
  if (condition !== null) return conditionGoal(condition[1] ?? "", condition[2] ?? "True");
  const path = /^jsonpath=(?:'([^']*)'|(\{.*\}|[^=]*))(?:=([\s\S]*))?$/.exec(text);
  if (path === null)
    throw new OperatorError("COMMAND_INVALID", { problem: `--for ${text} is not condition=…, delete, create or jsonpath=…` });
  return pathGoal(path[1] ?? path[2] ?? "", path[3]);
}

function conditionGoal(type: string, wanted: string): Goal {
  const isMet = (object: AnyResource | undefined): boolean => {
    const status = (object !== undefined && "status" in object ? object.status : undefined) as
      | { readonly conditions?: readonly Condition[] }
      | undefined;
    const found = status?.conditions?.find((one) => one.type.toLowerCase() === type.toLowerCase());
    const isCurrent = found?.observedGeneration === undefined || found.observedGeneration >= (object?.metadata.generation ?? 0);
    return isCurrent && found?.status.toLowerCase() === wanted.toLowerCase();
  };
  return { what: `condition ${type}=${wanted}`, endsWith: "condition met", mayBeMissing: false, isMet };
}

async function pathGoal(path: string, wanted: string | undefined): Promise<Goal> {
  const { renderTemplate } = await import("./json-path.js");
  const isMet = (object: AnyResource | undefined): boolean => {
    const text = object === undefined ? "" : renderTemplate(path, object);
    return wanted === undefined ? text !== "" : text === wanted;
  };
  return { what: wanted === undefined ? path : `${path}=${wanted}`, endsWith: "condition met", mayBeMissing: false, isMet };
}
