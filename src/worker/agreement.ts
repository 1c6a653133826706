/**
 * What the class of a node says of itself against what the spec says of it: a task whose class disagrees does not start.
 * Knows launch and descriptors; must not know how a class was found.
 */
import { errorText, OperatorError } from "../base/errors.js";
import { ProcessorNode } from "../flow/node.js";
import type { TaskLaunch } from "./launch.js";
import type { LoadedNode } from "./load.js";

/** @throws OperatorError COMPONENT_DISAGREES. Processors know afterwards where they run. */
export function refuseDisagreement(launch: TaskLaunch, loaded: readonly LoadedNode[]): void {
  for (const node of loaded) {
    refuseRole(node);
    refuseTasks(launch, node);
    settleDevice(launch, node);
  }
  refuseTooManyHolds(launch, loaded);
}

function refuseRole({ member, descriptor }: LoadedNode): void {
  if (descriptor.role === member.role) return;
  throw disagreement(member, { what: "role", spec: member.role, found: descriptor.role });
}

/** Each task of a class that keeps state would keep a part of it. */
function refuseTasks({ nbTasks }: TaskLaunch, { member, descriptor }: LoadedNode): void {
  if (!descriptor.oneTask || nbTasks === 1) return;
  throw disagreement(member, { what: "nbTasks", spec: String(nbTasks), found: "OneTaskProcessorNode: add oneTask: true to the node" });
}

/** Tells the node where it runs; the flow that it was made from has asked it about the CPU before. */
function settleDevice({ devices }: TaskLaunch, { member, node }: LoadedNode): void {
  if (!(node instanceof ProcessorNode)) return;
  const isOnGpu = devices.length > 0;
  try {
    node.changeDevice(isOnGpu ? "gpu" : "cpu");
  } catch (error) {
    const why = errorText(error);
    if (isOnGpu) throw disagreement(member, { what: "deviceType", spec: "GPU", found: `CPU (${why})` });
    throw disagreement(member, { what: "device.required", spec: "false", found: `true (${why})` });
  }
}

/** A component that holds back more inputs than its parents have places for would wait for ever. */
function refuseTooManyHolds({ node, plan }: TaskLaunch, loaded: readonly LoadedNode[]): void {
  const holds = loaded.reduce((sum, { descriptor }) => sum + descriptor.holds, 0);
  const places = plan.edges.flatMap(({ from, to, cells }) => {
    const slots = plan.nodes.find(({ name }) => name === from)?.slots ?? 0;
    return to === node ? [Math.min(cells, slots)] : [];
  });
  const room = Math.min(...places) - 1;
  if (holds === 0 || holds <= room) return;
  const component = loaded.map(({ member }) => member.component).join(", ");
  throw disagreement({ name: node, component }, { what: "holds", spec: `at most ${room} (write holds: ${holds})`, found: String(holds) });
}

function disagreement(
  { name, component }: Pick<LoadedNode["member"], "name" | "component">,
  what: { readonly what: string; readonly spec: string; readonly found: string },
): OperatorError {
  return new OperatorError("COMPONENT_DISAGREES", { node: name, component, ...what });
}
