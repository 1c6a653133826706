/** The form of a component that is a Python class: `python:package.module:Class`. Pure. */

/** Where a Python class is found. */
export interface PythonComponent {
  /** Absolute folder in which the module is looked for first; empty before paths are resolved. */
  readonly folder: string;
  /** Dotted name. */
  readonly module: string;
  readonly className: string;
}

const NAME = "[A-Za-z_]\\w*";
const PYTHON = new RegExp(`^python:(?:(?<folder>[^#]+)#)?(?<module>${NAME}(?:\\.${NAME})*):(?<className>${NAME})$`);

/** @returns undefined for what is no Python component, or names none rightly. */
export function parsePython(component: string): PythonComponent | undefined {
  const found = PYTHON.exec(component)?.groups as { folder?: string; module: string; className: string } | undefined;
  return found && { folder: found.folder ?? "", module: found.module, className: found.className };
}

/** Whether it means to be one. */
export function isPython(component: string): boolean {
  return component.startsWith("python:");
}

/** `python:<folder>#package.module:Class`, the form with a folder. */
export function formatPython({ folder, module, className }: PythonComponent): string {
  return `python:${folder === "" ? "" : `${folder}#`}${module}:${className}`;
}
