/** Where Python looks for modules, found without running any of them. */
import { spawnSync } from "node:child_process";
import { delimiter, join } from "node:path";
import type { NodeSpec } from "../api/kinds.js";
import { gotText, type Problem } from "../api/problem.js";
import { formatPython, parsePython } from "../flow/python-component.js";
import type { LookUp } from "./resolve.js";

/** What an interpreter says about itself. */
export type PythonProbe = () =>
  | { readonly program: string; readonly path: readonly string[] }
  | { readonly program: string; readonly problem: string };

const OLDEST = [3, 8];
const ASK = "import json, sys; print(json.dumps([sys.version_info[:2], sys.path]))";
const PROBE_DEADLINE_MS = 20_000;

/** Asks the interpreter that the tasks will run. Once: it takes as long as a Python program takes to start. */
export const PROBE_PYTHON: PythonProbe = memoize(() => {
  const program = process.env["VIDEOFLOW_PYTHON"] || "python3";
  const { error, status, stdout, stderr } = spawnSync(program, ["-c", ASK], { encoding: "utf8", timeout: PROBE_DEADLINE_MS });
  if (error !== undefined) return { program, problem: error.message };
  if (status !== 0) return { program, problem: stderr.trim() || `it left with code ${status}` };
  const [version, path] = JSON.parse(stdout) as [[number, number], string[]];
  const isOld = version[0] < (OLDEST[0] as number) || (version[0] === OLDEST[0] && version[1] < (OLDEST[1] as number));
  return isOld ? { program, problem: `it is Python ${version.join(".")}` } : { program, path: path.filter(Boolean) };
});

function memoize<T>(compute: () => T): () => T {
  let known: { readonly value: T } | undefined;
  return () => {
    known ??= { value: compute() };
    return known.value;
  };
}

/**
 * Looks for the module of a Python component: in the folder of the flow file, in the PYTHONPATH of the node, then where
 * the interpreter looks. Archives and import hooks are not understood.
 *
 * @param component a Python component with its folder.
 */
export function pythonProblems(node: NodeSpec, component: string, at: string, lookUp: LookUp, probe: PythonProbe): Problem[] {
  const parsed = parsePython(component);
  if (parsed === undefined) return []; // Told by the rules of the spec.
  const got = gotText(formatPython({ ...parsed, folder: "" }));
  const python = probe();
  if ("problem" in python) {
    const fix = "Install Python 3.8 or newer (apt-get install python3), or name one in VIDEOFLOW_PYTHON.";
    return [{ path: at, problem: `the Python interpreter ${python.program} cannot be used: ${python.problem}`, got, fix }];
  }
  const own = node.env?.find(({ name }) => name === "PYTHONPATH")?.value?.split(delimiter) ?? [];
  const folders = [parsed.folder, ...(node.workingDir === undefined ? [] : [node.workingDir]), ...own, ...python.path];
  if (folders.some((folder) => hasModule(folder, parsed.module, lookUp))) return [];
  const fix = `Put ${parsed.module.replaceAll(".", "/")}.py below ${parsed.folder}, install its package for ${python.program}, or set PYTHONPATH.`;
  return [{ path: at, problem: `there is no Python module ${parsed.module}`, got, fix }];
}

function hasModule(folder: string, module: string, lookUp: LookUp): boolean {
  const base = join(folder, ...module.split("."));
  return lookUp(`${base}.py`) === "file" || lookUp(join(base, "__init__.py")) === "file";
}
