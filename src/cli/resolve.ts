/** Paths of a flow: made absolute against the folder of its file, and what is missing found before anything starts. */
import { existsSync, readFileSync, realpathSync, type Stats, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import type { NodeSpec } from "../api/kinds.js";
import { pathText } from "../api/path.js";
import { gotText, type Problem } from "../api/problem.js";
import { mapSources, type ValueSource } from "../api/value-source.js";
import { mapPaths, moduleFile, resolveComponent } from "../flow/component-path.js";
import { mentionsExport } from "../flow/exports.js";
import type { Describe } from "../flow/graph.js";
import { isPython } from "../flow/python-component.js";
import { PROBE_PYTHON, type PythonProbe, pythonProblems } from "./python.js";
import type { FlowDocument } from "./world.js";

/** What stands at a path; undefined: nothing. */
export type LookUp = (path: string) => "file" | "folder" | "other" | undefined;

export interface Resolved {
  readonly flow: FlowDocument;
  readonly problems: readonly Problem[];
}

/** Looks at the file system. */
export const LOOK_UP: LookUp = (path) => {
  const stats = statOf(path);
  if (stats === undefined) return undefined;
  if (stats.isFile()) return "file";
  return stats.isDirectory() ? "folder" : "other";
};

/** Nothing lies below a file, or where it cannot be looked at. */
function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

/**
 * Makes the paths of a flow absolute: modules of components, params that a descriptor calls files, working directories.
 *
 * @param flow    a flow with its defaults.
 * @param folder  absolute folder of the file that it was read from.
 * @param describe descriptors of the components; the params of an unknown one are left as they are.
 * @param lookUp  what stands at a path.
 * @param python  asked only if a component is a Python class.
 */
export function resolvePaths(
  flow: FlowDocument,
  folder: string,
  describe: Describe,
  lookUp: LookUp,
  python: PythonProbe = PROBE_PYTHON,
): Resolved {
  const resolved = flow.spec.nodes.map((node, index) => resolveNode(node, `spec.nodes[${index}]`, folder, describe, lookUp, python));
  return {
    flow: { ...flow, spec: { ...flow.spec, nodes: resolved.map(({ node }) => node) } },
    problems: [...resolved.flatMap(({ problems }) => problems), ...clashes(resolved)],
  };
}

interface ResolvedNode {
  readonly node: NodeSpec;
  readonly problems: readonly Problem[];
  /** Files that the node reads and writes, as they really lie. */
  readonly files: readonly { readonly use: "reads" | "writes"; readonly file: string; readonly path: string }[];
}

/** A file that is written may be neither read nor written by another node: its content would be lost. */
function clashes(resolved: readonly ResolvedNode[]): Problem[] {
  const uses = resolved.flatMap(({ node, files }) => files.map((entry) => ({ ...entry, node: node.name, real: realPath(entry.file) })));
  return uses.flatMap((entry, i) => {
    const other = uses.find((candidate, k) => candidate.real === entry.real && k !== i && (candidate.use === "reads" || k < i));
    if (entry.use === "reads" || other === undefined) return [];
    const problem = `node ${other.node} ${other.use} the same file ${entry.real}`;
    return [{ path: entry.path, problem, got: gotText(entry.file), fix: "Write to a file of its own." }];
  });
}

/** Links followed as far as the path exists. */
function realPath(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    const folder = dirname(file);
    return folder === file ? file : join(realPath(folder), basename(file));
  }
}

function resolveNode(node: NodeSpec, path: string, folder: string, describe: Describe, lookUp: LookUp, python: PythonProbe): ResolvedNode {
  const component = resolveComponent(node.component, folder);
  const workingDir = resolve(folder, node.workingDir ?? ".");
  const { inputFiles = [], outputFiles = [] } = describe(node.component) ?? {};
  const values = resolveValues(node, path, folder, lookUp);
  const params: Record<string, unknown> = { ...values.node.params };
  const problems: Problem[] = [
    ...missingModule(node.component, component, `${path}.component`, lookUp),
    ...missingExport(node, component, `${path}.component`, lookUp),
    ...(isPython(component) ? pythonProblems({ ...node, workingDir }, component, `${path}.component`, lookUp, python) : []),
    ...(lookUp(workingDir) === "folder" ? [] : [missing(`${path}.workingDir`, "folder", workingDir, node.workingDir)]),
    ...values.problems,
  ];
  const files: ResolvedNode["files"][number][] = [];
  for (const name of [...inputFiles, ...outputFiles]) {
    const use = inputFiles.includes(name) ? "reads" : "writes";
    const check = use === "reads" ? mustExist : mustBeWritable;
    params[name] = mapPaths(params[name], `${path}.params.${name}`, (value, at) => {
      const file = resolve(folder, value);
      problems.push(...check(file, at, value, lookUp));
      files.push({ use, file, path: at });
      return file;
    });
  }
  return { node: { ...values.node, component, workingDir, params }, problems, files };
}

/** The files of values that stand elsewhere. What a file holds is never looked at here. */
function resolveValues(node: NodeSpec, path: string, folder: string, lookUp: LookUp): Pick<ResolvedNode, "node" | "problems"> {
  const problems: Problem[] = [];
  const absolute = (source: ValueSource, at: string): ValueSource => {
    if (typeof source?.file !== "string" || source.file === "") return source;
    const file = resolve(folder, source.file);
    if (lookUp(file) !== "file") problems.push(missing(`${at}.valueFrom.file`, "file", file, source.file));
    return { ...source, file };
  };
  const params = mapSources(node.params, (source, inside) => ({
    valueFrom: absolute(source, `${path}.${pathText(["params", ...inside])}`),
  }));
  const env = node.env.map((entry, i) =>
    entry.valueFrom === undefined ? entry : { ...entry, valueFrom: absolute(entry.valueFrom, `${path}.env[${i}]`) },
  );
  return { node: { ...node, params, env }, problems };
}

function missingModule(written: string, component: string, path: string, lookUp: LookUp): Problem[] {
  const file = moduleFile(component);
  return file === undefined || lookUp(file) === "file" ? [] : [missing(path, "file", file, written)];
}

/** The text of the module is asked, not the module: nothing of the user's runs before the flow does. */
function missingExport({ component: written }: NodeSpec, component: string, path: string, lookUp: LookUp): Problem[] {
  const file = moduleFile(component);
  const name = component.slice(component.lastIndexOf("#") + 1);
  if (file === undefined || !component.includes("#") || lookUp(file) !== "file" || !existsSync(file)) return [];
  if (mentionsExport(readFileSync(file, "utf8"), name)) return [];
  return [
    { path, problem: `${file} exports no ${name}`, got: gotText(written), fix: "Export the class from that file, or correct its name." },
  ];
}

function missing(path: string, what: "file" | "folder", absolute: string, got: unknown): Problem {
  return {
    path,
    problem: `there is no ${what} ${absolute}`,
    got: gotText(got),
    fix: "Correct the path; it is relative to the folder of the flow file.",
  };
}

function mustExist(file: string, at: string, written: string, lookUp: LookUp): Problem[] {
  return lookUp(file) === undefined ? [missing(at, "file", file, written)] : [];
}

function mustBeWritable(file: string, at: string, written: string, lookUp: LookUp): Problem[] {
  if (canBeCreated(file, lookUp)) return [];
  const fix = "Name a file; its folder may be missing, but must not lie below a file.";
  return [{ path: at, problem: `the file ${file} cannot be created`, got: gotText(written), fix }];
}

/** A writer creates missing folders, but cannot put a file below a file, or in the place of a folder. */
function canBeCreated(file: string, lookUp: LookUp): boolean {
  const present = lookUp(file);
  if (present !== undefined) return present !== "folder";
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    const found = lookUp(folder);
    if (found !== undefined || folder === dirname(folder)) return found === "folder";
  }
}
