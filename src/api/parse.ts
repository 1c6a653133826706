/** Manifests: YAML or JSON text to documents, with the place of every field. */
import { type Document, isMap, isNode, isScalar, isSeq, LineCounter, type Node, type Pair, parseAllDocuments } from "yaml";
import { errorText } from "../base/errors.js";
import { type PathSegment, parsePath } from "./path.js";
import type { Problem } from "./problem.js";

/** Longer texts are refused: a manifest is written by people. */
export const MAX_MANIFEST_BYTES = 1024 * 1024;
const MAX_DOCUMENTS = 256;
const MAX_ALIASES = 100;
const MAX_ERRORS = 20;
const MAX_NESTING = 200;

/** Where a field stands; both from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface ParsedDocument {
  /** The document as plain data; `__proto__` is an ordinary key. */
  readonly value: unknown;
  readonly source: string;
  /** @returns where `spec.nodes[2].nbTasks` stands, or its nearest ancestor that is there. */
  positionOf(path: string): Position | undefined;
}

export interface ParsedManifests {
  readonly documents: readonly ParsedDocument[];
  readonly problems: readonly Problem[];
}

/** Parses all documents of a text; empty ones are passed over. Never throws. */
export function parseManifests(text: string, source: string): ParsedManifests {
  const tooMuch = boundProblem(text);
  if (tooMuch !== undefined) return { documents: [], problems: [{ source, path: "", ...tooMuch }] };
  try {
    return readDocuments(text, source);
  } catch (error) {
    const problem = `cannot be read as YAML: ${errorText(error)}`;
    return { documents: [], problems: [{ source, path: "", problem, fix: "Correct the syntax near the deepest nesting" }] };
  }
}

/** Adds source, line and column to problems of a document, and puts them in the order of the text. */
export function locateProblems(document: ParsedDocument, problems: readonly Problem[]): Problem[] {
  const located: Problem[] = problems.map((problem) => ({ ...problem, source: document.source, ...document.positionOf(problem.path) }));
  return located.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
}

function boundProblem(text: string): Pick<Problem, "problem" | "got" | "fix"> | undefined {
  if (text.length > MAX_MANIFEST_BYTES) {
    return {
      problem: `is longer than ${MAX_MANIFEST_BYTES} characters`,
      got: String(text.length),
      fix: "Split it, or put bulk data into files of its own",
    };
  }
  const nesting = flowNesting(text);
  return nesting > MAX_NESTING
    ? { problem: "is nested too deeply", got: `${nesting} open brackets`, fix: "Nest less than 64 deep" }
    : undefined;
}

/** The most brackets open at once, quotes not understood: an upper bound. */
function flowNesting(text: string): number {
  let open = 0;
  let most = 0;
  for (const [bracket] of text.matchAll(/[[\]{}]/g)) {
    open = Math.max(0, open + (bracket === "[" || bracket === "{" ? 1 : -1));
    most = Math.max(most, open);
  }
  return most;
}

function readDocuments(text: string, source: string): ParsedManifests {
  const lines = new LineCounter();
  const parsed = [...parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false, logLevel: "silent" })];
  const documents: ParsedDocument[] = [];
  const problems: Problem[] = [];
  for (const document of parsed.slice(0, MAX_DOCUMENTS)) {
    const faults = [...syntaxProblems(document, lines), ...repeatedKeys(document.contents, lines)];
    const read = faults.length > 0 ? undefined : toDocument(document, source, lines);
    if (read === undefined) problems.push(...faults.map((fault) => ({ source, ...fault })));
    else if ("problem" in read) problems.push(read);
    else if (read.value !== null && read.value !== undefined) documents.push(read);
  }
  if (parsed.length > MAX_DOCUMENTS) {
    problems.push({
      source,
      path: "",
      problem: `has more than ${MAX_DOCUMENTS} documents`,
      got: String(parsed.length),
      fix: "Split the file",
    });
  }
  return { documents, problems };
}

/** One for each place: what the parser says next of the same place follows from the first. */
function syntaxProblems(document: Document.Parsed, lines: LineCounter): Problem[] {
  const first = document.errors.filter(({ pos }, i, all) => all.findIndex((other) => other.pos[0] === pos[0]) === i);
  return first.slice(0, MAX_ERRORS).map((error) => ({
    path: "",
    ...positionAt(lines, error.pos[0]),
    problem: error.message.split("\n")[0]?.replace(/[.:]$/, "") ?? "is not YAML",
    fix: /tab/i.test(error.message) ? "Indent with spaces" : "Correct the indentation or the punctuation here, or in the line above",
  }));
}

/** A key that stands twice in one map. Sets instead of the parser's pairwise comparison: long maps stay fast. */
function repeatedKeys(contents: unknown, lines: LineCounter): Problem[] {
  const problems: Problem[] = [];
  const walk = (node: unknown): void => {
    if (isSeq(node)) for (const item of node.items) walk(item);
    if (!isMap(node)) return;
    const seen = new Set<string>();
    for (const pair of node.items) {
      const key = keyText(pair);
      if (seen.has(key) && problems.length < MAX_ERRORS) {
        problems.push({
          path: "",
          ...keyPosition(pair, lines),
          problem: `the key ${key.slice(0, 40)} stands twice in one map`,
          fix: "Remove one of them",
        });
      }
      seen.add(key);
      walk(pair.value);
    }
  };
  walk(contents);
  return problems;
}

function toDocument(document: Document.Parsed, source: string, lines: LineCounter): ParsedDocument | Problem {
  try {
    const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
    if (containsItself(value)) throw new Error("an alias stands inside of what it names");
    return { value, source, positionOf: (path) => findPosition(document.contents, parsePath(path), lines) };
  } catch (error) {
    return {
      source,
      path: "",
      ...positionAt(lines, document.range[0]),
      problem: errorText(error),
      fix: "Write out what the aliases stand for",
    };
  }
}

function containsItself(value: unknown, above = new Set<unknown>(), done = new Set<unknown>()): boolean {
  if (typeof value !== "object" || value === null || done.has(value)) return false;
  if (above.has(value)) return true;
  above.add(value);
  const found = Object.values(value).some((child) => containsItself(child, above, done));
  above.delete(value);
  done.add(value);
  return found;
}

function findPosition(contents: unknown, segments: readonly PathSegment[], lines: LineCounter): Position | undefined {
  let at: unknown = contents;
  let position = nodePosition(contents, lines);
  for (const segment of segments) {
    const pair: Pair | undefined = isMap(at) ? at.items.find((item) => keyText(item) === String(segment)) : undefined;
    const item: unknown = isSeq(at) && typeof segment === "number" ? at.items[segment] : pair?.value;
    const place = pair === undefined ? nodePosition(item, lines) : keyPosition(pair, lines);
    if (place === undefined) break;
    position = place;
    at = item;
  }
  return position;
}

function keyText(pair: Pair): string {
  return isScalar(pair.key) ? String(pair.key.value) : String(pair.key);
}

function keyPosition(pair: Pair, lines: LineCounter): Position | undefined {
  return nodePosition(pair.key, lines);
}

function nodePosition(node: unknown, lines: LineCounter): Position | undefined {
  const range = isNode(node) ? (node as Node).range : undefined;
  return range === undefined || range === null ? undefined : positionAt(lines, range[0]);
}

function positionAt(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}
