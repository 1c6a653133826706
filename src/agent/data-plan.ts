/** The data plane of a flow, put together from what its tasks say of their own nodes. Pure. */
import type { FlowTask } from "../api/kinds.js";
import { CELL, PLACES_PER_REPLICA, SLOTS_PER_REPLICA } from "../transport/layout.js";
import type { DataPlan, EdgePlan, NodePlan } from "../transport/plan.js";

/**
 * @param tasks all tasks of one run, in any order, at least one.
 * @returns nodes and edges in order of node name and input, the same for every order of the tasks.
 */
export function assembleDataPlan(tasks: readonly FlowTask[]): DataPlan {
  const firstOfNode = new Map(tasks.filter((task) => task.spec.index === 0).map((task) => [task.spec.node, task]));
  const heads = [...firstOfNode.values()].sort((a, b) => (a.spec.node < b.spec.node ? -1 : 1));
  return {
    version: 1,
    flowType: (heads[0] as FlowTask).spec.flowType,
    nodes: heads.map(nodePlan),
    edges: heads.flatMap(edgePlans),
  };
}

function nodePlan({ spec: { node, channels } }: FlowTask): NodePlan {
  const { tasks, capacity, slots, slotBytes, partitionBy, join, timeJoin } = channels;
  return {
    name: node,
    tasks,
    ...(capacity === tasks ? {} : { capacity }),
    inputs: channels.inputs.map((input) => input.from),
    slots,
    slotBytes,
    ...(partitionBy === undefined ? {} : { partitionBy }),
    ...(join === undefined ? {} : { join }),
    ...(timeJoin === undefined ? {} : { timeJoin }),
  };
}

function edgePlans({ spec: { node, channels } }: FlowTask): EdgePlan[] {
  return channels.inputs.map(({ from, cells, keep, releases }) => ({ from, to: node, cells, keep, releases }));
}

const CELL_BYTES = CELL.size * 4;

/**
 * Shared memory that a run may need, as its admission counts it: cells, and every message that can be live at its nominal size.
 * Each replica that was added makes room for further messages on all edges; docs/memory-layout.md says how many.
 *
 * @param tasks replicas that nodes have now, where they are not those of the plan.
 */
export function memoryBytes({ flowType, nodes, edges }: DataPlan, tasks: ReadonlyMap<string, number> = new Map()): number {
  const now = (node: NodePlan) => tasks.get(node.name) ?? node.tasks;
  const added = nodes.reduce((sum, node) => sum + Math.max(0, now(node) - node.tasks), 0);
  const pools = nodes.map((node) => {
    const ring = Math.max(0, ...edges.filter(({ from }) => from === node.name).map(({ cells }) => cells));
    const window = ring + PLACES_PER_REPLICA * added;
    const all = (node.slots + SLOTS_PER_REPLICA * added) * now(node);
    const live = flowType === "Realtime" ? all : added > 0 && now(node) > 1 ? window : Math.min(all, window);
    return node.slots === 0 ? 0 : live * node.slotBytes;
  });
  return [...pools, ...edges.map(({ cells }) => cells * CELL_BYTES)].reduce((sum, bytes) => sum + bytes, 0);
}
