/** Which components an agent runs: the list of `--allow-components`. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { moduleFile } from "../flow/component-path.js";
import { parsePython } from "../flow/python-component.js";
import { isBelow, realPlace } from "./real-place.js";

/** Built-in components that run code, or go to places, that stand in the flow: allowed by name, or with everything. */
const NO_PLAIN_BUILT_INS: ReadonlySet<string> = new Set(["FunctionProcessorNode", "DeadLetterReader", "DeadLetterResults"]);

export class AllowedComponents {
  readonly #words: ReadonlySet<string>;
  readonly #root: string | undefined;
  /** As it was written. */
  readonly text: string;

  /**
   * @param list `builtin`, `root`, `any`, names of built-ins, Python modules (`python:package.module`), files or folders of modules.
   * @param root absolute; what `root` means, and what relative paths of the list are resolved against.
   */
  constructor(list: readonly string[], root?: string) {
    this.#words = new Set(list);
    this.#root = root;
    this.text = list.join(",");
  }

  /** Everything is allowed. */
  get isAny(): boolean {
    return this.#words.has("any");
  }

  /** @param component with absolute paths. @param isBuiltIn whether a built-in component has this name. */
  allows(component: string, isBuiltIn: boolean): boolean {
    if (this.isAny || this.#words.has(component)) return true;
    if (isBuiltIn) return this.#words.has("builtin") && !NO_PLAIN_BUILT_INS.has(component);
    const places = filesOf(component).flatMap((file) => realPlace(file) ?? []);
    const isNamed = parsePython(component)?.module;
    if (isNamed !== undefined && this.#words.has(`python:${isNamed}`)) return true;
    return places.length > 0 && this.#folders().some((folder) => places.every((place) => isBelow(place, folder)));
  }

  /** What an agent must be started with to run the component. */
  remedy(component: string): string {
    const python = parsePython(component);
    const name = python === undefined ? (moduleFile(component) ?? component) : `python:${python.module}`;
    return `--allow-components ${[...this.#words, name].join(",")}`;
  }

  #folders(): string[] {
    const named = [...this.#words].filter((word) => word.includes("/")).map((word) => resolve(this.#root ?? ".", word));
    const root = this.#words.has("root") && this.#root !== undefined ? [this.#root] : [];
    return [...root, ...named].flatMap((folder) => realPlace(folder) ?? []);
  }
}

/** The files that running a component begins with; none if it is not known which. */
function filesOf(component: string): string[] {
  const python = parsePython(component);
  if (python === undefined) return [moduleFile(component) ?? []].flat();
  const base = join(python.folder, ...python.module.split("."));
  const found = [`${base}.py`, join(base, "__init__.py")].filter((file) => existsSync(file));
  const packages = python.module.split(".").slice(0, -1);
  const inits = packages.map((_, i) => join(python.folder, ...packages.slice(0, i + 1), "__init__.py")).filter((file) => existsSync(file));
  return found.length === 0 ? [] : [...inits, ...found];
}
