/**
 * Decides which flows the files of a watched folder ask for: a file added, changed, removed is a flow applied, changed,
 * deleted. Knows what the files hold and which flows exist; must not know files or stores. Pure and level-triggered.
 */
import { createHash } from "node:crypto";
import { DEFAULT_NAMESPACE, type NewResource, type VideoFlow } from "../../api/kinds.js";

/** Name of the file that a flow comes from. */
export const MANIFEST_FILE = "videoflow.io/manifest-file";
/** Hash of the spec that the file held when it was applied: what people change by hand stays until the file changes. */
export const MANIFEST_HASH = "videoflow.io/manifest-hash";

export interface ManifestFile {
  readonly name: string;
  /** Ready to be stored; none if there is a problem. */
  readonly flows: readonly NewResource<"VideoFlow">[];
  /** All that is wrong with the file: then nothing of it is applied, and what runs of it stays. */
  readonly problems: readonly string[];
}

export type ManifestChange =
  | { readonly op: "create"; readonly flow: NewResource<"VideoFlow">; readonly why: string }
  | { readonly op: "update"; readonly flow: VideoFlow; readonly why: string }
  | { readonly op: "delete"; readonly flow: VideoFlow; readonly why: string };

/** What stands in the way of a file or one of its flows; said when it comes up. */
export interface ManifestProblem {
  readonly file: string;
  /** `<namespace>/<name>` of a flow that exists. */
  readonly flow?: string;
  readonly text: string;
}

export interface ManifestPlan {
  readonly changes: readonly ManifestChange[];
  readonly problems: readonly ManifestProblem[];
}

/**
 * @param files all files of the folder, by name.
 * @param flows all flows that exist.
 */
export function reconcileManifests(files: readonly ManifestFile[], flows: readonly VideoFlow[]): ManifestPlan {
  const existing = new Map(flows.map((flow) => [idOf(flow.metadata), flow]));
  const wanted = new Map<string, string>();
  const changes: ManifestChange[] = [];
  const problems: ManifestProblem[] = [];
  for (const file of files.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    problems.push(...problemsOf(file, flows));
    for (const flow of file.flows) {
      const id = idOf(flow.metadata);
      const first = wanted.get(id);
      const present = existing.get(id);
      if (first !== undefined) problems.push({ file: file.name, text: `flow ${id} is in ${first} already: that one counts` });
      else if (present !== undefined && !isOurs(present)) problems.push(notOurs(file.name, id));
      else changes.push(...applyFlow(file.name, flow, present));
      wanted.set(id, first ?? file.name);
    }
  }
  return { changes: [...changes, ...deletions(files, wanted, flows)], problems };
}

function problemsOf({ name, problems }: ManifestFile, flows: readonly VideoFlow[]): ManifestProblem[] {
  if (problems.length === 0) return [];
  const text = `not applied: ${problems.join("; ")}`;
  const running = flows.filter(({ metadata }) => metadata.annotations?.[MANIFEST_FILE] === name);
  return running.length === 0
    ? [{ file: name, text }]
    : running.map(({ metadata }) => ({ file: name, flow: idOf(metadata), text: `${text}; the flow stays as it is` }));
}

function notOurs(file: string, id: string): ManifestProblem {
  return { file, text: `flow ${id} exists and was not made from this folder: delete it, or give this one another name` };
}

function applyFlow(file: string, flow: NewResource<"VideoFlow">, present: VideoFlow | undefined): ManifestChange[] {
  const marks = { [MANIFEST_FILE]: file, [MANIFEST_HASH]: hashOf(flow.spec) };
  if (present === undefined) {
    const metadata = { ...flow.metadata, annotations: { ...flow.metadata.annotations, ...marks } };
    return [{ op: "create", flow: { ...flow, metadata }, why: `it is in ${file}` }];
  }
  if (present.metadata.deletionTimestamp !== undefined) return []; // It comes back when it is gone: its file stands.
  if (present.metadata.annotations?.[MANIFEST_HASH] === marks[MANIFEST_HASH] && present.metadata.annotations[MANIFEST_FILE] === file)
    return [];
  if (present.spec.flowType !== flow.spec.flowType)
    return [{ op: "delete", flow: present, why: `${file} makes it ${flow.spec.flowType}: it is made anew` }];
  const annotations = { ...present.metadata.annotations, ...flow.metadata.annotations, ...marks };
  const labels = { ...present.metadata.labels, ...flow.metadata.labels };
  return [
    {
      op: "update",
      flow: { ...present, metadata: { ...present.metadata, annotations, labels }, spec: flow.spec },
      why: `${file} has changed`,
    },
  ];
}

/** What came from a file that is gone, or that holds the flow no more. A file that cannot be read says nothing. */
function deletions(files: readonly ManifestFile[], wanted: ReadonlyMap<string, string>, flows: readonly VideoFlow[]): ManifestChange[] {
  const unreadable = new Set(files.filter(({ problems }) => problems.length > 0).map(({ name }) => name));
  const gone = flows.filter((flow) => {
    const file = flow.metadata.annotations?.[MANIFEST_FILE];
    return file !== undefined && !wanted.has(idOf(flow.metadata)) && !unreadable.has(file) && flow.metadata.deletionTimestamp === undefined;
  });
  return gone.map((flow) => ({ op: "delete", flow, why: `it is no longer in ${flow.metadata.annotations?.[MANIFEST_FILE]}` }));
}

function isOurs({ metadata }: VideoFlow): boolean {
  return metadata.annotations?.[MANIFEST_FILE] !== undefined;
}

function idOf({ namespace = DEFAULT_NAMESPACE, name }: { readonly namespace?: string; readonly name: string }): string {
  return `${namespace}/${name}`;
}

function hashOf(spec: unknown): string {
  return createHash("sha256").update(JSON.stringify(spec)).digest("hex").slice(0, 16);
}
