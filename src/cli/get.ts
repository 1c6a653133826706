/** `videoflow get`: prints objects, and their changes while one watches. */
import type { AnyResource, Kind } from "../api/kinds.js";
import { OperatorError } from "../base/errors.js";
import { type ClientFlags, keyOf, notFound, withConnection } from "./client.js";
import { EXIT, type ExitCode } from "./exit-codes.js";
import { byEventTime, parseOrder } from "./order.js";
import { type OutputFormat, parseFormat, renderObjects, type TableForm, tableColumns, tableRow } from "./print.js";
import { parseFieldSelector, parseSelector } from "./selector.js";
import { renderTable } from "./table.js";
import { parseTargets, type Target } from "./targets.js";
import type { Connection, World } from "./world.js";

export interface GetFlags extends ClientFlags {
  readonly output?: string;
  readonly watch?: boolean;
  readonly selector?: string;
  readonly fieldSelector?: string;
  readonly sortBy?: string;
  readonly showLabels?: boolean;
  readonly allNamespaces?: boolean;
  /** False with --no-headers. */
  readonly headers?: boolean;
  readonly ignoreNotFound?: boolean;
}

/** @returns failed if a named object is not there. */
export async function get(words: readonly string[], flags: GetFlags, world: World): Promise<ExitCode> {
  const targets = parseTargets(words);
  const format = parseFormat(flags.output);
  const isSelected = selectorOf(flags);
  const inOrder = await parseOrder(flags.sortBy);
  return withConnection(flags, world, async (connection) => {
    const printer = new Printer(world, format, targets, flags);
    const found: (readonly AnyResource[])[] = [];
    let code: ExitCode = EXIT.success;
    for (const target of targets) {
      const { objects, missing } = await fetchObjects(connection, target, isSelected, flags.allNamespaces === true);
      found.push(inOrder(objects));
      for (const error of flags.ignoreNotFound === true ? [] : missing) world.err.write(`error: ${error.message}\n`);
      if (missing.length > 0 && flags.ignoreNotFound !== true) code = EXIT.failed;
    }
    await printer.print(found);
    if (found.flat().length === 0 && code === EXIT.success && format.type === "table")
      world.err.write(`${nothing(connection, targets, flags)}\n`);
    if (flags.watch !== true || code !== EXIT.success) return code;
    return watchTargets(connection, targets, isSelected, flags, printer, found.flat());
  });
}

/** Whether an object is asked for. */
type IsSelected = (object: AnyResource) => boolean;

function selectorOf({ selector, fieldSelector }: GetFlags): IsSelected {
  const [byLabels, byFields] = [parseSelector(selector), parseFieldSelector(fieldSelector)];
  return (object) => byLabels(object) && byFields(object);
}

function nothing({ namespace }: Connection, targets: readonly Target[], flags: GetFlags): string {
  const isGlobal = flags.allNamespaces === true || targets.every(({ info }) => !info.namespaced);
  return isGlobal ? "No resources found" : `No resources found in ${namespace} namespace.`;
}

async function fetchObjects(
  { store, namespace }: Connection,
  { info, names }: Target,
  isSelected: IsSelected,
  everywhere: boolean,
): Promise<{ readonly objects: readonly AnyResource[]; readonly missing: readonly OperatorError[] }> {
  if (names === undefined) {
    const all: AnyResource[] = await store.list(info.kind, everywhere || !info.namespaced ? {} : { namespace });
    return { objects: sorted(all.filter(isSelected)), missing: [] };
  }
  const keys = names.map((name) => keyOf<Kind>(info.kind, namespace, name));
  const found = await Promise.all(keys.map((key) => store.get(key)));
  const missing = keys.filter((_, i) => found[i] === undefined).map(notFound);
  return { objects: found.filter((object) => object !== undefined), missing };
}

/** Events by time, the others as they come: by namespace and name. */
function sorted(objects: readonly AnyResource[]): readonly AnyResource[] {
  return objects.toSorted((a, b) => (a.kind === "Event" && b.kind === "Event" ? byEventTime(a, b) : 0));
}

/** Prints what changes until the other side goes away or the process is ended. */
async function watchTargets(
  { store, namespace, lost, target: whom }: Connection,
  targets: readonly Target[],
  isSelected: IsSelected,
  flags: GetFlags,
  printer: Printer,
  printed: readonly AnyResource[],
): Promise<ExitCode> {
  const known = new Set(printed.map(versionOf));
  const ends = targets.map(({ info, names }, index) =>
    store.watch(
      info.kind,
      ({ type, object }) => {
        if (known.delete(versionOf(object)) && type === "Added") return;
        if (names?.includes(object.metadata.name) === false || !isSelected(object)) return;
        printer.change(index, object);
      },
      flags.allNamespaces === true || !info.namespaced ? {} : { namespace },
    ),
  );
  await lost;
  for (const end of ends) end();
  throw new OperatorError("STORE_UNREACHABLE", { path: whom });
}

function versionOf({ kind, metadata }: AnyResource): string {
  return `${kind}/${metadata.uid}/${metadata.resourceVersion}`;
}

/** Prints objects in one format; a table keeps its widths while it grows. */
class Printer {
  readonly #world: World;
  readonly #format: OutputFormat;
  readonly #forms: readonly TableForm[];
  readonly #single: boolean;
  /** Per target: rows that fix the widths. */
  readonly #widest: (readonly string[])[] = [];
  #last: Promise<void> = Promise.resolve();

  constructor(world: World, format: OutputFormat, targets: readonly Target[], flags: GetFlags) {
    this.#world = world;
    this.#format = format;
    const { wide, custom } = format.type === "table" ? format : { wide: false, custom: undefined };
    this.#forms = targets.map(({ info }) => ({
      info,
      wide,
      withNamespace: flags.allNamespaces === true && info.namespaced,
      withKind: targets.length > 1,
      noHeaders: flags.headers === false,
      withLabels: flags.showLabels === true,
      ...(custom === undefined ? {} : { custom }),
    }));
    this.#single = targets.length === 1 && targets[0]?.names?.length === 1;
  }

  async print(found: readonly (readonly AnyResource[])[]): Promise<void> {
    if (this.#format.type === "table") return this.#tables(found);
    const objects = found.flat();
    if (objects.length === 0 && this.#single) return;
    this.#world.out.write(await renderObjects(objects, this.#format, this.#single), "exact");
  }

  /** One object that changed; in the order of the calls. */
  change(target: number, object: AnyResource): void {
    this.#last = this.#last.then(() => this.#change(target, object));
  }

  async #change(target: number, object: AnyResource): Promise<void> {
    if (this.#format.type !== "table") this.#world.out.write(await renderObjects([object], this.#format, true), "exact");
    else await this.#table(target, [object], this.#widest[target] !== undefined);
  }

  async #tables(found: readonly (readonly AnyResource[])[]): Promise<void> {
    const shown = found.map((objects, target) => ({ objects, target })).filter(({ objects }) => objects.length > 0);
    for (const [i, { objects, target }] of shown.entries()) {
      if (i > 0) this.#world.out.write("\n");
      await this.#table(target, objects, false);
    }
  }

  async #table(target: number, objects: readonly AnyResource[], goesOn: boolean): Promise<void> {
    const { valuesAt } = await import("./json-path.js");
    const form = this.#forms[target] as TableForm;
    const rows = objects.map((object) => tableRow(object, form, valuesAt, Date.now()));
    const columns = tableColumns(form);
    const widest = longestCells([this.#widest[target] ?? [], ...rows]);
    this.#widest[target] = widest;
    // The first row only fixes the widths.
    const [header, , ...lines] = renderTable(columns, [widest, ...rows]);
    const shown = goesOn || form.noHeaders ? lines : [header, ...lines];
    this.#world.out.write(`${shown.join("\n")}\n`);
  }
}

/** Of each column the longest cell. */
function longestCells(rows: readonly (readonly string[])[]): string[] {
  const count = Math.max(...rows.map((row) => row.length));
  return Array.from({ length: count }, (_, i) => rows.map((row) => row[i] ?? "").reduce((a, b) => (b.length > a.length ? b : a), ""));
}
