/**
 * Inference with onnxruntime: on the GPU of the task's claim if the CUDA provider really computes there, otherwise on the CPU.
 * Knows sessions and providers; must not know what a model's outputs mean.
 */
import { availableParallelism } from "node:os";
import type { InferenceSession } from "onnxruntime-node";
import { errorText, OperatorError } from "../base/errors.js";
import type { DeviceReport, NodeContext } from "../flow/node.js";
import type { ProviderFinding } from "./onnx/cuda.js";
import { tryCuda } from "./onnx/cuda-session.js";
import { type Inference, loadRuntime, OrtInference, type Runtime } from "./onnx/ort-session.js";

export type { Inference } from "./onnx/ort-session.js";

/** What the choice of a provider depends on. */
export type InferencePlace = Pick<NodeContext, "devices" | "nbTasks">;

/**
 * Opens a model.
 *
 * @param path    an ONNX file with one float32 input of fixed shape.
 * @param place   the task: a GPU is tried if it has one. The task's CUDA_VISIBLE_DEVICES makes it device 0.
 * @param threads for inference on the CPU; default 1 if the node has several tasks, otherwise one per core.
 * @throws OperatorError MODEL_UNSUPPORTED if onnxruntime cannot load it, or its input is of another kind.
 */
export async function openInference(path: string, place: InferencePlace, threads = defaultThreads(place.nbTasks)): Promise<Inference> {
  const runtime = await loadRuntime();
  const cuda = place.devices.length > 0 ? await tryCuda(runtime, path) : undefined;
  if (cuda instanceof OrtInference) return cuda;
  return openCpu(runtime, path, threads, { provider: "cpu", ...cuda });
}

/** @returns threads of one task on the CPU. */
export function defaultThreads(nbTasks: number, cores = availableParallelism()): number {
  return nbTasks > 1 ? 1 : cores;
}

async function openCpu(runtime: Runtime, path: string, threads: number, device: DeviceReport): Promise<Inference> {
  try {
    return new OrtInference(runtime, path, await runtime.InferenceSession.create(path, cpuOptions(threads)), device);
  } catch (cause) {
    if (cause instanceof OperatorError) throw cause;
    throw new OperatorError("MODEL_UNSUPPORTED", { model: path, problem: errorText(cause) }, { cause });
  }
}

/** Threads that spin while they wait would take the cores from the other tasks of the flow. */
function cpuOptions(threads: number): InferenceSession.SessionOptions {
  return {
    executionProviders: ["cpu"],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    logSeverityLevel: 4,
    extra: { session: { intra_op: { allow_spinning: "0" } } },
  };
}

/** What inference can do on this machine. */
export interface InferenceProbe {
  /** The provider that a GPU task would get. */
  readonly provider: "cuda" | "cpu";
  /** The providers that load and compute here. */
  readonly available: readonly string[];
  readonly reason?: string;
  readonly fix?: string;
}

/** An ONNX model of one operator: y = Relu(x), x float32 [4]. */
const PROBE_MODEL = "CAhCBAoAEA06NwoMCgF4EgF5IgRSZWx1EgVwcm9iZVoPCgF4EgoKCAgBEgQKAggEYg8KAXkSCgoICAESBAoCCAQ=";

/** Loads the providers, for `doctor` and `devices`, and lets CUDA compute a model of one operator. Never throws. */
export async function probeInference(): Promise<InferenceProbe> {
  try {
    const cuda = await tryCuda(await loadRuntime(), Buffer.from(PROBE_MODEL, "base64"));
    return cuda instanceof OrtInference
      ? await closeProbe(cuda)
      : { provider: "cpu", available: ["cpu"], ...(cuda satisfies ProviderFinding) };
  } catch (error) {
    const reason = `onnxruntime-node does not load: ${errorText(error)}`;
    return { provider: "cpu", available: [], reason, fix: "npm rebuild onnxruntime-node" };
  }
}

async function closeProbe(inference: Inference): Promise<InferenceProbe> {
  await inference.close();
  return { provider: "cuda", available: ["cuda", "cpu"] };
}
