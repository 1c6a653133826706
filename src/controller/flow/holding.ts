/** Which claims hold devices, and who waits for them. Pure. */
import type { DeviceClaim, FlowTask, VideoFlow } from "../../api/kinds.js";
import { type DeviceHost, type HeldDevices, suitableDevices } from "../../devices/allocate.js";

const FINAL = new Set<string | undefined>(["Succeeded", "Failed", "Stopped"]);

/** Its agent says that the process tree is proved dead, and will not start it again. */
export function isFinal(task: FlowTask): boolean {
  return FINAL.has(task.status?.phase);
}

/** `namespace/name`: what a claim and its task have in common. */
export function idOf({ metadata }: { readonly metadata: { readonly namespace: string; readonly name: string } }): string {
  return `${metadata.namespace}/${metadata.name}`;
}

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

/** Devices for which older flows wait: they are served in order of creation, and nobody overtakes them. */
export function reservedOn(host: DeviceHost, flow: VideoFlow, flows: readonly VideoFlow[], claims: readonly DeviceClaim[]): HeldDevices[] {
  const older = new Set(flows.filter((other) => mayWait(other) && isOlder(other, flow)).map(idOf));
  return claims
    .filter(
      ({ metadata, spec, status }) =>
        spec.required && status?.reason === "WaitingForDevices" && older.has(`${metadata.namespace}/${spec.flow}`),
    )
    .map((claim) => ({ claim: seenFrom(flow.metadata.namespace, claim), devices: suitableDevices(host, claim.spec), reserved: true }));
}

function mayWait({ metadata, spec, status }: VideoFlow): boolean {
  return metadata.deletionTimestamp === undefined && spec.desiredState === "Running" && status?.state !== "Failed";
}

/** By creation, then by name. */
function isOlder(a: VideoFlow, b: VideoFlow): boolean {
  const [timeA, timeB] = [a.metadata.creationTimestamp, b.metadata.creationTimestamp];
  return timeA === timeB ? idOf(a) < idOf(b) : timeA < timeB;
}
