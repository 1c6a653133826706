/** `videoflow apply`: makes the stored objects what some files say. */
import { isDeepStrictEqual } from "node:util";
import type { VideoFlow } from "../api/kinds.js";
import { formatProblem } from "../api/problem.js";
import { safeText } from "../base/safe-text.js";
import { isLostRace } from "../store/store.js";
import { type ClientFlags, keyOf, notFound, withConnection } from "./client.js";
import { EXIT, type ExitCode } from "./exit-codes.js";
import { type Manifest, type MovedPath, readManifests } from "./manifests.js";
import { told } from "./print.js";
import type { Connection, FlowDocument, World } from "./world.js";

export interface ApplyFlags extends ClientFlags {
  readonly filename: readonly string[];
  readonly dryRun?: boolean;
}

type Outcome = "created" | "configured" | "unchanged";

/** How often a write is tried again that lost against another. */
const MOST_ATTEMPTS = 10;

/** @returns usage if some document has a problem: then nothing was written. */
export async function apply(flags: ApplyFlags, world: World): Promise<ExitCode> {
  return withConnection(flags, world, async (connection) => {
    const { manifests, problems, warnings } = await readManifests(flags.filename, world, connection.services !== undefined);
    for (const problem of problems) world.err.write(`${safeText(formatProblem(problem))}\n`);
    if (problems.length > 0) return EXIT.usage;
    for (const warning of warnings) world.err.write(`warning: ${safeText(formatProblem(warning))}\n`);
    for (const manifest of manifests) await applyOne(connection, manifest, flags.dryRun === true, world);
    return EXIT.success;
  });
}

async function applyOne(connection: Connection, manifest: Manifest, isDry: boolean, { out }: World): Promise<void> {
  const outcome = manifest.kind === "Host" ? await applyHost(connection, manifest, isDry) : await applyFlow(connection, manifest, isDry);
  const name = manifest.kind === "Host" ? manifest.name : manifest.flow.metadata.name;
  out.write(`${told({ kind: manifest.kind, metadata: { name } })} ${outcome}${isDry ? " (dry run)" : ""}\n`);
  if (manifest.kind === "VideoFlow") for (const moved of manifest.moved) out.write(`  ${movedText(moved)}\n`);
}

function movedText({ path, written, absolute }: MovedPath): string {
  return safeText(`${path}: ${written} -> ${absolute}`);
}

async function applyFlow(connection: Connection, manifest: Extract<Manifest, { kind: "VideoFlow" }>, isDry: boolean): Promise<Outcome> {
  const { store } = connection;
  const namespace = manifest.flow.metadata.namespace ?? connection.namespace;
  const flow: FlowDocument = { ...manifest.flow, metadata: { ...manifest.flow.metadata, namespace } };
  for (let attempt = 1; ; attempt += 1) {
    const old = await store.get(keyOf("VideoFlow", namespace, flow.metadata.name));
    const next = old === undefined ? undefined : mergeFlow(old, flow, manifest.says);
    const outcome: Outcome = next === undefined ? "created" : isDeepStrictEqual(plain(next), plain(old)) ? "unchanged" : "configured";
    if (isDry || outcome === "unchanged") return outcome;
    try {
      if (next === undefined) await store.create<"VideoFlow">(flow);
      else await store.update<"VideoFlow">(next);
      return outcome;
    } catch (error) {
      if (attempt >= MOST_ATTEMPTS || !isLostRace(error)) throw error;
    }
  }
}

/**
 * The stored flow with the spec of the document. What commands change (`pause`, `rerun`) stays unless the document says it; labels and
 * annotations of the document are added. Pure.
 */
export function mergeFlow(old: VideoFlow, flow: FlowDocument, says: { readonly desiredState: boolean; readonly run: boolean }): VideoFlow {
  const { desiredState, run } = old.spec;
  const kept = { ...(says.desiredState ? {} : { desiredState }), ...(says.run || run === undefined ? {} : { run }) };
  const { labels, annotations } = flow.metadata;
  const metadata = {
    ...old.metadata,
    ...(labels === undefined ? {} : { labels: { ...old.metadata.labels, ...labels } }),
    ...(annotations === undefined ? {} : { annotations: { ...old.metadata.annotations, ...annotations } }),
  };
  return { ...old, metadata, spec: { ...(flow.spec as VideoFlow["spec"]), ...kept } };
}

async function applyHost(
  { store, namespace }: Connection,
  manifest: Extract<Manifest, { kind: "Host" }>,
  isDry: boolean,
): Promise<Outcome> {
  const key = keyOf("Host", namespace, manifest.name);
  for (let attempt = 1; ; attempt += 1) {
    const old = await store.get(key);
    if (old === undefined) throw notFound(key);
    if (old.spec.schedulable === manifest.schedulable) return "unchanged";
    if (isDry) return "configured";
    try {
      await store.update<"Host">({ ...old, spec: { ...old.spec, schedulable: manifest.schedulable } });
      return "configured";
    } catch (error) {
      if (attempt >= MOST_ATTEMPTS || !isLostRace(error)) throw error;
    }
  }
}

/** Without undefined fields: what the store keeps. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
