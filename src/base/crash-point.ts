/**
 * Named points at which a test kills this very process, to prove that what comes after it finds its way. Without the
 * environment variable a point costs one comparison. Knows names; must not know what happens there.
 */
import { appendFileSync, existsSync, readFileSync } from "node:fs";

/** Every point of agent and keeper, in the order in which a task meets them. Writes of objects are in {@link STORE_POINTS}. */
export const CRASH_POINTS = [
  "agent.spawn.before",
  "agent.spawn.asked",
  "agent.spawn.answered",
  "agent.go.before",
  "agent.go.recorded",
  "agent.go.after",
  "agent.memory.before",
  "agent.memory.after",
  "agent.kill.before",
  "agent.kill.after",
  "agent.exit.seen",
  "agent.exit.recorded",
  "agent.exit.forgotten",
  "carry.before",
  "carry.made",
  "carry.named",
  "carry.removed",
  "agent.adopt.before",
  "agent.adopt.memories",
  "agent.adopt.after",
  "keeper.spawn.before",
  "keeper.spawn.after",
  "keeper.go.before",
  "keeper.go.after",
  "keeper.kill.before",
  "keeper.kill.after",
  "keeper.exit.before",
  "keeper.exit.prepared",
  "keeper.exit.recovered",
  "keeper.exit.recorded",
  "keeper.adopt.before",
  "keeper.adopt.after",
] as const;

const WRITES = {
  create: ["Host", "VideoFlow", "DeviceClaim", "FlowTask"],
  update: ["VideoFlow", "FlowTask"],
  updateStatus: ["Host", "VideoFlow", "DeviceClaim", "FlowTask"],
  delete: ["VideoFlow", "DeviceClaim", "FlowTask"],
} as const;

/** Before and after each kind of write of an object. */
export const STORE_POINTS = Object.entries(WRITES).flatMap(([operation, kinds]) =>
  kinds.flatMap((kind) => (["before", "after"] as const).map((when) => storePoint(operation, kind, when))),
);

export type StorePoint = `store.${string}`;
export type CrashPoint = (typeof CRASH_POINTS)[number] | StorePoint;

export function storePoint(operation: string, kind: string, when: "before" | "after"): StorePoint {
  return `store.${operation}.${kind}.${when}`;
}

/** Name of the point. */
export const CRASH_AT = "VIDEOFLOW_CRASH_AT";
/** File that gets a line when the point was reached; a point in it is passed without harm. */
export const CRASH_FILE = "VIDEOFLOW_CRASH_FILE";

const wanted = process.env[CRASH_AT];

/** Whether a test has chosen any point: only then a store is worth wrapping. */
export const crashesHere = wanted !== undefined;

/** Kills this process by SIGKILL if a test has chosen the point. */
export function crashPoint(point: CrashPoint): void {
  const file = process.env[CRASH_FILE];
  if (wanted !== point || file === undefined) return;
  if (existsSync(file) && readFileSync(file, "utf8").split("\n").includes(point)) return;
  appendFileSync(file, `${point}\n`);
  process.kill(process.pid, "SIGKILL");
}
