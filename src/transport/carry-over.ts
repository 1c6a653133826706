/**
 * From the memory of a flow to that of its next topology: what was committed counts in the new one, so that nodes that are in both
 * go on where they stopped. The old flow is at rest, and no process of the new one was started.
 */
import { copyFileSync, existsSync } from "node:fs";
import { OperatorError } from "../base/errors.js";
import { type ControlMemory, createFlowMemory, openControl, statePath } from "./files.js";
import { CELL, type EdgeLayout, FATE, LEDGER, type NodeLayout, TASK, type TaskLayout, TOTAL } from "./layout.js";
import type { DataPlan } from "./plan.js";
import { isFinal, startedTasks } from "./replicas.js";
import { restOf } from "./rest.js";
import { EMPTY, lapOf, word } from "./words.js";

export interface CarryOverOptions {
  /** Nodes that go on; default: all that have the same name in both plans. Others begin anew. */
  readonly nodes?: ReadonlySet<string>;
  /** Crash points of the tests. */
  readonly step?: (label: string) => void;
}

/**
 * Makes the memory of the next topology and carries committed counts, states and ledgers over. The old memory stays as it is, and
 * the new one counts as half-made until all of it is there: may die at any instruction and be done again.
 *
 * @param newDir see createFlowMemory; no process uses it yet.
 * @throws OperatorError CARRY_OVER_REFUSED: messages are under way, a stream has ended, or the inputs of a join do not begin
 *   together; SHM_FULL
 */
export function carryOver(oldDir: string, oldPlan: DataPlan, newDir: string, newPlan: DataPlan, options: CarryOverOptions = {}): void {
  const from = openControl(oldDir, oldPlan);
  try {
    refuseUnfit(from);
    createFlowMemory(newDir, newPlan, (to) => {
      options.step?.("files made");
      carryNodes(from, to, options);
      carryEdges(from, to, options);
    });
    options.step?.("carried over");
  } finally {
    from.unmap();
  }
}

function carryNodes(from: ControlMemory, to: ControlMemory, { nodes, step }: CarryOverOptions): void {
  for (const node of to.layout.nodes) {
    const before = from.layout.nodes.find(({ plan }) => plan.name === node.plan.name);
    const goesOn = before !== undefined && nodes?.has(node.plan.name) !== false;
    if (!goesOn) continue;
    carryNode(from, before, to, node, step);
    step?.("node carried");
  }
}

function carryEdges(from: ControlMemory, to: ControlMemory, { step }: CarryOverOptions): void {
  const begins = new Map<number, number>();
  for (const [number] of to.layout.nodes.entries()) beginOf(to, number, begins);
  for (const edge of to.layout.edges) {
    beginAt(to, edge, begins.get(edge.from) as number);
    step?.("edge begun");
    carryLedger(from, to, edge);
    step?.("ledger carried");
  }
}

function refuse(problem: string): never {
  throw new OperatorError("CARRY_OVER_REFUSED", { problem });
}

function refuseUnfit(from: ControlMemory): void {
  const ending = from.layout.nodes.find((node) => isFinal(from.i32, node));
  if (ending !== undefined) refuse(`the stream of node "${ending.plan.name}" has ended`);
  if (restOf(from) !== "free") refuse("messages are under way");
}

/** Replicas beyond those that the new node may have are added to its last one. */
function carryNode(from: ControlMemory, before: NodeLayout, to: ControlMemory, node: NodeLayout, step: CarryOverOptions["step"]): void {
  for (const task of startedTasks(from.i32, before)) {
    const heir = node.tasks[Math.min(task.index, node.tasks.length - 1)] as TaskLayout;
    addTotals(from, task, to, heir);
    step?.("totals carried");
    if (heir.index === task.index) carryTask(from, before, task, to, heir, step);
  }
}

function addTotals(from: ControlMemory, task: TaskLayout, to: ControlMemory, heir: TaskLayout): void {
  const [old, at] = [(task.region + TASK.totalsF64) / 2, (heir.region + TASK.totalsF64) / 2];
  for (let total = 0; total < TOTAL.count; total += 1) {
    const [more, present] = [from.f64[old + total] as number, to.f64[at + total] as number];
    to.f64[at + total] = total === TOTAL.next ? Math.max(present, more) : present + more;
  }
}

function carryTask(
  from: ControlMemory,
  { plan }: NodeLayout,
  task: TaskLayout,
  to: ControlMemory,
  heir: TaskLayout,
  step: CarryOverOptions["step"],
): void {
  const [oldWord, at] = [task.region, heir.region];
  for (const name of ["ended", "endKnown"] as const) to.i32[at + TASK[name]] = from.i32[oldWord + TASK[name]] as number;
  to.f64[(at + TASK.endPositionF64) / 2] = from.f64[(oldWord + TASK.endPositionF64) / 2] as number;
  const source = statePath(from.dir, plan.name, task.index);
  if (!existsSync(source)) return;
  copyFileSync(source, statePath(to.dir, plan.name, task.index));
  step?.("state copied");
  to.i32[at + TASK.snapshot] = from.i32[oldWord + TASK.snapshot] as number;
}

/** The first position that a node will give: what its producer, or the join by time before it, has committed. */
function beginOf(to: ControlMemory, number: number, known: Map<number, number>): number {
  const found = known.get(number);
  if (found !== undefined) return found;
  const node = to.layout.nodes[number] as NodeLayout;
  const total = (index: number) => to.f64[((node.tasks[0] as TaskLayout).region + TASK.totalsF64) / 2 + index] as number;
  const inputs = node.inputs.map((edge) => beginOf(to, (to.layout.edges[edge] as EdgeLayout).from, known));
  const begin = inputs.length === 0 ? total(TOTAL.commits) : node.plan.timeJoin !== undefined ? total(TOTAL.next) : (inputs[0] as number);
  if (node.plan.timeJoin === undefined && inputs.some((other) => other !== begin)) {
    refuse(`the inputs of node "${node.plan.name}" would begin at ${inputs.join(", ")}`);
  }
  known.set(number, begin);
  return begin;
}

/** Every cell awaits its first position that is not before `begin`. */
function beginAt({ i32, f64 }: ControlMemory, edge: EdgeLayout, begin: number): void {
  for (let index = 0; index < edge.count; index += 1) {
    const cell = edge.cells + index * CELL.size;
    const next = begin + ((((index - begin) % edge.count) + edge.count) % edge.count);
    i32[cell + CELL.state] = word(lapOf(edge, next), EMPTY);
    f64[(cell + CELL.position) / 2] = Math.max(0, next - edge.count);
  }
}

/** An edge that is in both plans keeps its ledger; on a new one everything that its writer gave before counts as acknowledged. */
function carryLedger(from: ControlMemory, to: ControlMemory, edge: EdgeLayout): void {
  const writer = to.layout.nodes[edge.from] as NodeLayout;
  const before = from.layout.edges.find(({ plan }) => plan.from === edge.plan.from && plan.to === edge.plan.to);
  const given = (total: number) => sum(writer.tasks, ({ region }) => to.f64[(region + TASK.totalsF64) / 2 + total] as number);
  const fate = (index: number) => (before === undefined ? 0 : fateOf(from, before, index));
  const [dead, dropped] = [fate(FATE.deadLettered), fate(FATE.dropped)];
  const at = (edge.ledger + LEDGER.fatesF64) / 2;
  to.f64[at + FATE.acknowledged] = given(TOTAL.messagesOut) - dead - dropped;
  to.f64[at + FATE.deadLettered] = dead;
  to.f64[at + FATE.dropped] = dropped;
  to.f64[at + FATE.marks] = given(TOTAL.marksOut);
}

function fateOf({ f64, layout }: ControlMemory, edge: EdgeLayout, fate: number): number {
  const { tasks } = layout.nodes[edge.to] as NodeLayout;
  return sum(tasks, ({ index }) => f64[(edge.ledger + index * LEDGER.size + LEDGER.fatesF64) / 2 + fate] as number);
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
