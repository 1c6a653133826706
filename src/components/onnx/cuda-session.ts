/**
 * A session that computes with CUDA, proved by a run: onnxruntime's profiler names the provider of each operator. A provider
 * that loads but leaves everything to the CPU, or has no kernel for this GPU, is found out here.
 */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { InferenceSession } from "onnxruntime-node";
import { errorText } from "../../base/errors.js";
import type { DeviceReport } from "../../flow/node.js";
import { explainCuda, observeCudaLibrary, type ProviderFinding } from "./cuda.js";
import { OrtInference, type Runtime } from "./ort-session.js";

/** @param model a path or the bytes of an ONNX file. @returns the ready model, or why CUDA does not compute it. */
export async function tryCuda(runtime: Runtime, model: string | Uint8Array): Promise<OrtInference | ProviderFinding> {
  const provider = { name: "cuda", deviceId: 0 } as const;
  try {
    const { session, counts } = await openProfiled(runtime, model, provider);
    const device = judgeProviders(counts);
    if (device.provider === "cuda") return new OrtInference(runtime, nameOf(model), session, device);
    await session.release();
    return explainCuda(observeCudaLibrary(), device.reason ?? "unknown");
  } catch (error) {
    return explainCuda(observeCudaLibrary(), errorText(error));
  }
}

/** A session after its first run, and how many operators each provider ran in it. */
export interface ProfiledSession {
  readonly session: InferenceSession;
  readonly counts: ReadonlyMap<string, number>;
}

/** Opens a model with one provider, lets it compute once on zeroes and reads the profile of that run; leaves no file behind. */
export async function openProfiled(
  runtime: Runtime,
  model: string | Uint8Array,
  provider: InferenceSession.ExecutionProviderConfig,
): Promise<ProfiledSession> {
  const folder = await mkdtemp(join(tmpdir(), "videoflow-profile-"));
  try {
    const session = await create(runtime, model, {
      executionProviders: [provider],
      enableProfiling: true,
      profileFilePrefix: join(folder, "run"),
      logSeverityLevel: 4,
    });
    await new OrtInference(runtime, nameOf(model), session, { provider: "unknown" }).run();
    session.endProfiling();
    const [profile] = await readdir(folder);
    return { session, counts: countProviders(await readFile(join(folder, profile ?? "none"), "utf8")) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @param profile onnxruntime's profile, a JSON array of events. @returns operators by provider. */
export function countProviders(profile: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const event of JSON.parse(profile) as { args?: { provider?: string } }[]) {
    const provider = event.args?.provider ?? "";
    if (provider !== "") counts.set(provider, (counts.get(provider) ?? 0) + 1);
  }
  return counts;
}

/** @returns "cuda" only if CUDA ran operators; the reason tells how many were left to the CPU. */
export function judgeProviders(counts: ReadonlyMap<string, number>): DeviceReport {
  const all = [...counts.values()].reduce((sum, n) => sum + n, 0);
  const onGpu = counts.get("CUDAExecutionProvider") ?? 0;
  if (onGpu === 0) return { provider: "cpu", reason: `it ran none of the ${all} operators of the model` };
  return onGpu === all ? { provider: "cuda" } : { provider: "cuda", reason: `${all - onGpu} of ${all} operators run on the CPU` };
}

async function create(runtime: Runtime, model: string | Uint8Array, options: InferenceSession.SessionOptions): Promise<InferenceSession> {
  return typeof model === "string" ? runtime.InferenceSession.create(model, options) : runtime.InferenceSession.create(model, options);
}

function nameOf(model: string | Uint8Array): string {
  return typeof model === "string" ? model : "(in memory)";
}
