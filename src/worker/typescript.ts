/** Modules of users: their `videoflow` is this package; TypeScript is translated by tsx, and always as ECMAScript modules. */
import { existsSync, realpathSync } from "node:fs";
import { createRequire, register as registerHooks } from "node:module";
import { pathToFileURL } from "node:url";

let registered = false;
let isOurs = false;

/**
 * Prepares this process for importing a file. TypeScript needs a loader on this version of Node; JavaScript does not,
 * unless it imports TypeScript.
 */
export async function registerLoader(file: string): Promise<void> {
  meanThisPackage(file);
  if (registered || !/\.[cm]?tsx?$/.test(file)) return;
  registered = true;
  const { register } = await import("tsx/esm/api");
  register();
  registerHooks(`data:text/javascript,${encodeURIComponent(MODULE_HOOKS)}`);
}

/**
 * Lets `import … from "videoflow"` mean the package that runs it, also where none is installed beside the file (a folder of an agent,
 * a command that is installed for all), or another copy is, of whose classes nothing here is an instance.
 */
function meanThisPackage(file: string): void {
  const own = new URL("../index.js", import.meta.url); // Seen from the bundle.
  if (isOurs || !existsSync(own) || packageSeenFrom(file) === realpathSync(own)) return;
  isOurs = true;
  registerHooks(`data:text/javascript,${encodeURIComponent(ownHooks(own.href))}`);
}

/** @returns the main file of what `videoflow` means in a module; undefined if it means nothing there. */
function packageSeenFrom(file: string): string | undefined {
  try {
    return realpathSync(createRequire(pathToFileURL(file)).resolve("videoflow"));
  } catch {
    return undefined;
  }
}

const ownHooks = (url: string) => `
export function resolve(specifier, context, next) {
  return specifier === "videoflow" ? { url: ${JSON.stringify(url)}, format: "module", shortCircuit: true } : next(specifier, context);
}`;

/**
 * Where package.json does not say `"type": "module"` a .ts file counts as CommonJS, which has no `await` at top level.
 * One that is written with import and export is a module, whatever package.json says.
 */
const MODULE_HOOKS = `
import { readFile } from "node:fs/promises";
export async function resolve(specifier, context, next) {
  const result = await next(specifier, context);
  const { url, format } = result;
  if (format === "module" || !/^file:[^?]*\\.tsx?(\\?|$)/.test(url) || url.includes("/node_modules/")) return result;
  const text = await readFile(new URL(url), "utf8");
  return /^\\s*(import|export)\\b/m.test(text) ? { ...result, format: "module" } : result;
}`;
