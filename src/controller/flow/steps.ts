/** Which plans, and which changes of a plan, may be made true at the same time, and how. */
import type { VideoFlow } from "../../api/kinds.js";
import type { Change, Plan } from "./observed.js";

/** Each of these writes an object of its own, and says nothing that another of the same kind depends on. */
const INDEPENDENT: ReadonlySet<Change["op"]> = new Set(["createClaim", "decideClaim", "createTask"]);
/** Writes under way at once: more would only queue in the server. */
const MOST_AT_ONCE = 8;

function isIndependent(change: Change): boolean {
  return INDEPENDENT.has(change.op) && !(change.op === "decideClaim" && change.inTurn === true);
}

/** What these changes leave behind makes no less free for other flows. */
const GIVES_ONLY: ReadonlySet<Change["op"]> = new Set(["setFinalizers", "stopTask", "deleteTask", "deleteClaim"]);

/** Whether nobody may decide between this decision and its writes: it takes what other flows may want, or holds it back from them. Pure. */
export function needsTurn(flow: VideoFlow, plan: Plan): boolean {
  return isInLine(flow, plan) || plan.changes.some(({ op }) => !GIVES_ONLY.has(op));
}

/** Whether what the flow says of itself holds something back from those who came later, or did until now. Pure. */
export function isInLine({ status: before }: VideoFlow, { status }: Plan): boolean {
  return [before, status].some((one) => one?.reason === "WaitingForResources");
}

/** Changes in steps: all of one step may be made at once, and each step waits for the one before. Pure. */
export function stepsOf(changes: readonly Change[]): readonly (readonly Change[])[] {
  const steps: Change[][] = [];
  for (const change of changes) {
    const last = steps.at(-1);
    if (last !== undefined && last[0]?.op === change.op && isIndependent(change)) last.push(change);
    else steps.push([change]);
  }
  return steps;
}

/**
 * Acts on every item, on a few at once.
 *
 * @throws what the first one threw that failed, once nothing is under way any more; what had not begun by then is not begun.
 */
export async function atOnce<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  const left = items.values();
  let failure: { readonly error: unknown } | undefined;
  const work = async () => {
    for (const item of left) {
      if (failure !== undefined) return;
      try {
        await act(item);
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(MOST_AT_ONCE, items.length) }, work));
  if (failure !== undefined) throw failure.error;
}
