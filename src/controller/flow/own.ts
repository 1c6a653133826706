/** What belongs to a flow among all objects. Pure. */
import type { DeviceClaim, FlowTask, VideoFlow } from "../../api/kinds.js";

export interface Own {
  readonly tasks: readonly FlowTask[];
  readonly claims: readonly DeviceClaim[];
}

/** By name, not by uid: what an earlier flow of this name left behind is in the way and must be dealt with. */
export function ownOf(flow: Pick<VideoFlow, "metadata">, tasks: readonly FlowTask[], claims: readonly DeviceClaim[]): Own {
  const { namespace, name } = flow.metadata;
  const isOwn = ({ metadata, spec }: FlowTask | DeviceClaim) => metadata.namespace === namespace && spec.flow === name;
  return { tasks: tasks.filter(isOwn).toSorted(byName), claims: claims.filter(isOwn).toSorted(byName) };
}

function byName(a: { metadata: { name: string } }, b: { metadata: { name: string } }): number {
  return a.metadata.name < b.metadata.name ? -1 : 1;
}
