/**
 * The ledger of each edge: what became of its messages, counted where they are acknowledged. The numbers are worked out into a
 * record first, and a commit makes them count, so that no death counts a message twice or never.
 */
import type { TaskContext } from "./context.js";
import { type EdgeLayout, FATE, LEDGER } from "./layout.js";

/** Per input, in the order of the plan: {@link FATE.count} numbers. */
export type Fates = Float64Array;

export function noFates(context: TaskContext): Fates {
  return new Float64Array(context.inputs.length * FATE.count);
}

/** Writes the record of what the ledgers are after the next commit that acknowledges inputs. */
export function writeFates(context: TaskContext, fates: Fates): void {
  const { f64, inputs } = context;
  for (let input = 0; input < inputs.length; input += 1) {
    const at = placeOf(context, inputs[input] as EdgeLayout);
    for (let fate = 0; fate < FATE.count; fate += 1) {
      f64[at + LEDGER.redoFatesF64 / 2 + fate] = (f64[at + fate] as number) + (fates[input * FATE.count + fate] as number);
    }
  }
}

/** After the commit word; may be done again. */
export function applyFates(context: TaskContext): void {
  const { f64, inputs } = context;
  for (const edge of inputs) {
    const at = placeOf(context, edge);
    for (let fate = 0; fate < FATE.count; fate += 1) f64[at + fate] = f64[at + LEDGER.redoFatesF64 / 2 + fate] as number;
    context.step?.("ledger written");
  }
}

/** Index of the first float64 number of this task. */
function placeOf({ task }: TaskContext, { ledger }: EdgeLayout): number {
  return (ledger + task.index * LEDGER.size + LEDGER.fatesF64) / 2;
}
