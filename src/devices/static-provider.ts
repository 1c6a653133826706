/** Devices from a file: for tests and for hardware that no other provider knows. */
import { readFile } from "node:fs/promises";
import type { HostDevice } from "../api/kinds.js";
import { errorText, OperatorError } from "../base/errors.js";
import type { DeviceInventory, DeviceProvider } from "./provider.js";
import { memoryMiBOf } from "./quantity.js";

/** `--devices FILE`: a YAML or JSON list of `{ uuid, product, memory }`, in the order of the machine. */
export class StaticProvider implements DeviceProvider {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  /** @throws OperatorError DEVICES_FILE_INVALID: the user gave the file, so it must be right. */
  async list(): Promise<DeviceInventory> {
    const devices = parseDevices(this.#file, await readText(this.#file));
    return { provider: "static", devices, ...(devices.length === 0 ? { message: `${this.#file} lists no device` } : {}) };
  }
}

async function readText(file: string): Promise<unknown> {
  try {
    const text = await readFile(file, "utf8");
    const { parse } = await import("./yaml-text.js");
    return parse(text);
  } catch (cause) {
    throw new OperatorError("DEVICES_FILE_INVALID", { file, problem: errorText(cause) }, { cause });
  }
}

/** @throws OperatorError DEVICES_FILE_INVALID with the first entry that is wrong. */
export function parseDevices(file: string, value: unknown): HostDevice[] {
  const fail = (problem: string) => new OperatorError("DEVICES_FILE_INVALID", { file, problem });
  if (value !== null && !Array.isArray(value)) throw fail("it holds no list");
  const devices = (value ?? []).map((entry: unknown, index: number) => {
    const device = deviceOf(entry, index);
    if (typeof device === "string") throw fail(`entry ${index}: ${device}`);
    return device;
  });
  const uuids = devices.map(({ uuid }: HostDevice) => uuid);
  const twice = uuids.find((uuid: string, index: number) => uuids.indexOf(uuid) !== index);
  if (twice !== undefined) throw fail(`uuid ${twice} is there twice`);
  return devices;
}

/** @returns the device, or what is wrong with the entry. */
function deviceOf(entry: unknown, index: number): HostDevice | string {
  if (typeof entry !== "object" || entry === null) return "it is no object";
  const { uuid, product, memory, healthy, parent, message } = entry as Record<string, unknown>;
  if (typeof uuid !== "string" || !/^[A-Za-z0-9][A-Za-z0-9._/-]*$/.test(uuid)) return "uuid must be a text of letters, digits and . _ / -";
  if (typeof product !== "string" || product === "") return "product must be a text";
  const memoryMiB = typeof memory === "string" || typeof memory === "number" ? memoryMiBOf(String(memory)) : undefined;
  if (memoryMiB === undefined) return "memory must be a quantity such as 8Gi";
  return {
    ...{ uuid, index, product, memoryMiB, healthy: healthy !== false },
    ...(typeof parent === "string" ? { parent } : {}),
    ...(typeof message === "string" ? { message } : {}),
  };
}
