/** Events of objects: which ones tell the story of a flow, and `videoflow events`. */
import type { EventRecord } from "../api/kinds.js";
import { OperatorError } from "../base/errors.js";
import { ageOf } from "./age.js";
import { type ClientFlags, withConnection } from "./client.js";
import { EXIT, type ExitCode } from "./exit-codes.js";
import { type GetFlags, get } from "./get.js";
import { byEventTime } from "./order.js";
import { regardingText } from "./print.js";
import { renderTable } from "./table.js";
import { parseTargets } from "./targets.js";
import type { World } from "./world.js";

export interface EventsFlags extends ClientFlags {
  readonly for?: string;
  readonly types?: string;
  readonly watch?: boolean;
  readonly output?: string;
  readonly allNamespaces?: boolean;
}

/** Without --for and --types the same as `get events`. */
export async function events(flags: EventsFlags, world: World): Promise<ExitCode> {
  if (flags.for === undefined && flags.types === undefined) return get(["events"], flags as GetFlags, world);
  const targets = flags.for === undefined ? [] : parseTargets([flags.for]);
  const types = flags.types?.split(",").map((type) => type.trim().toLowerCase());
  const unknown = types?.find((type) => !["normal", "warning"].includes(type));
  if (unknown !== undefined) throw new OperatorError("COMMAND_INVALID", { problem: `--types ${unknown} is neither Normal nor Warning` });
  return withConnection(flags, world, async ({ store, namespace }) => {
    const all = await store.list("Event", flags.allNamespaces === true ? {} : { namespace });
    const wanted = all.filter(
      (event) =>
        types?.includes(event.type.toLowerCase()) !== false &&
        (targets.length === 0 || targets.some(({ info, names }) => tellsOf(event, info.kind, names?.[0] ?? ""))),
    );
    if (wanted.length === 0) world.err.write("No events found.\n");
    else world.out.write(`${renderEvents(wanted, Date.now()).join("\n")}\n`);
    return EXIT.success;
  });
}

/** Whether an event is part of the story of an object: of a flow, also those of its tasks and claims. */
export function tellsOf({ involvedObject }: EventRecord, kind: string, name: string): boolean {
  if (involvedObject.kind === kind && involvedObject.name === name) return true;
  return kind === "VideoFlow" && ["FlowTask", "DeviceClaim"].includes(involvedObject.kind) && involvedObject.name.startsWith(`${name}.`);
}

/** A table, the oldest first. */
export function renderEvents(list: readonly EventRecord[], wallMs: number): string[] {
  const sorted = list.toSorted(byEventTime);
  return renderTable(
    ["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"].map((title) => ({ title })),
    sorted.map((event) => [
      event.count > 1 ? `${ageOf(event.lastTimestamp, wallMs)} (x${event.count})` : ageOf(event.lastTimestamp, wallMs),
      event.type,
      event.reason,
      regardingText(event),
      event.message,
    ]),
  );
}
