/** The provider that a machine needs. */
import { type NvidiaOptions, NvidiaProvider } from "./nvidia-provider.js";
import { type DeviceInventory, type DeviceProvider, NO_READINGS } from "./provider.js";
import { remembering } from "./remembered.js";
import { StaticProvider } from "./static-provider.js";
import { visibleDevices } from "./visible.js";

export interface DeviceOptions extends NvidiaOptions {
  /** `--devices FILE`: replaces what the machine has. */
  readonly file?: string;
  /** The agent's own CUDA_VISIBLE_DEVICES. */
  readonly visible?: string;
  /** Why that list is what it is. */
  readonly message?: string;
}

/** What an agent may grant: the machine's devices, cut down by its own CUDA_VISIBLE_DEVICES. */
export function deviceProvider(options: DeviceOptions = {}): DeviceProvider {
  const whole = options.file === undefined ? new NvidiaProvider(options) : new StaticProvider(options.file);
  const remembered = remembering(whole);
  return {
    list: async () => cutDown(await remembered.list(), options),
    readings: async () => (await remembered.readings?.()) ?? NO_READINGS,
  };
}

function cutDown(inventory: DeviceInventory, { visible, message }: DeviceOptions): DeviceInventory {
  const devices = visibleDevices(visible, inventory.devices);
  const hidden = inventory.devices.length - devices.length;
  if (hidden === 0) return { ...inventory, devices };
  const note = `${message ?? `CUDA_VISIBLE_DEVICES=${visible}`} leaves ${devices.length} of ${inventory.devices.length} devices`;
  return { ...inventory, devices, message: inventory.message === undefined ? note : `${inventory.message}; ${note}` };
}
