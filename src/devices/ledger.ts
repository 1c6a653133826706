/** Who has what of a host's devices: the bookkeeping inside one allocation. */
import type { HostDevice } from "../api/kinds.js";
import type { DeviceHost, DeviceRequest, HeldDevices } from "./allocate.js";

/** One holder of one device. */
interface Hold {
  readonly claim: string;
  /** undefined: the whole device. */
  readonly memoryMiB: number | undefined;
  readonly reserved: boolean;
}

/** What a device is doing, for people. */
export interface DeviceUse {
  readonly device: HostDevice;
  readonly state: "Free" | "Held" | "Unhealthy";
  /** Claims that hold it or a part of it. */
  readonly by: readonly string[];
  /** Shared holders: memory that is left, in MiB. */
  readonly freeMiB: number;
  /** "held by f.detector.0, reserved for g.face.0", "busy: pid 812, python, 300 MiB". */
  readonly text: string;
}

export class Ledger {
  readonly #devices: readonly HostDevice[];
  readonly #holds: Map<string, Hold[]>;
  /** UUID to the GPU that it is part of, or to its instances: they are the same memory. */
  readonly #related: ReadonlyMap<string, readonly HostDevice[]>;

  constructor(host: DeviceHost, held: readonly HeldDevices[] = []) {
    this.#devices = host.devices;
    this.#holds = new Map(host.devices.map(({ uuid }) => [uuid, []]));
    this.#related = relatives(host.devices);
    for (const { claim, devices, memoryMiB, reserved } of held.toSorted(byClaim)) {
      for (const uuid of devices) this.#add(uuid, { claim, memoryMiB, reserved: reserved === true });
    }
  }

  /** Whether the device could be granted now. */
  fits(device: HostDevice, request: DeviceRequest): boolean {
    if (!device.healthy || !suits(device, request)) return false;
    if (this.#relativesOf(device).some(({ uuid }) => this.#holdsOf(uuid).length > 0)) return false;
    const holds = this.#holdsOf(device.uuid);
    const needMiB = sharedMiB(request);
    if (needMiB === undefined) return holds.length === 0;
    return holds.every(({ memoryMiB }) => memoryMiB !== undefined) && this.#freeMiB(device) >= needMiB;
  }

  grant(uuid: string, request: DeviceRequest): void {
    this.#add(uuid, { claim: request.claim, memoryMiB: sharedMiB(request), reserved: false });
  }

  /** Takes back the last grant of a device. */
  revoke(uuid: string): void {
    this.#holds.get(uuid)?.pop();
  }

  /** Devices of one kind are interchangeable now: the same product and memory, and the same part of it taken. */
  kindOf(device: HostDevice): string {
    if (this.#relativesOf(device).length > 0) return device.uuid;
    const whole = this.#holdsOf(device.uuid).some(({ memoryMiB }) => memoryMiB === undefined);
    return `${device.memoryMiB} ${whole ? "whole" : this.#freeMiB(device)} ${device.healthy} ${device.product}`;
  }

  /** Devices that the request could have now. */
  free(request: DeviceRequest): readonly HostDevice[] {
    return this.#devices.filter((device) => this.fits(device, request));
  }

  uses(): readonly DeviceUse[] {
    return this.#devices.map((device) => this.#use(device));
  }

  #use(device: HostDevice): DeviceUse {
    const holds = [device, ...this.#relativesOf(device)].flatMap(({ uuid }) => this.#holdsOf(uuid));
    const by = holds.map(({ claim }) => claim);
    const freeMiB = this.#freeMiB(device);
    if (!device.healthy) return { device, state: "Unhealthy", by, freeMiB: 0, text: device.message ?? "unhealthy" };
    if (by.length === 0) return { device, state: "Free", by, freeMiB, text: "free" };
    const rest = holds.every(({ memoryMiB }) => memoryMiB !== undefined) ? `, ${freeMiB} of ${device.memoryMiB} MiB left` : "";
    return { device, state: "Held", by, freeMiB, text: holdersText(holds) + rest };
  }

  #add(uuid: string, hold: Hold): void {
    this.#holds.get(uuid)?.push(hold);
  }

  #holdsOf(uuid: string): readonly Hold[] {
    return this.#holds.get(uuid) ?? [];
  }

  #freeMiB(device: HostDevice): number {
    const used = this.#holdsOf(device.uuid).reduce((sum, { memoryMiB }) => sum + (memoryMiB ?? device.memoryMiB), 0);
    return Math.max(0, device.memoryMiB - used);
  }

  #relativesOf({ uuid }: HostDevice): readonly HostDevice[] {
    return this.#related.get(uuid) ?? [];
  }
}

/** "held by f.detector.0, reserved for g.face.0, g.face.1" */
function holdersText(holds: readonly Hold[]): string {
  const names = (isReserved: boolean) => [...new Set(holds.filter(({ reserved }) => reserved === isReserved).map(({ claim }) => claim))];
  const parts = [
    ["held by", names(false)],
    ["reserved for", names(true)],
  ] as const;
  return parts.flatMap(([verb, claims]) => (claims.length === 0 ? [] : `${verb} ${claims.join(", ")}`)).join(", ");
}

/** So that what is said of a device does not depend on the order in which its holders were listed. */
function byClaim(a: HeldDevices, b: HeldDevices): number {
  return a.claim < b.claim ? -1 : a.claim > b.claim ? 1 : 0;
}

function relatives(devices: readonly HostDevice[]): ReadonlyMap<string, readonly HostDevice[]> {
  if (devices.every(({ parent }) => parent === undefined)) return new Map();
  return new Map(
    devices.map((device) => [
      device.uuid,
      devices.filter(({ uuid, parent }) => uuid !== device.uuid && (uuid === device.parent || parent === device.uuid)),
    ]),
  );
}

/** Memory that a shared request takes of each device; undefined: it takes the whole device. Without a size nothing can be shared. */
export function sharedMiB(request: Pick<DeviceRequest, "sharing" | "memoryMiB">): number | undefined {
  return request.sharing === "Shared" ? request.memoryMiB : undefined;
}

/** Whether the device is of the kind that is asked for, free or not. */
export function suits(device: HostDevice, { product, memoryMiB }: Pick<DeviceRequest, "product" | "memoryMiB">): boolean {
  if (product !== undefined && !device.product.toLowerCase().includes(product.toLowerCase())) return false;
  return device.memoryMiB >= (memoryMiB ?? 0);
}
