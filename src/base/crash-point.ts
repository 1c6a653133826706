/**
 * Named points at which a test kills this very process, to prove that what comes after it finds its way. Without the
 * environment variable a point costs one comparison. Knows names; must not know what happens there.
 */
import { appendFileSync } from "node:fs";

/** Every point, in the order in which a task meets them. Store writes have points of their own: see {@link storePoint}. */
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
  "keeper.exit.recovered",
  "keeper.exit.recorded",
  "keeper.adopt.before",
  "keeper.adopt.after",
] as const;

export type CrashPoint = (typeof CRASH_POINTS)[number] | `store.${string}`;

/** `<point>` or `<point>#<n>` for its nth pass. */
export const CRASH_AT = "VIDEOFLOW_CRASH_AT";
/** File that gets a line when the point was reached. */
export const CRASH_FILE = "VIDEOFLOW_CRASH_FILE";

const [wanted, pass] = (process.env[CRASH_AT] ?? "").split("#");
let left = Number(pass ?? 1);

/** Whether a test has chosen any point: only then a store is worth wrapping. */
export const crashesHere = wanted !== "";

/** Kills this process by SIGKILL if a test has chosen the point. */
export function crashPoint(point: CrashPoint): void {
  if (wanted !== point) return;
  left -= 1;
  if (left > 0) return;
  const file = process.env[CRASH_FILE];
  if (file !== undefined) appendFileSync(file, `${point}\n`);
  process.kill(process.pid, "SIGKILL");
}
