/** Values that a task is told but that stand in no file: read once, put into the params, and kept out of what is shown. */
import { closeSync, readFileSync } from "node:fs";
import type { TaskMember } from "../api/kinds.js";
import { withValueAt } from "../api/path.js";
import type { TaskValues } from "../api/refusal.js";
import { hider } from "../base/hide.js";
import { INPUT_FD } from "../base/keeper-protocol.js";
import type { TaskLaunch } from "./launch.js";

let hide: (text: string) => string = (text) => text;
let hasHidden = false;

/** Takes the task's values out of a text that will be shown, sent or stored. */
export function shownText(text: string): string {
  return hide(text);
}

/** Whether there are values that must not be shown. */
export function hidesValues(): boolean {
  return hasHidden;
}

/**
 * The launch with the values of its params.
 *
 * From here on nothing that JavaScript writes shows them: neither stdout and stderr, which are the task's log, nor reported errors.
 * An error that nobody catches must be written, too: what the engine prints by itself goes round the streams.
 *
 * @throws Error if the values were not handed over.
 */
export function withValues(launch: TaskLaunch): TaskLaunch {
  if (launch.hasValues !== true) return launch;
  const { params, hidden } = readValues();
  hide = hider(hidden);
  hasHidden = true;
  for (const stream of [process.stdout, process.stderr]) hideIn(stream);
  const members = launch.members.map((member) => {
    const own = params.filter((value) => value.member === member.name);
    return { ...member, params: own.reduce<unknown>((all, { path, value }) => withValueAt(all, path, value), member.params) };
  });
  return { ...launch, members: members as TaskMember[] };
}

function readValues(): TaskValues {
  const text = readFileSync(INPUT_FD, "utf8");
  closeSync(INPUT_FD);
  if (text === "") throw new Error("the values of valueFrom were not handed over: agent or keeper died before");
  return JSON.parse(text) as TaskValues;
}

function hideIn(stream: NodeJS.WriteStream): void {
  const write = stream.write.bind(stream) as (chunk: Uint8Array | string, ...rest: unknown[]) => boolean;
  stream.write = (chunk: Uint8Array | string, ...rest: unknown[]) => {
    const text = typeof chunk === "string" ? chunk : Buffer.from(chunk).toString("utf8");
    const shown = hide(text);
    return shown === text ? write(chunk, ...rest) : write(shown, ...rest);
  };
}
