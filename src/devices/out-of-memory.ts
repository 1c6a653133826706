/** Tells when a device ran out of memory, and who holds it. Pure. */
import type { ComputeProcess } from "./provider.js";

/** What CUDA, cuDNN, cuBLAS, ONNX Runtime, PyTorch and TensorFlow say when the memory of a GPU does not suffice. */
const WORDS =
  /CUDA[^\n]{0,40}out of memory|CUDA_ERROR_OUT_OF_MEMORY|cudaErrorMemoryAllocation|CUDNN_STATUS_ALLOC_FAILED|CUBLAS_STATUS_ALLOC_FAILED|OutOfMemoryError|BFCArena[^\n]{0,200}Failed to allocate memory|HIP out of memory/i;

/** @param text the error that a task reported, or the last lines of its log. */
export function isOutOfMemory(text: string): boolean {
  return WORDS.test(text);
}

/**
 * Who holds the memory of a task's devices.
 *
 * @param devices full UUIDs of the task.
 * @param processes as the devices were seen last.
 * @param taskOf name of the task that a process belongs to; undefined: it is a stranger.
 */
export function memoryHolders(
  devices: readonly string[],
  processes: readonly ComputeProcess[],
  taskOf: (pid: number) => string | undefined,
): string {
  const texts = devices.map((uuid) => {
    const own = processes.filter((process) => process.uuid === uuid);
    const holders = own.map(({ pid, name, usedMiB }) => `${taskOf(pid) ?? name} (pid ${pid}) ${usedMiB ?? "unknown"} MiB`);
    return `${uuid} held by ${holders.length === 0 ? "nobody that was seen" : holders.join(", ")}`;
  });
  return `out of memory of the GPU: ${texts.join("; ")}`;
}
