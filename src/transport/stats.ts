/** What the tasks of a flow published, read by the agent and the CLI at no cost to the tasks. */
import { type ControlMemory, openControl } from "./files.js";
import {
  CELL,
  COUNTER,
  type EdgeLayout,
  FATE,
  LEDGER,
  MAX_RETAINED,
  type NodeLayout,
  RETAINED,
  SLOT,
  TASK,
  type TaskLayout,
  TOTAL,
} from "./layout.js";
import type { DataPlan } from "./plan.js";
import type { EdgeStats, FlowStats, NodeStats, TaskState, TaskStats } from "./port.js";
import { readProcessTimes } from "./process-times.js";
import { isFinal, liveTasks, startedTasks, windowOf } from "./replicas.js";
import { restOf } from "./rest.js";
import { TASK_STATES } from "./task-state.js";
import { EMPTY, outputCount, PUBLISHED, wordState } from "./words.js";

/** @throws OperatorError SHM_INVALID */
export function openFlowStats(dir: string, plan: DataPlan): FlowStats {
  const memory = openControl(dir, plan);
  const { nodes, edges } = memory.layout;
  return {
    nodes: () => nodes.map((node) => readNode(memory, node)),
    tasks: () => nodes.flatMap((node) => startedTasks(memory.i32, node).map((task) => readTask(memory, node, task))),
    task: (name, index) => {
      const node = nodes.find(({ plan: { name: own } }) => own === name);
      const task = node === undefined ? undefined : startedTasks(memory.i32, node)[index];
      return node === undefined || task === undefined ? undefined : readTask(memory, node, task);
    },
    edges: () => edges.map((edge) => readEdge(memory, edge)),
    rest: () => restOf(memory),
    slotsInUse: () => nodes.reduce((sum, node) => sum + node.tasks.reduce((used, task) => used + slotsInUse(memory, task), 0), 0),
    close: () => memory.unmap(),
  };
}

function readNode({ i32 }: ControlMemory, node: NodeLayout): NodeStats {
  return { node: node.plan.name, tasks: liveTasks(i32, node), capacity: node.tasks.length, isFinal: isFinal(i32, node) };
}

function readTask(memory: ControlMemory, node: NodeLayout, task: TaskLayout): TaskStats {
  const { i32, f64 } = memory;
  const { region } = task;
  const total = (index: number) => f64[(region + TASK.totalsF64) / 2 + index] as number;
  const counter = (index: number) => f64[(region + TASK.countersF64) / 2 + index] as number;
  const inHand = Atomics.load(i32, region + TASK.inHand) === 1;
  return {
    node: node.plan.name,
    taskIndex: task.index,
    state: TASK_STATES[Atomics.load(i32, region + TASK.state)] as TaskState,
    lastProgressMs: counter(COUNTER.progressMs),
    committed: total(TOTAL.commits),
    messagesIn: total(TOTAL.messagesIn),
    messagesOut: total(TOTAL.messagesOut),
    bytesIn: total(TOTAL.bytesIn),
    bytesOut: total(TOTAL.bytesOut),
    copiedBytes: counter(COUNTER.copied),
    inputWaits: counter(COUNTER.inputWaits),
    spaceWaits: counter(COUNTER.spaceWaits),
    rings: counter(COUNTER.rings),
    processUs: counter(COUNTER.processUs),
    processTimes: readProcessTimes(f64, region),
    dropped: counter(COUNTER.dropped),
    filtered: total(TOTAL.filtered),
    late: counter(COUNTER.late),
    attempts: counter(COUNTER.attempts),
    retained: retainedBy(memory, task),
    inputPending: node.inputs.length > 0 && (inHand || (node.plan.timeJoin === undefined && hasInputs(memory, node))),
    lastInHand: node.inputs.length === 0 ? undefined : f64[(region + TASK.inHandPositionF64) / 2],
    inHand: inHand ? f64[(region + TASK.inHandPositionF64) / 2] : undefined,
  };
}

function retainedBy(memory: ControlMemory, task: TaskLayout): number {
  let kept = 0;
  for (let note = 0; note < MAX_RETAINED; note += 1) {
    if (memory.i32[task.region + TASK.retained + note * RETAINED.size + RETAINED.reference] !== 0) kept += 1;
  }
  return kept;
}

/** A join by time is left out: only it knows whether what it was offered makes a group. */
function hasInputs(memory: ControlMemory, node: NodeLayout): boolean {
  return node.inputs.every((edge) => isOffered(memory, memory.layout.edges[edge] as EdgeLayout));
}

/** There is something to take; what tasks have set aside is not. */
function isOffered(memory: ControlMemory, edge: EdgeLayout): boolean {
  return someCell(memory, edge, (value) => wordState(value) === PUBLISHED);
}

function someCell(memory: ControlMemory, edge: EdgeLayout, matches: (value: number) => boolean): boolean {
  for (let index = 0; index < edge.count; index += 1) if (matches(Atomics.load(memory.i32, edge.cells + index * CELL.size))) return true;
  return false;
}

function readEdge(memory: ControlMemory, edge: EdgeLayout): EdgeStats {
  let inFlight = 0;
  let waiting = 0;
  for (let cell = edge.cells; cell < edge.cells + edge.count * CELL.size; cell += CELL.size) {
    if (wordState(Atomics.load(memory.i32, cell)) === EMPTY) continue;
    inFlight += 1;
    if (memory.i32[cell + CELL.reference] !== 0) waiting += outputCount(memory.i32[cell + CELL.count] as number);
  }
  const produced = totalOf(memory, edge, TOTAL.messagesOut);
  const acknowledged = fateOf(memory, edge, FATE.acknowledged);
  const deadLettered = fateOf(memory, edge, FATE.deadLettered);
  return {
    from: edge.plan.from,
    to: edge.plan.to,
    cells: windowOf(memory.i32, edge),
    inFlight,
    produced,
    marksProduced: totalOf(memory, edge, TOTAL.marksOut),
    acknowledged,
    deadLettered,
    // In realtime anybody may drop a message, in no commit of his: what is gone was dropped.
    dropped: isRealtime(memory) ? produced - acknowledged - deadLettered - waiting : fateOf(memory, edge, FATE.dropped),
    marks: fateOf(memory, edge, FATE.marks),
  };
}

function isRealtime({ layout }: ControlMemory): boolean {
  return layout.plan.flowType === "Realtime";
}

function totalOf({ f64, layout }: ControlMemory, edge: EdgeLayout, total: number): number {
  const { tasks } = layout.nodes[edge.from] as NodeLayout;
  return tasks.reduce((sum, { region }) => sum + (f64[(region + TASK.totalsF64) / 2 + total] as number), 0);
}

function fateOf({ f64, layout }: ControlMemory, edge: EdgeLayout, fate: number): number {
  const { tasks } = layout.nodes[edge.to] as NodeLayout;
  return tasks.reduce((sum, { index }) => sum + (f64[(edge.ledger + index * LEDGER.size + LEDGER.fatesF64) / 2 + fate] as number), 0);
}

function slotsInUse(memory: ControlMemory, task: TaskLayout): number {
  let used = 0;
  for (let entry = 0; entry < task.entries; entry += 1) {
    if (Atomics.load(memory.i32, task.slots + entry * SLOT.size + SLOT.bits) !== 0) used += 1;
  }
  return used;
}
