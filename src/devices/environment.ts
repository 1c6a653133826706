/** What a task's process may see of the devices. DESIGN: the environment lists exactly the claim. */

/**
 * The variables that show a task its devices and nothing else; they replace inherited ones.
 *
 * @param uuids full UUIDs of the task's claim in allocation order; empty or undefined on the CPU.
 */
export function environmentOf(uuids: readonly string[] | undefined): Readonly<Record<string, string>> {
  if (uuids === undefined || uuids.length === 0) {
    return { CUDA_VISIBLE_DEVICES: "-1", HIP_VISIBLE_DEVICES: "-1", ROCR_VISIBLE_DEVICES: "-1" };
  }
  return { CUDA_VISIBLE_DEVICES: [...new Set(uuids)].join(","), CUDA_DEVICE_ORDER: "PCI_BUS_ID" };
}
