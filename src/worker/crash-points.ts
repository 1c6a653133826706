/**
 * Named points of a worker at which tests kill this very process. A file that the environment names lists the points that are to
 * kill; each does so once, in whatever process of the task meets it first, and is noted beside the list. Without the variable a point
 * costs one comparison.
 */
import { appendFileSync, existsSync, readFileSync } from "node:fs";

/** What a task does, in the order in which it does it; those of the port stand between `worker.taken` and `worker.committed`. */
export const WORKER_POINTS = [
  "worker.opened",
  "worker.restored",
  "worker.taken",
  "worker.produced",
  "worker.python.sent",
  "worker.python.answered",
  "worker.processed",
  "worker.part",
  "worker.buried",
  "worker.flushed",
  "worker.written",
  "worker.snapshot",
  "worker.committed",
  "worker.ended",
] as const;

export type WorkerPoint = (typeof WORKER_POINTS)[number] | `port.${string}`;

/** Names the file that lists the points, one a line. */
export const CRASH_LIST = "VIDEOFLOW_CRASH_LIST";

const list = process.env[CRASH_LIST];
const left = list === undefined ? undefined : new Set(linesOf(list).filter((point) => !linesOf(hitsOf(list)).includes(point)));

/** The steps of the port as points; undefined where no test asks for any. */
export const portStep = left === undefined ? undefined : (label: string) => crashPoint(`port.${label}`);

/** Kills this process by SIGKILL if a test has asked for it here. */
export function crashPoint(point: WorkerPoint): void {
  if (left?.has(point) !== true) return;
  appendFileSync(hitsOf(list as string), `${point}\n`);
  process.kill(process.pid, "SIGKILL");
}

/** Beside the list: the points that have killed. */
export function hitsOf(file: string): string {
  return `${file}.hits`;
}

function linesOf(file: string): string[] {
  return existsSync(file) ? readFileSync(file, "utf8").split("\n").filter(Boolean) : [];
}
