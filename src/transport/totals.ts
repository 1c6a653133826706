/** The totals that a commit carries: worked out into the redo record, where a death never counts them twice. */
import { type Redo, UNIT_DATA } from "./commit.js";
import type { TaskContext } from "./context.js";
import { TOTAL } from "./layout.js";

/** What a commit adds to the totals of its task. */
export interface Addition {
  commits: number;
  messagesIn: number;
  bytesIn: number;
  messagesOut: number;
  marksOut: number;
  bytesOut: number;
  filtered: number;
}

/** A unit of data whose messages reached user code: what comes before it is late from now on. */
export function isDelivered(redo: Redo, { messagesIn, filtered }: Addition): boolean {
  return redo.kind === UNIT_DATA && messagesIn > 0 && filtered === 0;
}

/** @param next first position that is not late after this commit; a lower one than before changes nothing. */
export function writeTotals({ f64, totals, redoTotals }: TaskContext, by: Addition, next: number): void {
  f64[redoTotals + TOTAL.commits] = (f64[totals + TOTAL.commits] as number) + by.commits;
  f64[redoTotals + TOTAL.next] = Math.max(f64[totals + TOTAL.next] as number, next);
  f64[redoTotals + TOTAL.messagesIn] = (f64[totals + TOTAL.messagesIn] as number) + by.messagesIn;
  f64[redoTotals + TOTAL.messagesOut] = (f64[totals + TOTAL.messagesOut] as number) + by.messagesOut;
  f64[redoTotals + TOTAL.bytesIn] = (f64[totals + TOTAL.bytesIn] as number) + by.bytesIn;
  f64[redoTotals + TOTAL.bytesOut] = (f64[totals + TOTAL.bytesOut] as number) + by.bytesOut;
  f64[redoTotals + TOTAL.marksOut] = (f64[totals + TOTAL.marksOut] as number) + by.marksOut;
  f64[redoTotals + TOTAL.filtered] = (f64[totals + TOTAL.filtered] as number) + by.filtered;
}
