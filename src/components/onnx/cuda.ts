/** Why CUDA inference does not load here, and the one command that changes it. */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { errorText } from "../../base/errors.js";

/** Where inference computes, why not on the GPU, and what to do about it. */
export interface ProviderFinding {
  readonly reason: string;
  /** One command; absent where nothing can be installed. */
  readonly fix?: string;
}

/** What was seen of the CUDA provider's library. */
export interface CudaLibrary {
  /** process.platform and process.arch, as `linux/x64`. */
  readonly platform: string;
  readonly isInstalled: boolean;
  /** What the dynamic linker says about it; undefined if it loads. */
  readonly linkError?: string | undefined;
}

/** onnxruntime-node's own install script fetches the libraries that its npm package leaves out. */
export const INSTALL_CUDA = "ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node --ignore-scripts=false";

const INSTALL_DRIVER = "sudo ubuntu-drivers install";
const INSTALL_TOOLKIT = "sudo apt-get install -y cuda-libraries-12-8 libcudnn9-cuda-12";

/** Looks at the CUDA provider of the installed onnxruntime-node; opens its library with the dynamic linker. */
export function observeCudaLibrary(): CudaLibrary {
  const platform = `${process.platform}/${process.arch}`;
  const library = join(binFolder(), platform, "libonnxruntime_providers_cuda.so");
  if (!existsSync(library)) return { platform, isInstalled: false };
  return { platform, isInstalled: true, linkError: linkError(library) };
}

function binFolder(): string {
  const entry = createRequire(import.meta.url).resolve("onnxruntime-node");
  return join(dirname(dirname(entry)), "bin", "napi-v6");
}

/** A missing library is named by the linker's message only, which onnxruntime swallows. */
function linkError(library: string): string | undefined {
  try {
    process.dlopen({ exports: {} }, library);
  } catch (error) {
    const text = errorText(error);
    return text.includes("cannot open shared object file") ? text : undefined;
  }
  return undefined;
}

/**
 * @param library what is installed.
 * @param problem what onnxruntime said when it was asked for CUDA.
 * @returns the reason in one sentence, with the command that installs what is missing.
 */
export function explainCuda(library: CudaLibrary, problem: string): ProviderFinding {
  const missing = library.linkError?.match(/(\S+?): cannot open shared object file/)?.[1];
  if (library.platform !== "linux/x64") return { reason: `onnxruntime-node has no CUDA provider for ${library.platform}` };
  if (!library.isInstalled) return { reason: "the CUDA provider of onnxruntime-node is not installed", fix: INSTALL_CUDA };
  if (missing?.startsWith("libcuda.so")) return { reason: `the NVIDIA driver is not installed (no ${missing})`, fix: INSTALL_DRIVER };
  if (missing !== undefined) return { reason: `the CUDA provider needs ${missing}, which is not installed`, fix: INSTALL_TOOLKIT };
  if (/driver version is insufficient/i.test(problem)) return { reason: `the NVIDIA driver is too old: ${problem}`, fix: INSTALL_DRIVER };
  return { reason: `the CUDA provider does not start: ${problem}` };
}
