/** What a task's process may see of the devices. DESIGN: the environment lists exactly the claim. */
import type { HostDevice } from "../api/kinds.js";

/**
 * The variables that show a task its devices and nothing else; they replace inherited ones.
 *
 * @param uuids full UUIDs of the task's claim in allocation order, or what {@link namesOf} gives; empty or undefined on the CPU.
 */
export function environmentOf(uuids: readonly string[] | undefined): Readonly<Record<string, string>> {
  if (uuids === undefined || uuids.length === 0) {
    return { CUDA_VISIBLE_DEVICES: "-1", HIP_VISIBLE_DEVICES: "-1", ROCR_VISIBLE_DEVICES: "-1" };
  }
  return { CUDA_VISIBLE_DEVICES: [...new Set(uuids)].join(","), CUDA_DEVICE_ORDER: "PCI_BUS_ID" };
}

/**
 * How the environment names the devices of a claim.
 *
 * Index: for programs that cannot parse UUIDs, the number of a GPU in PCI bus order, which CUDA_DEVICE_ORDER makes CUDA's own.
 * A MIG instance has no number; it keeps its UUID.
 *
 * @param known the devices of the host.
 */
export function namesOf(uuids: readonly string[], identifiers: "Uuid" | "Index" | undefined, known: readonly HostDevice[]): string[] {
  if (identifiers !== "Index") return [...uuids];
  return uuids.map((uuid) => {
    const device = known.find((candidate) => candidate.uuid === uuid);
    return device?.index === undefined || device.parent !== undefined ? uuid : String(device.index);
  });
}
