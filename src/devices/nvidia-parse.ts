/** Reads what nvidia-smi prints. Pure. */
import type { HostDevice } from "../api/kinds.js";
import type { ComputeProcess, DeviceReading } from "./provider.js";

export const GPU_QUERY = "index,uuid,name,memory.total,pci.bus_id,mig.mode.current";
export const PROCESS_QUERY = "gpu_uuid,pid,process_name,used_memory";
export const READING_QUERY = "uuid,utilization.gpu,memory.used";

/** One GPU with what its lines told. */
export interface GpuLine {
  readonly device: HostDevice;
  readonly mig: boolean;
}

/** `--query-gpu=…` in PCI bus order. A line that cannot be read is a sick GPU if it has a UUID: one bad device does not hide the others. */
export function parseGpus(text: string): GpuLine[] {
  const rows = linesOf(text)
    .map(fieldsOf)
    .filter(([, uuid]) => uuid?.startsWith("GPU-") === true);
  const sorted = rows.toSorted(([, , , , busA = ""], [, , , , busB = ""]) => (busA < busB ? -1 : busA > busB ? 1 : 0));
  return sorted.map(([, uuid = "", product = "", memory = "", , mig = ""], index) => {
    const memoryMiB = Number(memory);
    const healthy = Number.isInteger(memoryMiB) && memoryMiB > 0;
    const message = healthy ? {} : ({ reason: "Unreadable", message: `nvidia-smi cannot read it: memory "${memory}"` } as const);
    return { device: { uuid, index, product, memoryMiB: healthy ? memoryMiB : 0, healthy, ...message }, mig: mig === "Enabled" };
  });
}

/** `--query-compute-apps=…`. */
export function parseProcesses(text: string): ComputeProcess[] {
  return linesOf(text).flatMap((line) => {
    const match = /^([^,]+), *(\d+), *(.*), *([^,]*)$/.exec(line);
    if (match === null) return [];
    const usedMiB = Number(match[4]);
    return [
      {
        uuid: (match[1] ?? "").trim(),
        pid: Number(match[2]),
        name: (match[3] ?? "").trim(),
        usedMiB: Number.isFinite(usedMiB) ? usedMiB : undefined,
      },
    ];
  });
}

/** `--query-gpu=…` of what changes all the time; what a GPU does not tell ("[N/A]") is absent. */
export function parseReadings(text: string): DeviceReading[] {
  return linesOf(text)
    .map(fieldsOf)
    .filter(([uuid]) => uuid?.startsWith("GPU-") === true)
    .map(([uuid = "", utilization = "", used = ""]) => ({
      uuid,
      ...(isNumber(utilization) ? { utilizationPercent: Number(utilization) } : {}),
      ...(isNumber(used) ? { memoryUsedMiB: Number(used) } : {}),
    }));
}

function isNumber(text: string): boolean {
  return /^\d+$/.test(text);
}

/** `nvidia-smi -L`: the MIG instances of each GPU; their memory is in the name of their profile (`1g.5gb`). */
export function parseMigInstances(text: string): HostDevice[] {
  let parent: { uuid: string; product: string } | undefined;
  return linesOf(text).flatMap((line) => {
    const gpu = /^GPU \d+: (.*) \(UUID: (GPU-[^)]+)\)/.exec(line);
    if (gpu !== null) parent = { product: gpu[1] ?? "", uuid: gpu[2] ?? "" };
    const mig = /^MIG (\S+)\s+Device\s+\d+: \(UUID: (MIG-[^)]+)\)/.exec(line);
    if (mig === null || parent === undefined) return [];
    const memoryMiB = Number(/\.(\d+)gb/.exec(mig[1] ?? "")?.[1] ?? 0) * 1_024;
    return [{ uuid: mig[2] ?? "", product: `${parent.product} MIG ${mig[1]}`, memoryMiB, healthy: memoryMiB > 0, parent: parent.uuid }];
  });
}

function linesOf(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

function fieldsOf(line: string): string[] {
  return line.split(",").map((field) => field.trim());
}
