/** What a run would decide, computed by the very stages that decide it: shape, then reconcile, on a host without any flow. */
import { LEASE_SECONDS, REACHABLE } from "../api/host-lease.js";
import { API_VERSION, DEFAULT_NAMESPACE, type Host, type VideoFlow, type VideoFlowStatus } from "../api/kinds.js";
import { REAL_CLOCK } from "../base/clock.js";
import { OperatorError } from "../base/errors.js";
import type { EdgePlan, Explanation, FlowDocument, NodePlan } from "../cli/world.js";
import { describeBuiltIn } from "../components/descriptors.js";
import type { Observed } from "../controller/flow/observed.js";
import { reconcileFlow } from "../controller/flow/reconcile.js";
import { type FlowShape, shapeOf } from "../controller/flow/shape.js";
import { judgeHosts } from "../controller/flow/verdicts.js";
import type { Silence } from "../controller/host/reach.js";
import type { Describe } from "../flow/graph.js";
import type { FlowKey } from "../store/agent-services.js";
import type { Store } from "../store/store.js";

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
  const shape = shapeOf(flow.spec, describeBuiltIn);
  return describeDecision(flow, shape, decide(flow, shape, host));
}

/** {@link explainStored} of what a store has. @throws OperatorError STORE_GONE */
export async function explainFromStore(store: Pick<Store, "get" | "list">, { namespace, name }: FlowKey): Promise<Explanation> {
  const flow = await store.get({ kind: "VideoFlow", namespace, name });
  if (flow === undefined) throw new OperatorError("STORE_GONE", { key: `VideoFlow/${namespace}/${name}` });
  return explainStored({
    nowMs: REAL_CLOCK.nowMs(),
    wallMs: REAL_CLOCK.wallMs(),
    flow,
    describe: describeBuiltIn,
    flows: await store.list("VideoFlow"),
    tasks: await store.list("FlowTask"),
    claims: await store.list("DeviceClaim"),
    hosts: await store.list("Host"),
  });
}

/** What is decided about a flow now, beside everything else that is stored; of one that was admitted, what was decided then. */
export function explainStored({
  describe,
  ...stored
}: Omit<Observed, "shape" | "defaultAdmission" | "silence"> & { readonly describe: Describe }): Explanation {
  const shape = shapeOf(stored.flow.spec, describe, true); // As agents and clusters see it.
  const observed: Observed = { ...stored, shape, silence: silenceOf(stored.hosts), defaultAdmission: "Wait" };
  const plan = reconcileFlow(observed);
  return { ...describeDecision(stored.flow, shape, plan.status ?? stored.flow.status ?? {}), hosts: judgeHosts(observed) };
}

/** What the controller has written of its hosts; since when they are silent is known to it alone. */
function silenceOf(hosts: readonly Host[]): Silence {
  const silent = hosts.filter(({ status }) => status?.conditions?.some(({ type, status: is }) => type === REACHABLE && is !== "True"));
  return new Map(silent.map(({ metadata }) => [metadata.name, LEASE_SECONDS * 1_000 + 1]));
}

function describeDecision(flow: VideoFlow, shape: FlowShape, decided: VideoFlowStatus): Explanation {
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
