/** Scenes for the allocator from a seed, an oracle that tries everything, and shrinking of what fails. */
import type { HostDevice } from "../../src/api/kinds.js";
import { Prng } from "../../src/base/prng.js";
import { type Allocation, allocateDevices, type DeviceRequest, type HeldDevices } from "../../src/devices/allocate.js";

export interface Scene {
  readonly devices: readonly HostDevice[];
  /** What others hold: what the allocator gave them before. */
  readonly held: readonly HeldDevices[];
  readonly requests: readonly DeviceRequest[];
}

export const allocate = ({ devices, held, requests }: Scene): Allocation => allocateDevices({ name: "h", devices }, held, requests);

export function holdsOf({ decisions }: Allocation): HeldDevices[] {
  return decisions
    .filter(({ reason }) => reason === "Allocated")
    .map(({ claim, devices, memoryMiB }) => ({ claim, devices, ...(memoryMiB === undefined ? {} : { memoryMiB }) }));
}

/** Few sizes and products, so that ties, exact fits and collisions are common; up to 8 devices and 8 requests. */
export function sceneOf(seed: number): Scene {
  const prng = new Prng(seed);
  const sizes = prng.range(1, 8);
  const devices = Array.from({ length: prng.range(0, 8) }, (_, index) => deviceOf(prng, index, sizes));
  const others = requestsOf(prng, "other", prng.range(0, 4), sizes).map((other) => ({ ...other, required: false }));
  const held = holdsOf(allocateDevices({ name: "h", devices: devices.map((device) => ({ ...device, healthy: true })) }, [], others));
  return { devices, held, requests: requestsOf(prng, "f", prng.range(1, 8), sizes) };
}

function deviceOf(prng: Prng, index: number, sizes: number): HostDevice {
  const parent = index > 0 && prng.chance(0.15) ? { parent: "GPU-0" } : {};
  return { uuid: `GPU-${index}`, memoryMiB: prng.range(1, sizes), product: prng.pick(["A", "B"]), healthy: prng.chance(0.85), ...parent };
}

function requestsOf(prng: Prng, prefix: string, length: number, sizes: number): DeviceRequest[] {
  const required = prng.next();
  return Array.from({ length }, (_, index) => ({
    ...{ claim: `${prefix}.${index}`, node: `n${index >> 1}`, index, order: prng.range(0, 2) },
    ...{ required: prng.chance(required), count: prng.chance(0.75) ? 1 : prng.range(2, 3) },
    sharing: prng.chance(0.5) ? ("Exclusive" as const) : ("Shared" as const),
    ...(prng.chance(0.6) ? { memoryMiB: prng.range(1, sizes) } : {}),
    ...(prng.chance(0.3) ? { product: prng.pick(["a", "B"]) } : {}),
  }));
}

/**
 * Whether there is any way to serve all requests at once, found by trying everything; it shares no code with the allocator.
 *
 * @param taken holds to begin with.
 */
export function anyWay(devices: readonly HostDevice[], taken: readonly HeldDevices[], requests: readonly DeviceRequest[]): boolean {
  const left = devices.map((device) => leftOf(device, taken));
  const seen = new Set<string>();
  const serve = (at: number): boolean => {
    const request = requests[at];
    if (request === undefined) return true;
    const state = `${at} ${left.join()}`;
    if (seen.has(state)) return false;
    seen.add(state);
    return choose(request, at, request.count, 0);
  };
  const choose = (request: DeviceRequest, at: number, more: number, from: number): boolean => {
    if (more === 0) return serve(at + 1);
    for (let index = from; index < devices.length; index += 1) {
      const before = left[index] as number;
      const after = takenFrom(devices, left, index, request);
      if (after === undefined) continue;
      left[index] = after;
      if (choose(request, at, more - 1, index + 1)) return true;
      left[index] = before;
    }
    return false;
  };
  return serve(0);
}

/** Memory that is left of a device; -1: taken as a whole; equal to its memory: free. */
function leftOf({ uuid, memoryMiB }: HostDevice, taken: readonly HeldDevices[]): number {
  const holds = taken.filter(({ devices }) => devices.includes(uuid));
  if (holds.some((hold) => hold.memoryMiB === undefined)) return -1;
  return memoryMiB - holds.reduce((sum, hold) => sum + (hold.memoryMiB ?? 0), 0);
}

/** What would be left of the device after the request took its part; undefined: it cannot. */
function takenFrom(devices: readonly HostDevice[], left: readonly number[], index: number, request: DeviceRequest): number | undefined {
  const device = devices[index] as HostDevice;
  const free = left[index] as number;
  const wanted = request.memoryMiB ?? 0;
  if (!device.healthy || device.memoryMiB < wanted) return undefined;
  if (!device.product.toLowerCase().includes((request.product ?? "").toLowerCase())) return undefined;
  const isRelative = ({ uuid, parent }: HostDevice) => (uuid !== device.uuid && uuid === device.parent) || parent === device.uuid;
  if (devices.some((other, at) => isRelative(other) && left[at] !== other.memoryMiB)) return undefined;
  if (request.sharing === "Shared" && request.memoryMiB !== undefined) return free >= wanted ? free - wanted : undefined;
  return free === device.memoryMiB ? -1 : undefined;
}

/**
 * Looks at many scenes. Only what fails is shrunk: parts are left out as long as it still fails.
 *
 * @param check throws, or returns a sentence, when the scene breaks a rule.
 * @throws Error with the seed and the smallest scene found.
 */
export function checkScenes(count: number, first: number, check: (scene: Scene) => string | undefined): void {
  for (let seed = first; seed < first + count; seed += 1) {
    const scene = sceneOf(seed);
    if (outcome(check, scene) === undefined) continue;
    const small = shrink(check, scene);
    throw new Error(`seed ${seed}: ${outcome(check, small)}\n${JSON.stringify(small)}\n${JSON.stringify(allocate(small).decisions)}`);
  }
}

function outcome(check: (scene: Scene) => string | undefined, scene: Scene): string | undefined {
  try {
    return check(scene);
  } catch (error) {
    return String(error);
  }
}

function shrink(check: (scene: Scene) => string | undefined, scene: Scene): Scene {
  const smaller = [...without(scene)].find((candidate) => outcome(check, candidate) !== undefined);
  return smaller === undefined ? scene : shrink(check, smaller);
}

function* without({ devices, held, requests }: Scene): Generator<Scene> {
  for (const at of requests.keys()) if (requests.length > 1) yield { devices, held, requests: requests.toSpliced(at, 1) };
  for (const at of held.keys()) yield { devices, held: held.toSpliced(at, 1), requests };
  for (const [at, { uuid }] of devices.entries()) {
    const rest = held.map((hold) => ({ ...hold, devices: hold.devices.filter((other) => other !== uuid) }));
    yield { devices: devices.toSpliced(at, 1), held: rest, requests };
  }
}
