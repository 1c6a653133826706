/** From a file to flows that can run, or to all of its problems at once. */
import { readFileSync } from "node:fs";
import { dirname, extname, resolve } from "node:path";
import type { VideoFlowSpec } from "../api/kinds.js";
import { locateProblems, type ParsedDocument, parseManifests } from "../api/parse.js";
import { formatProblem, type Problem } from "../api/problem.js";
import { validateVideoFlow } from "../api/validate.js";
import { errorText, OperatorError } from "../base/errors.js";
import type { ComponentDescriptor } from "../flow/descriptor.js";
import { validateSpec } from "../flow/validate.js";
import { LOOK_UP, type LookUp, resolvePaths } from "./resolve.js";
import type { FlowDocument, World } from "./world.js";

/** What a file holds. Only a file without problems can be run. */
export interface FlowFile {
  readonly flows: readonly FlowDocument[];
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

export const MODULE_EXTENSIONS = new Set([".ts", ".mts", ".js", ".mjs"]);

/** Reads, validates and resolves all flows of a file. What is wrong with the file becomes a problem, never an error. */
export async function readFlowFile(file: string, world: World): Promise<FlowFile> {
  const path = resolve(world.cwd, file);
  const descriptors = await world.engine.descriptors();
  const found = await readDocuments(path, file, world);
  const checked = found.documents.map((document) => checkDocument(document, dirname(path), descriptors));
  const problems = [...found.problems, ...checked.flatMap((one) => one.problems)];
  if (problems.length === 0 && checked.length === 0) problems.push(noFlow(file));
  return { flows: checked.flatMap((one) => one.flows), problems, warnings: checked.flatMap((one) => one.warnings) };
}

/**
 * The one flow of a file, ready to run. Its warnings are part of what is decided about it, and shown there.
 *
 * @param name which one, if the file holds several.
 * @throws OperatorError FLOW_INVALID with all problems.
 */
export async function loadFlow(file: string, world: World, name?: string): Promise<FlowDocument> {
  const { flows, problems } = await readFlowFile(file, world);
  if (problems.length > 0) throw new OperatorError("FLOW_INVALID", { flow: file, problems: problems.map(formatProblem) });
  const chosen = name === undefined ? flows : flows.filter(({ metadata }) => metadata.name === name);
  const [flow] = chosen;
  if (flow !== undefined && chosen.length === 1) return flow;
  throw new OperatorError("FLOW_INVALID", { flow: file, problems: [formatProblem(wrongCount(file, flows, name))] });
}

/** Who the one flow of a file is, whatever else is wrong with it; undefined if the file does not say. */
export async function metadataIn(
  file: string,
  world: World,
  name?: string,
): Promise<{ readonly name: string; readonly namespace?: string } | undefined> {
  const { documents } = await readDocuments(resolve(world.cwd, file), file, world);
  const found = documents.flatMap(({ value }) => {
    const { kind, metadata } = (value ?? {}) as { kind?: unknown; metadata?: { name?: unknown; namespace?: unknown } };
    const own = metadata?.namespace;
    return kind === "VideoFlow" && typeof metadata?.name === "string"
      ? [{ name: metadata.name, ...(typeof own === "string" ? { namespace: own } : {}) }]
      : [];
  });
  const chosen = name === undefined ? found : found.filter((one) => one.name === name);
  return chosen.length === 1 ? chosen[0] : undefined;
}

export interface Documents {
  readonly documents: readonly ParsedDocument[];
  readonly problems: readonly Problem[];
}

async function readDocuments(path: string, source: string, world: World): Promise<Documents> {
  try {
    if (MODULE_EXTENSIONS.has(extname(path))) return await readModule(path, source, world);
    return parseManifests(readFileSync(path, "utf8"), source);
  } catch (error) {
    return { documents: [], problems: [unreadable(source, error)] };
  }
}

/** The flows that a module builds. */
export async function readModule(path: string, source: string, world: World): Promise<Documents> {
  const values = await world.engine.loadModule(path);
  return { documents: values.map((value) => ({ value, source, positionOf: () => undefined })), problems: [] };
}

/** Validates one document and makes its paths absolute against `folder`. */
export function checkDocument(
  document: ParsedDocument,
  folder: string,
  descriptors: ReadonlyMap<string, ComponentDescriptor>,
  lookUp: LookUp = LOOK_UP,
): FlowFile {
  const describe = (component: string) => descriptors.get(component);
  const { flow, rules } = checkFlow(document.value, descriptors);
  if (flow === undefined) return { flows: [], problems: locateProblems(document, rules.problems), warnings: [] };
  const resolved = resolvePaths(flow, folder, describe, lookUp);
  const problems = [...rules.problems, ...resolved.problems];
  return { flows: [resolved.flow], problems: locateProblems(document, problems), warnings: locateProblems(document, rules.warnings) };
}

/** Shape and rules of one flow; all problems at once. @returns the flow with its defaults if its shape is right. */
export function checkFlow(value: unknown, descriptors: ReadonlyMap<string, ComponentDescriptor>) {
  const { flow, sound, problems } = validateVideoFlow(value);
  const options = { describe: (component: string) => descriptors.get(component), builtIns: descriptors.keys() };
  if (flow !== undefined) return { flow, rules: validateSpec(flow.spec as VideoFlowSpec, options) };
  const further = sound === undefined ? [] : validateSpec(sound.spec as VideoFlowSpec, options).problems;
  return { flow, rules: { problems: [...problems, ...further.filter(({ path }) => sound?.isClear(path))], warnings: [] } };
}

/** Why a file cannot be read. */
export function unreadable(source: string, error: unknown): Problem {
  if (error instanceof OperatorError) return { source, path: "", problem: error.problem, fix: error.fix };
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (code === "ENOENT") return { source, path: "", problem: "there is no such file", fix: "Correct the path of the flow file." };
  if (code === "EISDIR") return { source, path: "", problem: "this is a folder", fix: "Name one flow file in it." };
  return { source, path: "", problem: errorText(error), fix: "Correct the file." };
}

function noFlow(source: string): Problem {
  return { source, path: "", problem: "the file holds no flow", fix: "Write a document of kind VideoFlow, or build a Flow in the module." };
}

function wrongCount(source: string, flows: readonly FlowDocument[], name: string | undefined): Problem {
  const names = flows.map(({ metadata }) => metadata.name).join(", ");
  if (name === undefined)
    return { source, path: "", problem: `the file holds ${flows.length} flows: ${names}`, fix: "Choose one with --flow NAME." };
  const count = flows.filter(({ metadata }) => metadata.name === name).length;
  const problem = count === 0 ? `the file holds no flow "${name}", but ${names}` : `the file holds ${count} flows "${name}"`;
  return { source, path: "", problem, fix: count === 0 ? "Give --flow one of these names." : "Give each flow a name of its own." };
}
