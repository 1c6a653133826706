/** Names, ends and ages of objects, for all decisions about flows. Pure. */
import type { FlowTask, VideoFlow } from "../../api/kinds.js";

const FINAL = new Set<string | undefined>(["Succeeded", "Failed", "Stopped"]);

/** Its agent says that the process tree is proved dead, and will not start it again. */
export function isFinal(task: FlowTask): boolean {
  return FINAL.has(task.status?.phase);
}

/** `namespace/name`: what a claim and its task have in common. */
export function idOf({ metadata }: { readonly metadata: { readonly namespace: string; readonly name: string } }): string {
  return `${metadata.namespace}/${metadata.name}`;
}

/** It has not given up and is wanted. */
export function mayWait({ metadata, spec, status }: VideoFlow): boolean {
  return metadata.deletionTimestamp === undefined && spec.desiredState === "Running" && status?.state !== "Failed";
}

/** By creation, then by name. */
export function isOlder(a: VideoFlow, b: VideoFlow): boolean {
  const [timeA, timeB] = [a.metadata.creationTimestamp, b.metadata.creationTimestamp];
  return timeA === timeB ? idOf(a) < idOf(b) : timeA < timeB;
}
