/** Plans for one flow, in a few words; and what there is once a plan was made true. */
import type { DeviceClaim, FlowTask, FlowTaskStatus, Host, NodeSpec, VideoFlow } from "../../src/api/kinds.js";
import { conditionOf } from "../../src/controller/flow/conditions.js";
import type { Change, Observed, Plan } from "../../src/controller/flow/observed.js";
import { reconcileFlow } from "../../src/controller/flow/reconcile.js";
import { shapeOf } from "../../src/controller/flow/shape.js";
import { aChain, aFlow, aFlowSpec, aHost, asStored, describeComponent } from "./builders.js";

export const NOW_MS = 1_000_000;

export interface Scene {
  readonly flow?: VideoFlow;
  readonly tasks?: FlowTask[];
  readonly claims?: DeviceClaim[];
  readonly hosts?: Host[];
  readonly given?: Partial<Observed>;
}

export function planOf({ flow = aFlow(), tasks = [], claims = [], hosts = [aHost("h")], given = {} }: Scene): Plan {
  const shape = shapeOf(flow.spec, describeComponent);
  return reconcileFlow({
    nowMs: NOW_MS,
    wallMs: NOW_MS,
    flow,
    shape,
    flows: [flow],
    tasks,
    claims,
    hosts,
    defaultAdmission: "Fail",
    ...given,
  });
}

/** A change in a few words. */
export function words(change: Change): string {
  switch (change.op) {
    case "setFinalizers":
      return `finalizers ${change.object.metadata.name} [${change.finalizers.join()}]`;
    case "createClaim":
      return `create claim ${change.claim.metadata.name}`;
    case "createTask":
      return `create ${change.task.metadata.name} ${change.task.spec.deviceType}`;
    case "decideClaim":
      return `decide ${change.claim} ${change.status.allocation?.devices.join() ?? change.status.reason}`;
    case "deleteClaim":
      return `delete claim ${change.claim.metadata.name}`;
    case "updateClaim":
      return `update claim ${change.claim.metadata.name}`;
    case "updateTask":
      return `update ${change.task.metadata.name} ${change.spec.desiredState}${change.spec.templateHash === change.task.spec.templateHash ? "" : " anew"}`;
    default:
      return `${change.op === "stopTask" ? "stop" : "delete"} ${change.task.metadata.name}`;
  }
}

export const changes = (plan: Plan) => plan.changes.map(words);
export const condition = (plan: Plan, type: string) => {
  const found = conditionOf(type, plan.status?.conditions);
  return `${found?.status} ${found?.reason}`;
};
export const decisions = (plan: Plan) =>
  plan.status?.decisions?.map(({ task, deviceType, devices: uuids }) => `${task} ${uuids.join() || deviceType}`);

/** Applies a plan to objects in memory, then again, until nothing changes. @returns what there is then. */
export function settle(scene: Scene, phase: FlowTaskStatus["phase"] = "Running") {
  const first = planOf(scene);
  const statuses = new Map(
    first.changes.flatMap((change) => (change.op === "decideClaim" ? [[change.claim, change.status] as const] : [])),
  );
  const claims = first.changes
    .flatMap((change) => (change.op === "createClaim" ? [asStored(change.claim)] : []))
    .map((claim) => ({ ...claim, status: statuses.get(claim.metadata.name) ?? {} }));
  const tasks = first.changes
    .flatMap((change) => (change.op === "createTask" ? [asStored(change.task)] : []))
    .map((task) => ({ ...task, ...(phase === undefined ? {} : { status: { phase } }) }));
  const flow = { ...(scene.flow ?? aFlow()), ...(first.status === undefined ? {} : { status: first.status }) };
  return { ...scene, flow, tasks, claims };
}

export const withStatus = (tasks: readonly FlowTask[], name: string, status: FlowTaskStatus) =>
  tasks.map((task) => (task.metadata.name === name ? { ...task, status } : task));
export const spec = (...processors: NodeSpec[]) => aFlowSpec(aChain(...processors));
