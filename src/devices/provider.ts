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
  /** Who computes on them now, as far as it is known. */
  readonly processes?: readonly ComputeProcess[];
}

/** A process that computes on a device. */
export interface ComputeProcess {
  /** Of the device. */
  readonly uuid: string;
  readonly pid: number;
  readonly name: string;
  readonly usedMiB: number | undefined;
}

/** What a device does at this moment: a measurement, for metrics and `top`, never for decisions. */
export interface DeviceReading {
  readonly uuid: string;
  /** 0 to 100; absent: the device does not tell. */
  readonly utilizationPercent?: number;
  readonly memoryUsedMiB?: number;
}

/** One look at what the devices do. */
export interface DeviceReadings {
  readonly devices: readonly DeviceReading[];
  readonly processes: readonly ComputeProcess[];
}

export const NO_READINGS: DeviceReadings = { devices: [], processes: [] };

export interface DeviceProvider {
  /** Looks at the machine; what it cannot read becomes a message, never an error. */
  list(): Promise<DeviceInventory>;
  /** Measures all devices; nothing where the provider cannot. Never throws. */
  readings?(): Promise<DeviceReadings>;
}
