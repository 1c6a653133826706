/** kubectl's JSONPath templates: `{.items[*].metadata.name}{"\n"}`, `{range .items[*]}…{end}`. Expressions are evaluated without `eval`. */
import { JSONPath } from "jsonpath-plus";
import { OperatorError } from "../base/errors.js";

type Part =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "path"; readonly path: string }
  | { readonly type: "range"; readonly path: string; readonly body: readonly Part[] };

/** All values at a path, written as kubectl writes it: `.status.conditions[?(@.type=="Ready")].status`. */
export function valuesAt(path: string, object: unknown): unknown[] {
  try {
    const found: unknown = JSONPath({ path: standardPath(path), json: object as object, wrap: true, eval: "safe", ignoreEvalErrors: true });
    return Array.isArray(found) ? found : [];
  } catch (error) {
    throw new OperatorError("JSONPATH_INVALID", { path, problem: error instanceof Error ? error.message : String(error) });
  }
}

/** A template against an object. A template without braces is one path. */
export function renderTemplate(template: string, object: unknown): string {
  const text = template.includes("{") ? template : `{${template}}`;
  const tokens = tokensOf(text);
  const parts = parse(tokens, template);
  return render(parts, object);
}

function render(parts: readonly Part[], object: unknown): string {
  return parts
    .map((part) => {
      if (part.type === "text") return part.text;
      const values = valuesAt(part.path, object);
      return part.type === "path" ? values.map(valueText).join(" ") : values.map((value) => render(part.body, value)).join("");
    })
    .join("");
}

export function valueText(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}

/** Text outside of braces and what stands inside of each pair; braces in quotes and filters do not count. */
function tokensOf(template: string): { readonly inside: boolean; readonly text: string }[] {
  const pattern = /\{((?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^{}"'])*)\}|([^{}]+)/gy;
  const tokens: { inside: boolean; text: string }[] = [];
  let end = 0;
  for (const match of template.matchAll(pattern)) {
    end = match.index + match[0].length;
    tokens.push(match[1] === undefined ? { inside: false, text: match[2] ?? "" } : { inside: true, text: match[1].trim() });
  }
  if (end < template.length) throw new OperatorError("JSONPATH_INVALID", { path: template, problem: `"{" and "}" do not match at ${end}` });
  return tokens;
}

function parse(tokens: readonly { readonly inside: boolean; readonly text: string }[], template: string): Part[] {
  const open: { readonly path: string; readonly body: Part[] }[] = [{ path: "", body: [] }];
  for (const { inside, text } of tokens) {
    const body = (open.at(-1) as { body: Part[] }).body;
    if (!inside) body.push({ type: "text", text });
    else if (/^["']/.test(text)) body.push({ type: "text", text: unquoted(text, template) });
    else if (text.startsWith("range ")) open.push({ path: text.slice("range ".length).trim(), body: [] });
    else if (text === "end") {
      const range = open.pop();
      const outer = open.at(-1);
      if (range === undefined || outer === undefined)
        throw new OperatorError("JSONPATH_INVALID", { path: template, problem: "{end} without {range}" });
      outer.body.push({ type: "range", path: range.path, body: range.body });
    } else body.push({ type: "path", path: text });
  }
  if (open.length > 1) throw new OperatorError("JSONPATH_INVALID", { path: template, problem: "{range} without {end}" });
  return (open[0] as { body: Part[] }).body;
}

function unquoted(text: string, template: string): string {
  const inner = text.slice(1, -1).replace(/\\'/g, "'");
  try {
    return JSON.parse(text.startsWith("'") ? `"${inner.replace(/(?<!\\)"/g, '\\"')}"` : text) as string;
  } catch {
    throw new OperatorError("JSONPATH_INVALID", { path: template, problem: `${text} is not a text in quotes` });
  }
}

/** `.metadata.labels.app\.io/name` in the standard's form: `$.metadata.labels['app.io/name']`. */
function standardPath(path: string): string {
  const rooted = path.replace(/^\$/, "").replace(/^@/, "");
  const dotted = rooted === "" || /^[.[]/.test(rooted) ? rooted : `.${rooted}`;
  const plain = dotted === "." ? "" : dotted;
  return `$${plain.replace(/\.((?:[^.[\]\\]|\\.)*\\\.(?:[^.[\]\\]|\\.)*)/g, (_all, key: string) => `['${key.replace(/\\(.)/g, "$1")}']`)}`;
}
