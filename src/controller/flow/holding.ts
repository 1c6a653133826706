/** Which claims hold devices, and who waits for them. Pure. */
import type { DeviceClaim, FlowTask, Host, VideoFlow } from "../../api/kinds.js";
import { type HeldDevices, isSatisfiable, suitableDevices } from "../../devices/allocate.js";
import { requestOf } from "./desired.js";
import { isChosen } from "./hosts.js";
import { idOf, isFinal, isOlder, mayWait } from "./identity.js";
import { deviceHost } from "./place.js";

export { idOf, isFinal } from "./identity.js";

/** How a flow's namespace names a claim: those of other namespaces with their namespace, so that names are unique. */
function seenFrom(namespace: string, { metadata }: DeviceClaim): string {
  return metadata.namespace === namespace ? metadata.name : `${metadata.namespace}/${metadata.name}`;
}

/** What is taken on a host, as the flows of a namespace name it. A claim holds its devices until its own task of its own run is final, also before that task exists. */
export function heldOn(host: string, namespace: string, claims: readonly DeviceClaim[], tasks: readonly FlowTask[]): HeldDevices[] {
  const released = new Set(tasks.filter(isFinal).map((task) => `${idOf(task)} ${task.spec.run}`));
  return claims.flatMap((claim) => {
    const allocation = claim.status?.allocation;
    if (allocation === undefined || allocation.host !== host || released.has(`${idOf(claim)} ${claim.spec.run}`)) return [];
    const { devices, memoryMiB } = allocation;
    return [{ claim: seenFrom(namespace, claim), devices, ...(memoryMiB === undefined ? {} : { memoryMiB }) }];
  });
}

/**
 * Devices for which older flows wait: they are served in order of creation, and nobody overtakes them. A host that could
 * never serve the older flow reserves nothing for it.
 */
export function reservedOn(host: Host, flow: VideoFlow, flows: readonly VideoFlow[], claims: readonly DeviceClaim[]): HeldDevices[] {
  const waiting = claims.filter(({ spec, status }) => spec.required && status?.reason === "WaitingForDevices");
  if (waiting.length === 0) return [];
  const older = flows.filter((other) => mayWait(other) && isOlder(other, flow) && isChosen(host, other.spec.hostSelector));
  return older.flatMap((other) => {
    const own = waiting.filter(({ metadata, spec }) => idOf(other) === `${metadata.namespace}/${spec.flow}`);
    return own.length === 0 ? [] : reserve(host, flow, own);
  });
}

function reserve(host: Host, flow: VideoFlow, waiting: readonly DeviceClaim[]): HeldDevices[] {
  const there = deviceHost(host);
  const requests = waiting.map((claim, order) => requestOf(seenFrom(flow.metadata.namespace, claim), claim.spec, order));
  if (!isSatisfiable(there, requests)) return [];
  return requests.map((request) => ({ claim: request.claim, devices: suitableDevices(there, request), reserved: true }));
}
