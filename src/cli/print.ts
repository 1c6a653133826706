/** Objects as text: tables with the columns of the CRDs, YAML, JSON, names, JSONPath. Pure. */
import type { AnyResource, EventRecord } from "../api/kinds.js";
import { type PrinterColumn, qualifiedName, type ResourceInfo } from "../api/resources.js";
import { OperatorError } from "../base/errors.js";
import { maskCredentials } from "../base/mask.js";
import { safeJson, safeText } from "../base/safe-text.js";
import { ageOf } from "./age.js";
import type { Column } from "./table.js";

export type OutputFormat =
  | { readonly type: "table"; readonly wide: boolean; readonly custom?: readonly CustomColumn[] }
  | { readonly type: "yaml" }
  | { readonly type: "json" }
  | { readonly type: "name" }
  | { readonly type: "jsonpath"; readonly template: string };

/** A column that the user asks for. */
export interface CustomColumn {
  readonly title: string;
  /** As `valuesAt` takes it. */
  readonly path: string;
}

/** `NAME:.metadata.name,PHASE:.status.phase` */
function parseColumns(text: string): CustomColumn[] {
  return text.split(",").map((column) => {
    const [, title, path] = /^([^:]+):\{?([^{}]+)\}?$/.exec(column.trim()) ?? [];
    if (title === undefined || path === undefined)
      throw new OperatorError("COMMAND_INVALID", {
        problem: `-o custom-columns: "${column}" is not TITLE:PATH, such as NAME:.metadata.name`,
      });
    return { title, path };
  });
}

/** @throws OperatorError COMMAND_INVALID */
export function parseFormat(text: string | undefined): OutputFormat {
  if (text === undefined) return { type: "table", wide: false };
  if (text === "wide") return { type: "table", wide: true };
  if (text === "yaml" || text === "json" || text === "name") return { type: text };
  const columns = /^custom-columns=([\s\S]*)$/.exec(text)?.[1];
  if (columns !== undefined) return { type: "table", wide: false, custom: parseColumns(columns) };
  const template = /^jsonpath=([\s\S]+)$/.exec(text)?.[1];
  if (template !== undefined) return { type: "jsonpath", template };
  throw new OperatorError("COMMAND_INVALID", { problem: `-o ${text} is not wide, yaml, json, name, jsonpath=… or custom-columns=…` });
}

/** How a table of a kind looks. */
export interface TableForm {
  readonly info: ResourceInfo;
  readonly wide: boolean;
  readonly withNamespace: boolean;
  /** Several kinds are printed: names say which. */
  readonly withKind: boolean;
  readonly noHeaders: boolean;
  readonly withLabels: boolean;
  /** These columns and no others. */
  readonly custom?: readonly CustomColumn[];
}

export function tableColumns({ info, withNamespace, withLabels, wide, custom }: TableForm): Column[] {
  if (custom !== undefined) return custom.map(({ title }) => ({ title }));
  const titles = [
    ...(withNamespace ? ["Namespace"] : []),
    ...(info.kind === "Event" ? [] : ["Name"]),
    ...columnsOf(info, wide).map(({ name }) => name),
    ...(withLabels ? ["Labels"] : []),
  ];
  return titles.map((title) => ({ title: title.toUpperCase() }));
}

/** @param values of a path of the object, as `valuesAt` gives them. */
export function tableRow(
  object: AnyResource,
  form: TableForm,
  values: (path: string, object: unknown) => unknown[],
  wallMs: number,
): string[] {
  const { info, withNamespace, withKind, withLabels, wide, custom } = form;
  if (custom !== undefined) return custom.map(({ path }) => listText(values(path, object)));
  const { name, namespace, labels = {} } = object.metadata;
  const shown = withKind ? qualifiedName(object.kind, name) : name;
  const cells = columnsOf(info, wide).map((column) => cellText(object, column, values, wallMs));
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  const labelCells = withLabels ? [pairs.join(",") || "<none>"] : [];
  return [...(withNamespace ? [namespace] : []), ...(info.kind === "Event" ? [] : [shown]), ...cells, ...labelCells];
}

function listText(values: readonly unknown[]): string {
  const texts = values.map((value) => (typeof value === "string" ? value : JSON.stringify(value)));
  return texts.length === 0 ? "<none>" : texts.join(",");
}

function columnsOf({ columns }: ResourceInfo, wide: boolean): readonly PrinterColumn[] {
  return columns.filter(({ priority }) => wide || priority === 0);
}

function cellText(
  object: AnyResource,
  column: PrinterColumn,
  values: (path: string, object: unknown) => unknown[],
  wallMs: number,
): string {
  if (object.kind === "Event" && column.name === "Object") return regardingText(object);
  const [value] = values(column.jsonPath, object);
  if (value === undefined || value === null) return "";
  return column.type === "date" ? ageOf(String(value), wallMs) : String(value);
}

/** `videoflow/f`: what an event is about. */
export function regardingText({ involvedObject }: EventRecord): string {
  return `${involvedObject.kind.toLowerCase()}/${involvedObject.name}`;
}

/**
 * Whole objects as harmless text; one alone, or several as a List.
 *
 * What their writers gave stands there as it is, so that it can be applied again; what agent and controller say about it is masked.
 */
export async function renderObjects(
  objects: readonly AnyResource[],
  format: Exclude<OutputFormat, { type: "table" }>,
  single: boolean,
): Promise<string> {
  if (format.type === "name") return objects.map(({ kind, metadata }) => `${qualifiedName(kind, metadata.name)}\n`).join("");
  const shown = objects.map(withMaskedReport);
  const document = single ? shown[0] : { apiVersion: "v1", kind: "List", metadata: {}, items: shown };
  if (format.type === "json") return `${safeJson(JSON.stringify(document, null, 2))}\n`;
  if (format.type === "yaml") return (await import("./yaml-text.js")).yamlText(document);
  const { renderTemplate } = await import("./json-path.js");
  return safeText(renderTemplate(format.template, document));
}

function withMaskedReport(object: AnyResource): unknown {
  if (object.kind === "Event") return masked(object);
  return "status" in object ? { ...object, status: masked(object.status) } : object;
}

function masked(value: unknown): unknown {
  if (typeof value === "string") return maskCredentials(value);
  if (Array.isArray(value)) return value.map(masked);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, masked(item)]));
}

/** The name as it stands in messages: `videoflow.videoflow.io/f`. */
export function told({ kind, metadata }: Pick<AnyResource, "kind"> & { readonly metadata: { readonly name: string } }): string {
  return qualifiedName(kind, metadata.name);
}
