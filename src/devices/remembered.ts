/** Keeps devices in mind that were seen once: one that vanishes is tainted and not forgotten, for a task may have it. */
import type { HostDevice } from "../api/kinds.js";
import { type DeviceInventory, type DeviceProvider, NO_READINGS } from "./provider.js";

/** A provider whose list never loses a device, and never gives another device its index. */
export function remembering(provider: DeviceProvider): DeviceProvider {
  let known: readonly HostDevice[] = [];
  let name = "none";
  return {
    ...(provider.readings === undefined ? {} : { readings: () => provider.readings?.() ?? Promise.resolve(NO_READINGS) }),
    list: async () => {
      const inventory = await provider.list();
      known = withLost(known, inventory);
      if (inventory.provider !== "none") name = inventory.provider;
      return { ...inventory, provider: known.length === 0 ? inventory.provider : name, devices: known };
    },
  };
}

/** What is known after another look. Pure. */
export function withLost(known: readonly HostDevice[], { devices, message }: DeviceInventory): HostDevice[] {
  const now = new Map(devices.map((device) => [device.uuid, device]));
  const old = known.map((device) => {
    const seen = now.get(device.uuid);
    return seen === undefined ? lost(device, message) : sameIndex(device, seen);
  });
  const fresh = devices.filter(({ uuid }) => !known.some((device) => device.uuid === uuid));
  const next = Math.max(-1, ...known.map(({ index }) => index ?? -1)) + 1;
  const numbered =
    known.length === 0 ? fresh : fresh.map((device, at) => (device.index === undefined ? device : { ...device, index: next + at }));
  return [...old, ...numbered];
}

function lost(device: HostDevice, why: string | undefined): HostDevice {
  return {
    ...device,
    healthy: false,
    reason: "Lost",
    message: `vanished${why === undefined ? ": it is not listed any more" : `: ${why}`}`,
  };
}

/** Its memory stays known while it cannot be read, so that what it could give is not called impossible. */
function sameIndex(before: HostDevice, now: HostDevice): HostDevice {
  const readable = now.reason === "Unreadable" ? { memoryMiB: before.memoryMiB, product: before.product } : {};
  return { ...now, ...readable, ...(before.index === undefined ? {} : { index: before.index }) };
}
