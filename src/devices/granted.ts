/** What a machine's owner granted this agent: in a Pod that is kubelet, and GPUs have one owner. */

export interface Granted {
  /** Which devices, as {@link visibleDevices} reads it; undefined: all that are seen. */
  readonly visible?: string;
  /** Why there are fewer than there could be. */
  readonly message?: string;
}

/** Where the device plugin names devices by files, with its strategy volume-mounts. */
const DEVICES_FOLDER = "/var/run/nvidia-container-devices";

/**
 * Reads the agent's own list: CUDA_VISIBLE_DEVICES; in a Pod without one NVIDIA_VISIBLE_DEVICES, which the device plugin sets to
 * what kubelet allocated. `all` is no grant: an image or an operator set it, and kubelet may give the same GPUs to others.
 *
 * @param listFolder names of the files in a folder.
 */
export function grantedDevices(
  env: Readonly<Record<string, string | undefined>>,
  listFolder: (path: string) => readonly string[] = () => [],
): Granted {
  const explicit = env["CUDA_VISIBLE_DEVICES"];
  if (explicit !== undefined) return { visible: explicit };
  if (env["KUBERNETES_SERVICE_HOST"] === undefined) return {};
  const given = env["NVIDIA_VISIBLE_DEVICES"] ?? "";
  if (given === DEVICES_FOLDER) return { visible: listFolder(given).join(","), message: `NVIDIA_VISIBLE_DEVICES=${given}` };
  if (given === "all")
    return {
      visible: "",
      message: "NVIDIA_VISIBLE_DEVICES=all is no grant of kubelet: request nvidia.com/gpu in the Pod, or list GPUs in CUDA_VISIBLE_DEVICES",
    };
  return ["", "none", "void"].includes(given)
    ? { visible: "", message: "kubelet granted this Pod no GPU" }
    : { visible: given, message: `NVIDIA_VISIBLE_DEVICES=${given}` };
}
