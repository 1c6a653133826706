/** A hash of a graph's shape, by which a worker finds out that the flow's module still builds the graph that was started. */
import type { VideoFlowSpec } from "../api/kinds.js";
import { sha256 } from "../base/sha256.js";

/** Names, roles, components and inputs count; params, tasks and devices do not. The order of the nodes does not matter. 16 hex digits. */
export function graphHash(spec: Pick<VideoFlowSpec, "nodes">): string {
  const shape = spec.nodes.map(({ name, role, component, inputs }) => JSON.stringify([name, role, component, inputs])).toSorted();
  return sha256(shape.join("\n")).toString("hex", 0, 8);
}
