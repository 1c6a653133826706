/** The data plane of a flow, put together from what its tasks say of their own nodes. Pure. */
import { memoryBytes as countBytes } from "../api/channel-memory.js";
import type { FlowTask } from "../api/kinds.js";
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

/**
 * Shared memory that a run may need, as its admission counts it.
 *
 * @param tasks replicas that nodes have now, where they are not those of the plan.
 */
export function memoryBytes({ flowType, nodes, edges }: DataPlan, tasks: ReadonlyMap<string, number> = new Map()): number {
  const counted = nodes.map((node) => {
    const inputs = edges.filter(({ to }) => to === node.name);
    return { name: node.name, tasks: tasks.get(node.name) ?? node.tasks, channels: { ...node, inputs } };
  });
  return countBytes(flowType, counted);
}
