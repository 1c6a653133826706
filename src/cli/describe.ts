/** `videoflow describe`: everything that tells how an object came to be what it is. */
import type { AnyResource, Condition, DeviceClaim, EventRecord, FlowTask, VideoFlow } from "../api/kinds.js";
import { safeLine, safeText } from "../base/safe-text.js";
import { ageOf } from "./age.js";
import { type ClientFlags, keyOf, notFound, withConnection } from "./client.js";
import { renderEvents, tellsOf } from "./events.js";
import { EXIT, type ExitCode } from "./exit-codes.js";
import { parseSelector } from "./selector.js";
import { renderTable } from "./table.js";
import { parseTargets } from "./targets.js";
import type { Connection, World } from "./world.js";

export interface DescribeFlags extends ClientFlags {
  readonly selector?: string;
}

/** @returns failed if a named object is not there. */
export async function describe(words: readonly string[], flags: DescribeFlags, world: World): Promise<ExitCode> {
  const targets = parseTargets(words);
  const isSelected = parseSelector(flags.selector);
  return withConnection(flags, world, async (connection) => {
    let code: ExitCode = EXIT.success;
    const texts: string[] = [];
    for (const { info, names } of targets) {
      const { store, namespace } = connection;
      const all: AnyResource[] = names === undefined ? await store.list(info.kind, info.namespaced ? { namespace } : {}) : [];
      texts.push(...(await Promise.all(all.filter(isSelected).map((object) => describeObject(object, connection)))));
      for (const name of names ?? []) {
        const key = keyOf(info.kind, namespace, name);
        const object = await store.get(key);
        if (object !== undefined) texts.push(await describeObject(object, connection));
        else {
          world.err.write(`error: ${notFound(key).message}\n`);
          code = EXIT.failed;
        }
      }
    }
    world.out.write(texts.join("\n\n"));
    return code;
  });
}

async function describeObject(object: AnyResource, { store }: Connection): Promise<string> {
  const { namespace, name } = object.metadata;
  const all = (await store.list("Event", namespace === "" ? {} : { namespace })).filter((event) => tellsOf(event, object.kind, name));
  if (object.kind !== "VideoFlow") return describeOther(object, eventsSince(all, object, []));
  const tasks = (await store.list("FlowTask", { namespace })).filter(({ spec }) => spec.flow === name);
  const claims = (await store.list("DeviceClaim", { namespace })).filter(({ spec }) => spec.flow === name);
  const events = eventsSince(all, object, [...tasks, ...claims]);
  return `${describeFlow({ flow: object, tasks, claims, events, wallMs: Date.now() }).join("\n")}\n`;
}

/** Without those of an earlier object of the name. What a part told that is gone by now counts from when the object was made. */
function eventsSince(events: readonly EventRecord[], object: AnyResource, parts: readonly AnyResource[]): EventRecord[] {
  const { uid, creationTimestamp } = object.metadata;
  const present = new Set([uid, ...parts.map(({ metadata }) => metadata.uid)]);
  const since = Math.floor(Date.parse(creationTimestamp) / 1_000) * 1_000; // Events have whole seconds.
  return events.filter(({ involvedObject, lastTimestamp }) => {
    if (present.has(involvedObject.uid)) return true;
    return involvedObject.kind !== object.kind && Date.parse(lastTimestamp) >= since;
  });
}

/** What the description of a flow is made of. */
export interface FlowStory {
  readonly flow: VideoFlow;
  readonly tasks: readonly FlowTask[];
  readonly claims: readonly DeviceClaim[];
  readonly events: readonly EventRecord[];
  readonly wallMs: number;
}

/** Lines about a flow, its nodes, tasks and claims, and what happened. Pure. */
export function describeFlow({ flow, tasks, claims, events, wallMs }: FlowStory): string[] {
  const { metadata, spec, status } = flow;
  return [
    ...fields([
      ["Name", metadata.name],
      ["Namespace", metadata.namespace],
      ["Labels", tableText(metadata.labels)],
      ["Annotations", tableText(metadata.annotations)],
      ["Created", `${metadata.creationTimestamp} (${ageOf(metadata.creationTimestamp, wallMs)} ago)`],
      ...(metadata.deletionTimestamp === undefined ? [] : [["Deleted", `${metadata.deletionTimestamp}: its tasks end first`] as const]),
      ["Type", spec.flowType],
      ["Desired", `${spec.desiredState}, run ${spec.run}`],
      ["State", status?.state ?? "not looked at yet"],
      ["Reason", status?.reason ?? ""],
      ["Message", status?.message ?? ""],
      ["Ready", status?.ready ?? ""],
      ["Devices", status?.devices ?? ""],
    ]),
    ...section("Nodes", renderTable(titles("NAME", "ROLE", "TASKS", "DEVICE", "INPUTS", "COMPONENT"), spec.nodes.map(nodeCells))),
    ...section("Conditions", renderConditions(status?.conditions ?? [], wallMs)),
    ...section("Tasks", renderTable(titles("NAME", "HOST", "PHASE", "RESTARTS", "PID", "MESSAGE"), tasks.map(taskCells))),
    ...section("Claims", renderTable(titles("NAME", "REASON", "DEVICES", "MESSAGE"), claims.map(claimCells))),
    ...(status?.warnings ?? []).map((warning) => `Warning: ${safeLine(warning)}`),
    ...section("Events", events.length === 0 ? [] : renderEvents(events, wallMs)),
    ...failures(tasks),
  ];
}

function nodeCells(node: VideoFlow["spec"]["nodes"][number]): string[] {
  const { name, role, component, inputs, nbTasks, deviceType, taskGroup } = node;
  return [
    taskGroup === undefined ? name : `${name} (in ${taskGroup})`,
    role,
    String(nbTasks),
    deviceType,
    inputs.join(", ") || "-",
    component,
  ];
}

function taskCells({ metadata, spec, status }: FlowTask): string[] {
  const { phase = "Pending", restarts = 0, pid, reason, message } = status ?? {};
  const why = [reason, message].filter(Boolean).join(": ");
  return [metadata.name, spec.host, phase, String(restarts), pid === undefined ? "-" : String(pid), why];
}

function claimCells({ metadata, status }: DeviceClaim): string[] {
  return [metadata.name, status?.reason ?? "", status?.allocation?.devices.join(", ") ?? "-", status?.message ?? ""];
}

function renderConditions(conditions: readonly Condition[], wallMs: number): string[] {
  if (conditions.length === 0) return [];
  return renderTable(
    titles("TYPE", "STATUS", "SINCE", "REASON", "MESSAGE"),
    conditions.map(({ type, status, reason, message, lastTransitionTime }) => [
      type,
      status,
      ageOf(lastTransitionTime, wallMs),
      reason,
      message,
    ]),
  );
}

/** The last lines of the tasks that failed, or are about to be started again. */
function failures(tasks: readonly FlowTask[]): string[] {
  return tasks.flatMap(({ metadata, status }) => {
    const { lastExit } = status ?? {};
    if (lastExit?.message === undefined || (status?.phase !== "Failed" && status?.phase !== "Backoff")) return [];
    const how = lastExit.signal ?? `exit code ${lastExit.code}`;
    return [
      "",
      `Last end of ${metadata.name} (${how}, ${lastExit.reason}):`,
      ...safeText(lastExit.message)
        .split("\n")
        .map((line) => `  ${line}`),
    ];
  });
}

async function describeOther(object: AnyResource, events: readonly EventRecord[]): Promise<string> {
  const wallMs = Date.now();
  const { metadata, kind, apiVersion: _version, ...rest } = object;
  const head = fields([
    ["Name", metadata.name],
    ["Namespace", metadata.namespace],
    ["Labels", tableText(metadata.labels)],
    ["Kind", kind],
    ["Created", `${metadata.creationTimestamp} (${ageOf(metadata.creationTimestamp, wallMs)} ago)`],
  ]);
  const lines = [
    ...head,
    "",
    (await import("./yaml-text.js")).yamlText(rest).trimEnd(),
    ...section("Events", events.length === 0 ? [] : renderEvents(events, wallMs)),
  ];
  return `${lines.join("\n")}\n`;
}

function fields(pairs: readonly (readonly [string, string])[]): string[] {
  return pairs.filter(([, value]) => value !== "").map(([name, value]) => `${`${name}:`.padEnd(13)} ${safeLine(value)}`);
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length <= 1 ? [] : ["", `${title}:`, ...lines.map((line) => `  ${line}`)];
}

function titles(...names: readonly string[]) {
  return names.map((title) => ({ title }));
}

function tableText(table: Readonly<Record<string, string>> | undefined): string {
  return Object.entries(table ?? {})
    .map(([name, value]) => `${name}=${value}`)
    .join(", ");
}
