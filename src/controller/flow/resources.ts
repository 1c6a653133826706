/** What the tasks of a flow ask of their host: cores and memory. Pure. */
import type { FlowTask, NodeSpec, VideoFlowSpec } from "../../api/kinds.js";
import { memoryMiBOf } from "../../devices/quantity.js";

type TaskResources = NonNullable<FlowTask["spec"]["resources"]>;

/** What one task asks for whose process runs these nodes; undefined: nothing. */
export function resourcesOf(members: readonly NodeSpec[]): TaskResources | undefined {
  const cpu = members.reduce((sum, { resources }) => sum + coresOf(resources?.cpu), 0);
  const memoryMiB = members.reduce((sum, { resources }) => sum + (memoryMiBOf(resources?.memory ?? "") ?? 0), 0);
  if (cpu === 0 && memoryMiB === 0) return undefined;
  return { ...(cpu === 0 ? {} : { cpu }), ...(memoryMiB === 0 ? {} : { memoryMiB }) };
}

/** What all tasks of a flow ask for together. */
export function needsOf({ nodes }: Pick<VideoFlowSpec, "nodes">): { readonly cpu: number; readonly memoryMiB: number } {
  const all = nodes.map((node) => ({ tasks: node.oneTask || node.role !== "Processor" ? 1 : node.nbTasks, own: resourcesOf([node]) }));
  return {
    cpu: all.reduce((sum, { tasks, own }) => sum + tasks * (own?.cpu ?? 0), 0),
    memoryMiB: all.reduce((sum, { tasks, own }) => sum + tasks * (own?.memoryMiB ?? 0), 0),
  };
}

/** "500m" and "0.5" are half a core. */
export function coresOf(quantity: string | undefined): number {
  if (quantity === undefined) return 0;
  return quantity.endsWith("m") ? Number(quantity.slice(0, -1)) / 1_000 : Number(quantity);
}
