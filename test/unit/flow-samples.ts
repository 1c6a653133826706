/** The sample flows and small documents for tests of parsing, checking and the graph. */
import { readdirSync, readFileSync } from "node:fs";
import { withDefaults } from "../../src/api/default.js";
import { SPEC_SCHEMAS } from "../../src/api/generated/schemas.js";
import type { NodeSpec, VideoFlowSpec } from "../../src/api/kinds.js";

const FOLDER = new URL("../../manifests/flows/", import.meta.url);

/** File name and text of each numbered sample. */
export const SAMPLES: readonly (readonly [string, string])[] = readdirSync(FOLDER)
  .filter((file) => file.endsWith(".yaml"))
  .toSorted()
  .map((file) => [file, readFileSync(new URL(file, FOLDER), "utf8")]);

/** A node as a user would write it. */
export type NodeDraft = Pick<NodeSpec, "name" | "role"> & Partial<NodeSpec>;

/** A spec with its defaults; components are Identity, IntProducer and VoidConsumer by role unless given. */
export function specOf(nodes: readonly NodeDraft[], rest: Partial<VideoFlowSpec> = {}): VideoFlowSpec {
  const drafts = nodes.map((node) => ({ component: BY_ROLE[node.role], ...node }));
  return withDefaults(SPEC_SCHEMAS.VideoFlow, { ...rest, nodes: drafts }) as VideoFlowSpec;
}

const BY_ROLE = { Producer: "IntProducer", Processor: "Identity", Consumer: "VoidConsumer" } as const;
