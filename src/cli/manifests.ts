/** The objects that `apply` and `delete` find in files, folders and standard input, or all of their problems at once. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, extname, join, resolve } from "node:path";
import { API_VERSION, type NewMetadata } from "../api/kinds.js";
import { locateProblems, type ParsedDocument, parseManifests } from "../api/parse.js";
import type { Problem } from "../api/problem.js";
import { isRecord } from "../api/schema.js";
import type { ComponentDescriptor } from "../flow/descriptor.js";
import { checkDocument, checkFlow, MODULE_EXTENSIONS, readModule, unreadable } from "./flow-file.js";
import type { FlowDocument, World } from "./world.js";

/** A path that was made absolute. */
export interface MovedPath {
  /** `spec.nodes[0].params.path` */
  readonly path: string;
  readonly written: string;
  readonly absolute: string;
}

export type Manifest =
  | {
      readonly kind: "VideoFlow";
      readonly flow: FlowDocument;
      /** Which of the fields that commands change the document says itself. */
      readonly says: { readonly desiredState: boolean; readonly run: boolean };
      readonly moved: readonly MovedPath[];
    }
  | { readonly kind: "Host"; readonly name: string; readonly schedulable: boolean };

export interface Manifests {
  readonly manifests: readonly Manifest[];
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

const TEXTS = new Set([".yaml", ".yml", ".json"]);
export const STDIN = "-";

/**
 * Reads all manifests of some places.
 *
 * @param places files, folders (their .yaml, .yml and .json, by name), `-` for standard input.
 * @param local  the files that flows name are on this machine: paths are made absolute and looked at.
 */
export async function readManifests(places: readonly string[], world: World, local: boolean): Promise<Manifests> {
  const descriptors = await world.engine.descriptors();
  const read = await Promise.all(places.map((place) => readPlace(place, world)));
  const problems: Problem[] = read.flatMap((one) => one.problems);
  const warnings: Problem[] = [];
  const manifests: Manifest[] = [];
  for (const { document, folder } of read.flatMap((one) => one.documents)) {
    const checked = check(document, local ? folder : undefined, descriptors);
    problems.push(...checked.problems);
    warnings.push(...checked.warnings);
    manifests.push(...checked.manifests);
  }
  if (problems.length === 0 && manifests.length === 0) problems.push(nothing(places.join(", ")));
  return { manifests, problems: [...problems, ...repeated(manifests)], warnings };
}

interface Found {
  readonly documents: readonly { readonly document: ParsedDocument; readonly folder: string }[];
  readonly problems: readonly Problem[];
}

async function readPlace(place: string, world: World): Promise<Found> {
  try {
    if (place === STDIN) return parsed(await (world.readInput?.() ?? Promise.resolve("")), "<stdin>", world.cwd);
    const path = resolve(world.cwd, place);
    if (!statSync(path).isDirectory()) return await readFile(path, place, world);
    const files = readdirSync(path).filter((name) => TEXTS.has(extname(name)));
    const all = await Promise.all(files.toSorted().map((name) => readFile(join(path, name), join(place, name), world)));
    return { documents: all.flatMap((one) => one.documents), problems: all.flatMap((one) => one.problems) };
  } catch (error) {
    return { documents: [], problems: [unreadable(place, error)] };
  }
}

async function readFile(path: string, source: string, world: World): Promise<Found> {
  if (!MODULE_EXTENSIONS.has(extname(path))) return parsed(readFileSync(path, "utf8"), source, dirname(path));
  const { documents, problems } = await readModule(path, source, world);
  return { documents: documents.map((document) => ({ document, folder: dirname(path) })), problems };
}

function parsed(text: string, source: string, folder: string): Found {
  const { documents, problems } = parseManifests(text, source);
  return { documents: documents.flatMap(itemsOf).map((document) => ({ document, folder })), problems };
}

/** The items of a List, as `get -o yaml` prints it; any other document is itself. */
function itemsOf(document: ParsedDocument): ParsedDocument[] {
  const { value } = document;
  if (!isRecord(value) || value["kind"] !== "List" || !Array.isArray(value["items"])) return [document];
  return value["items"].map((item: unknown, i) => ({
    value: item,
    source: document.source,
    positionOf: (path) => document.positionOf(`items[${i}]${path === "" ? "" : `.${path}`}`),
  }));
}

type Checked = Pick<Manifests, "manifests" | "problems" | "warnings">;

function check(document: ParsedDocument, folder: string | undefined, descriptors: ReadonlyMap<string, ComponentDescriptor>): Checked {
  const { value } = document;
  if (isRecord(value) && value["kind"] === "Host") return checkHost(document, value);
  const { flows, problems, warnings } =
    folder === undefined ? checkRemote(document, descriptors) : checkDocument(document, folder, descriptors);
  const spec = isRecord(value) && isRecord(value["spec"]) ? value["spec"] : {};
  const says = { desiredState: Object.hasOwn(spec, "desiredState"), run: Object.hasOwn(spec, "run") };
  const manifests = flows.map((flow): Manifest => ({ kind: "VideoFlow", flow, says, moved: movedPaths(spec, flow.spec) }));
  return { manifests, problems, warnings };
}

/** A flow whose files are elsewhere: its paths stay as they are, for the agent that runs it. */
function checkRemote(document: ParsedDocument, descriptors: ReadonlyMap<string, ComponentDescriptor>) {
  const { flow, rules } = checkFlow(document.value, descriptors);
  return {
    flows: flow === undefined ? [] : [flow],
    problems: locateProblems(document, rules.problems),
    warnings: locateProblems(document, rules.warnings),
  };
}

function checkHost(document: ParsedDocument, value: Readonly<Record<string, unknown>>): Checked {
  const metadata = isRecord(value["metadata"]) ? (value["metadata"] as Partial<NewMetadata>) : {};
  const spec = isRecord(value["spec"]) ? value["spec"] : {};
  const problems: Problem[] = [];
  if (value["apiVersion"] !== API_VERSION)
    problems.push({ path: "apiVersion", problem: `must be ${API_VERSION}`, fix: `Write apiVersion: ${API_VERSION}.` });
  if (typeof metadata.name !== "string")
    problems.push({ path: "metadata.name", problem: "is missing", fix: "Name the host; videoflow get vhost lists them." });
  if (typeof spec["schedulable"] !== "boolean") {
    problems.push({
      path: "spec.schedulable",
      problem: "must be true or false",
      fix: "Write schedulable: false to place no new flows there.",
    });
  }
  if (problems.length > 0) return { manifests: [], problems: locateProblems(document, problems), warnings: [] };
  return {
    manifests: [{ kind: "Host", name: metadata.name as string, schedulable: spec["schedulable"] as boolean }],
    problems,
    warnings: [],
  };
}

/** Texts of a spec that were written otherwise than they are now: relative paths. */
function movedPaths(written: unknown, resolved: unknown, path = "spec"): MovedPath[] {
  if (typeof written === "string" && typeof resolved === "string")
    return written === resolved ? [] : [{ path, written, absolute: resolved }];
  if (Array.isArray(written) && Array.isArray(resolved))
    return written.flatMap((item, i) => movedPaths(item, resolved[i], `${path}[${i}]`));
  if (!isRecord(written) || !isRecord(resolved)) return [];
  return Object.keys(written).flatMap((name) => movedPaths(written[name], resolved[name], `${path}.${name}`));
}

/** The same object twice: the second would undo the first. */
function repeated(manifests: readonly Manifest[]): Problem[] {
  const names = manifests.map((manifest) =>
    manifest.kind === "Host"
      ? `Host ${manifest.name}`
      : `VideoFlow ${manifest.flow.metadata.namespace ?? "default"}/${manifest.flow.metadata.name}`,
  );
  const twice = [...new Set(names.filter((name, i) => names.indexOf(name) !== i))];
  return twice.map((name) => ({ path: "metadata.name", problem: `${name} is given more than once`, fix: "Give each object once." }));
}

function nothing(source: string): Problem {
  return { source, path: "", problem: "there is no object", fix: "Write a document of kind VideoFlow, or build a Flow in the module." };
}
