/** TypeScript of users: translated by tsx when it is imported, and always as ECMAScript modules. */
import { register as registerHooks } from "node:module";

let registered = false;

/**
 * Prepares this process for importing a file. TypeScript needs a loader on this version of Node; JavaScript does not,
 * unless it imports TypeScript.
 */
export async function registerLoader(file: string): Promise<void> {
  if (registered || !/\.[cm]?tsx?$/.test(file)) return;
  registered = true;
  const { register } = await import("tsx/esm/api");
  register();
  registerHooks(`data:text/javascript,${encodeURIComponent(MODULE_HOOKS)}`);
}

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
