/** Which paths a component and its params name. Pure: nothing is looked at. */
import { isAbsolute, resolve } from "node:path";
import { formatPython, isPython, parsePython } from "./python-component.js";

/** `./file.ts#Export` with an absolute path; a Python class with the folder where its module is looked for; a built-in name as it is. */
export function resolveComponent(component: string, folder: string): string {
  const python = parsePython(component);
  if (python !== undefined) return formatPython({ ...python, folder: resolve(folder, python.folder) });
  const file = moduleFile(component);
  return file === undefined ? component : `${resolve(folder, file)}${component.slice(file.length)}`;
}

/** The module of a component; undefined for a built-in name. */
export function moduleFile(component: string): string | undefined {
  if (isPython(component)) return undefined;
  const hash = component.lastIndexOf("#");
  const file = hash < 0 ? component : component.slice(0, hash);
  return file.startsWith(".") || isAbsolute(file) || hash >= 0 ? file : undefined;
}

/** Replaces a path, or each path of a list; addresses (`https://…`) and other values stay as they are. */
export function mapPaths(value: unknown, at: string, replace: (path: string, at: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item, i) => mapPaths(item, `${at}[${i}]`, replace));
  return typeof value !== "string" || value === "" || isUrl(value) ? value : replace(value, at);
}

export function isUrl(value: string): boolean {
  return /^[a-z][a-z0-9+.-]+:\/\//i.test(value);
}
