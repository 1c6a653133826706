/**
 * Logs of flows that are gone: kept for a while for people, then removed, or a host on which names come and go would fill its disk.
 * Knows the folders of logs; must not know how one finds out whether a flow is there.
 */
import { readdirSync, rmdirSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import type { FlowKey } from "../store/agent-services.js";
import { logsOf } from "./task-files.js";

/** After the last line. */
export const LOGS_KEPT_MS = 7 * 24 * 3_600_000;

/**
 * Removes the logs of flows that are gone and have written nothing for {@link LOGS_KEPT_MS}. Dead letters stay.
 *
 * @param isThere asked only of flows whose logs are old enough.
 * @returns the flows whose logs were removed.
 */
export async function removeOldLogs(stateDir: string, isThere: (flow: FlowKey) => Promise<boolean>, wallMs: number): Promise<FlowKey[]> {
  const removed: FlowKey[] = [];
  for (const flow of flowsWithLogs(stateDir)) {
    const folder = logsOf(stateDir, flow);
    if (wallMs - lastWriteMs(folder) < LOGS_KEPT_MS || (await isThere(flow))) continue;
    rmSync(folder, { recursive: true, force: true });
    removed.push(flow);
    if (namesIn(dirname(folder)).length === 0) rmdirSync(dirname(folder));
  }
  return removed;
}

function flowsWithLogs(stateDir: string): FlowKey[] {
  const base = join(stateDir, "logs");
  return namesIn(base).flatMap((namespace) => namesIn(join(base, namespace)).map((name) => ({ namespace, name })));
}

function lastWriteMs(folder: string): number {
  const paths = [folder, ...namesIn(folder).map((name) => join(folder, name))];
  return Math.max(...paths.map((path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0));
}

/** None of what is no folder, or not there. */
function namesIn(folder: string): string[] {
  return statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true ? readdirSync(folder) : [];
}
