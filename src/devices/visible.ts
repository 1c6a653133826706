/** CUDA_VISIBLE_DEVICES as the driver reads it: the universe of what an agent may grant. */
import type { HostDevice } from "../api/kinds.js";

/**
 * The devices that the variable leaves visible.
 *
 * As the CUDA driver does: entries are indices or prefixes of UUIDs (`GPU-…`, `MIG-…`); the list ends before the first
 * entry that names no device, more than one, or one that was named already. Its order is kept.
 *
 * @param value the variable; undefined: all devices, "" : none.
 */
export function visibleDevices(value: string | undefined, devices: readonly HostDevice[]): HostDevice[] {
  if (value === undefined) return [...devices];
  const visible: HostDevice[] = [];
  for (const entry of value.split(",")) {
    const device = named(entry.trim(), devices);
    if (device === undefined || visible.includes(device)) break;
    visible.push(device);
  }
  return visible;
}

function named(entry: string, devices: readonly HostDevice[]): HostDevice | undefined {
  if (/^\d+$/.test(entry)) return byIndex(Number(entry), devices);
  if (entry === "") return undefined;
  const found = devices.filter(({ uuid }) => uuid.toLowerCase().startsWith(entry.toLowerCase()));
  return found.length === 1 ? found[0] : undefined;
}

/** Indices count whole GPUs in PCI bus order; a MIG instance has none. */
function byIndex(index: number, devices: readonly HostDevice[]): HostDevice | undefined {
  const whole = devices.filter(({ parent }) => parent === undefined);
  return whole.find((device, position) => (device.index ?? position) === index);
}
