/** Where the devices of a machine are read. */
import type { HostDevice } from "../api/kinds.js";

/** What a look at the machine found. */
export interface DeviceInventory {
  /** "nvidia", "static" or "none". */
  readonly provider: string;
  /** In the order of the machine (PCI bus), not yet cut down by CUDA_VISIBLE_DEVICES. */
  readonly devices: readonly HostDevice[];
  /** Why there are none, or what was wrong. */
  readonly message?: string;
}

export interface DeviceProvider {
  /** Looks at the machine; what it cannot read becomes a message, never an error. */
  list(): Promise<DeviceInventory>;
}
