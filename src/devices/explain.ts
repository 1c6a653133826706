/** The allocator's decisions in sentences with numbers. */
import type { DeviceHost, DeviceRequest } from "./allocate.js";
import { type Ledger, suits } from "./ledger.js";

/** The host before and after the decision. */
export interface Scene {
  readonly host: DeviceHost;
  readonly before: Ledger;
  readonly after: Ledger;
}

type Granted = ReadonlyMap<string, readonly string[]>;

/** Node name to its sentence: "node detector needs 4 GPUs, host edge-1 has 1 free: 1 task on GPU-1f2e…, 3 on CPU". */
export function nodeSummaries(scene: Scene, ordered: readonly DeviceRequest[], granted: Granted): Map<string, string> {
  return new Map(
    byNode(ordered).map(([node, requests]) => {
      const onGpu = requests.filter(({ claim }) => granted.has(claim));
      const devices = onGpu.flatMap(({ claim }) => granted.get(claim) ?? []).map(shortUuid);
      const onCpu = requests.length - onGpu.length;
      const outcome = [
        ...(onGpu.length === 0 ? [] : [`${tasks(onGpu.length)} on ${devices.join(", ")}`]),
        ...(onCpu === 0 ? [] : [`${onGpu.length === 0 ? tasks(onCpu) : onCpu} on CPU`]),
      ].join(", ");
      const taken = onCpu === 0 ? "" : othersText(scene, requests, granted);
      return [node, `${needText(scene, node, requests, granted)}: ${outcome}${taken}`];
    }),
  );
}

/** Node name to why the flow is refused. @param isForever waiting cannot help: what the host has at all is said too. */
export function refusals(scene: Scene, required: readonly DeviceRequest[], isForever: boolean): Map<string, string> {
  const none: Granted = new Map();
  return new Map(
    byNode(required).map(([node, requests]) => {
      const all = scene.host.devices.filter((device) => requests.some((request) => suits(device, request))).length;
      const ofAll = isForever && all > 0 ? ` of ${all}` : "";
      return [node, needText(scene, node, requests, none) + ofAll + othersText(scene, requests, none)];
    }),
  );
}

/** `GPU-1f2e3d4c-…` as people quote it. */
export function shortUuid(uuid: string): string {
  return uuid.length > 16 ? `${uuid.slice(0, 12)}…` : uuid;
}

function needText({ host, before }: Scene, node: string, requests: readonly DeviceRequest[], granted: Granted): string {
  const [first] = requests;
  const own = new Set(requests.map(({ claim }) => claim));
  const kept = before.uses().filter(({ by }) => by.some((claim) => own.has(claim) && granted.has(claim))).length;
  const free = first === undefined ? 0 : before.free(first).length + kept;
  const needed = requests.reduce((sum, { count }) => sum + count, 0);
  return `node ${node} needs ${needed} ${needed === 1 ? "GPU" : "GPUs"}${wanted(first)}, host ${host.name} has ${free} free`;
}

/** " of 8192 MiB, product H100". */
function wanted(request: DeviceRequest | undefined): string {
  const memory =
    request?.memoryMiB === undefined ? "" : ` with ${request.sharing === "Shared" ? "a share of " : ""}${request.memoryMiB} MiB`;
  return memory + (request?.product === undefined ? "" : ` of product ${request.product}`);
}

/** Why the others cannot be had: " (GPU-1 held by other.detector.0; GPU-2 is T4 with 4096 MiB; GPU-3 busy: pid 7, python, 300 MiB)". */
function othersText({ after }: Scene, requests: readonly DeviceRequest[], granted: Granted): string {
  const [first] = requests;
  const own = new Set(requests.map(({ claim }) => claim).filter((claim) => granted.has(claim)));
  const texts = after.uses().flatMap(({ device, state, by, text }) => {
    if (by.some((claim) => own.has(claim))) return [];
    if (first !== undefined && !suits(device, first)) return `${shortUuid(device.uuid)} is ${device.product} with ${device.memoryMiB} MiB`;
    return state === "Free" ? [] : `${shortUuid(device.uuid)} ${text}`;
  });
  return texts.length === 0 ? "" : ` (${texts.join("; ")})`;
}

function byNode(requests: readonly DeviceRequest[]): [string, DeviceRequest[]][] {
  const nodes = new Map<string, DeviceRequest[]>();
  for (const request of requests) nodes.set(request.node, [...(nodes.get(request.node) ?? []), request]);
  return [...nodes];
}

function tasks(count: number): string {
  return count === 1 ? "1 task" : `${count} tasks`;
}
