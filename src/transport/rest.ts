/** Whether anything moves in a flow: what a change of its topology waits for. */
import type { ControlMemory } from "./files.js";
import { CELL, type EdgeLayout, type NodeLayout, TASK, type TaskLayout } from "./layout.js";
import type { Rest } from "./port.js";
import { startedTasks } from "./replicas.js";
import { EMPTY, TAKEN, wordState, wordTask } from "./words.js";

/**
 * @returns free: no message is under way and no task has anything in hand. held: nothing moves, but consumers have set inputs aside,
 *   or a join by time waits for partners; once the tasks made way it may be free. moving: wait. Stays what it is
 *   while producers are paused.
 */
export function restOf(memory: ControlMemory): Rest {
  const { i32, layout } = memory;
  const tasks = layout.nodes.flatMap((node) => startedTasks(i32, node));
  if (tasks.some((task) => isBusy(memory, task))) return "moving";
  const rests = layout.edges.map((edge) => restOfEdge(memory, edge));
  if (tasks.some((task) => isBusy(memory, task))) return "moving"; // It took something while we looked.
  return rests.find((rest) => rest === "moving") ?? rests.find((rest) => rest === "held") ?? "free";
}

/** It has a unit in hand, is about to produce, or died in the middle of a commit. */
function isBusy({ i32 }: ControlMemory, { region }: TaskLayout): boolean {
  const unfinished = Atomics.load(i32, region + TASK.commit) !== Atomics.load(i32, region + TASK.applied);
  return unfinished || Atomics.load(i32, region + TASK.inHand) !== 0 || Atomics.load(i32, region + TASK.producing) !== 0;
}

function restOfEdge({ i32, layout }: ControlMemory, edge: EdgeLayout): Rest {
  const waits = (layout.nodes[edge.to] as NodeLayout).plan.timeJoin !== undefined;
  let rest: Rest = "free";
  for (let cell = edge.cells; cell < edge.cells + edge.count * CELL.size; cell += CELL.size) {
    const found = Atomics.load(i32, cell);
    if (wordState(found) === EMPTY && wordTask(found) === 0) continue;
    if (wordState(found) !== TAKEN && !waits) return "moving";
    rest = "held";
  }
  return rest;
}
