/** The library that calls C functions, loaded when a process first needs it. Knows where its native part lies; must not know what is called. */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";

export type Foreign = typeof import("koffi").default;

let loaded: Foreign | undefined;

/** @throws Error if the library has no native part for this machine. */
export function foreign(): Foreign {
  loaded ??= loadNative() ?? (createRequire(import.meta.url)("koffi") as Foreign);
  return loaded;
}

/**
 * The native part alone takes 2 ms; the scripts of the package, which find it and add what was once named otherwise, 17 ms more.
 *
 * @returns undefined where it is not known which one, or not where it lies: the package finds out.
 */
function loadNative(): Foreign | undefined {
  const { arch, platform } = process;
  if (platform !== "linux" || MUSL.some((path) => existsSync(path))) return undefined;
  try {
    const native = createRequire(import.meta.url)(`@koromix/koffi-linux-${arch}/linux_${arch}/koffi.node`) as Partial<Foreign>;
    return typeof native.load === "function" ? (native as Foreign) : undefined;
  } catch {
    return undefined;
  }
}

/** The C library of Alpine and others needs another native part. */
const MUSL = ["x86_64", "aarch64"].map((machine) => `/lib/ld-musl-${machine}.so.1`);
