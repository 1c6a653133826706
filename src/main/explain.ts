/** What a run would decide, computed by the very stages that decide it: shape, then reconcile, on a host without any flow. */
import { API_VERSION, DEFAULT_NAMESPACE, type Host, type VideoFlow, type VideoFlowStatus } from "../api/kinds.js";
import { REAL_CLOCK } from "../base/clock.js";
import type { EdgePlan, Explanation, FlowDocument, NodePlan } from "../cli/world.js";
import { DESCRIPTORS } from "../components/descriptors.js";
import { reconcileFlow } from "../controller/flow/reconcile.js";
import { type FlowShape, shapeOf } from "../controller/flow/shape.js";

const METADATA = { namespace: DEFAULT_NAMESPACE, resourceVersion: "0", generation: 1, creationTimestamp: "1970-01-01T00:00:00Z" };

/**
 * Explains a flow that is valid.
 *
 * @param status of the host that would run it, as its agent reports it.
 */
export function explainFlow(document: FlowDocument, name: string, status: NonNullable<Host["status"]>): Explanation {
  const flow: VideoFlow = { ...document, metadata: { ...METADATA, ...document.metadata, uid: "explain" } };
  const host: Host = {
    apiVersion: API_VERSION,
    kind: "Host",
    metadata: { ...METADATA, name, uid: name },
    spec: { schedulable: true },
    status,
  };
  const shape = shapeOf(flow.spec, (component) => DESCRIPTORS.get(component));
  const decided = decide(flow, shape, host);
  const decisions = decided.decisions ?? [];
  const admitted = decided.conditions?.find(({ type }) => type === "Admitted");
  return {
    flow: flow.metadata.name,
    flowType: flow.spec.flowType,
    nodes: nodesOf(shape),
    edges: edgesOf(shape),
    decisions: decisions.map(({ task, deviceType, devices, message }) => ({ task, deviceType, devices, message })),
    warnings: decided.warnings ?? [...shape.warnings],
    sharedMemoryBytes: shape.memoryBytes,
    ...(admitted?.status === "False" ? { refused: admitted.message } : {}),
  };
}

function decide(flow: VideoFlow, shape: FlowShape, host: Host): VideoFlowStatus {
  const plan = reconcileFlow({
    nowMs: REAL_CLOCK.nowMs(),
    wallMs: REAL_CLOCK.wallMs(),
    flow,
    shape,
    flows: [flow],
    tasks: [],
    claims: [],
    hosts: [host],
    defaultAdmission: "Fail",
  });
  return plan.status ?? {};
}

function nodesOf({ graph }: FlowShape): NodePlan[] {
  return (graph?.nodes ?? []).flatMap(({ name, tasks, members }) =>
    members.map((member) => ({
      name: member.name,
      role: member.role,
      component: member.component,
      inputs: member.inputs,
      tasks,
      ...(member.name === name ? {} : { taskGroup: name }),
    })),
  );
}

function edgesOf({ channels }: FlowShape): EdgePlan[] {
  return channels.flatMap(({ node, channels: { inputs } }) => inputs.map(({ from, cells }) => ({ from, to: node, capacity: cells })));
}
