/** What the choice of a host is made of: what is left of a host, and what a flow needs of one. Pure. */
import type { FlowTask, Host, NewResource } from "../../api/kinds.js";
import type { FlowGraph } from "../../flow/graph.js";
import { memoryAdvice } from "../../flow/memory-advice.js";
import { requestsOf } from "./desired.js";
import { heldOn, reservedOn } from "./holding.js";
import { reservedFor, usedOf } from "./hosts.js";
import type { Observed } from "./observed.js";
import type { Candidate, Needs } from "./place.js";
import { needsOf } from "./resources.js";

/**
 * What is taken on a host.
 *
 * @param users tasks whose cores and memory count.
 * @param stale names of claims of the flow that are decided anew.
 */
export function candidateOf(host: Host, observed: Observed, users: readonly FlowTask[], stale: ReadonlySet<string> = new Set()): Candidate {
  const { flow, flows, claims, tasks } = observed;
  const taken = heldOn(host.metadata.name, flow.metadata.namespace, claims, tasks).filter(({ claim }) => !stale.has(claim));
  const used = usedOf(host.metadata.name, users);
  const reserved = reservedFor(host, observed);
  const sum = { cpu: used.cpu + reserved.cpu, memoryMiB: used.memoryMiB + reserved.memoryMiB };
  return { host, held: [...taken, ...reservedOn(host, flow, flows, claims)], used: sum, tasks: used.tasks, shmBytes: used.shmBytes };
}

/** What the flow needs of its host. @param wanted its claims. */
export function placeNeeds({ flow, shape }: Observed, graph: FlowGraph, wanted: readonly NewResource<"DeviceClaim">[]): Needs {
  const memory = { shmBytes: shape.memoryBytes, advice: (freeBytes: number) => memoryAdvice(graph, freeBytes) };
  return { ...needsOf(flow.spec), requests: requestsOf(wanted, graph), ...memory };
}
