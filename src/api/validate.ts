/** The shape of one VideoFlow: its envelope, types, values, unknown fields. Pure. */
import { defaultSpec } from "./default.js";
import { DNS_LABEL } from "./dns-label.js";
import { SPEC_SCHEMAS } from "./generated/schemas.js";
import { validateVideoFlowSpec } from "./generated/validators.js";
import { API_VERSION, type NewMetadata, type NewResource } from "./kinds.js";
import { labelProblems } from "./labels.js";
import { findUnplain } from "./plain.js";
import type { Problem } from "./problem.js";
import { checkSchema, isRecord, type Schema } from "./schema.js";
import { schemaProblems } from "./schema-problems.js";
import { type SoundPart, soundPart } from "./sound-part.js";

export interface Validated {
  /** The flow with its defaults; absent if there are problems. */
  readonly flow?: NewResource<"VideoFlow">;
  readonly problems: readonly Problem[];
  /** What other rules can judge although there are problems. */
  readonly sound?: SoundPart;
}

const TEXT = { type: "string", maxLength: 1024 } as const;
const TABLE = { type: "object" } as const;

/** What surrounds the spec. The fields that a server fills are allowed, so that what `get -o yaml` prints can be applied again. */
const ENVELOPE: Schema = {
  type: "object",
  required: ["apiVersion", "kind", "metadata", "spec"],
  additionalProperties: false,
  properties: {
    apiVersion: { type: "string", enum: [API_VERSION] },
    kind: { type: "string", enum: ["VideoFlow"] },
    metadata: {
      type: "object",
      required: ["name"],
      additionalProperties: false,
      properties: {
        name: { type: "string", minLength: 1, maxLength: 63, pattern: DNS_LABEL },
        namespace: { type: "string", minLength: 1, maxLength: 63, pattern: DNS_LABEL },
        labels: TABLE,
        annotations: TABLE,
        finalizers: { type: "array", maxItems: 64, items: TEXT },
        uid: TEXT,
        resourceVersion: TEXT,
        creationTimestamp: TEXT,
        deletionTimestamp: TEXT,
        generation: { type: "integer" },
        ownerReferences: { type: "array" },
        managedFields: { type: "array" },
      },
    },
    spec: {},
    status: {},
  },
};

/** Checks any value against the kind VideoFlow and defaults it. All problems at once; never throws. */
export function validateVideoFlow(value: unknown): Validated {
  const [envelope, spec, unplain] = [envelopeProblems(value), specProblems(value), findUnplain(value)];
  const problems = [...envelope, ...spec, ...unplain];
  if (!isRecord(value)) return { problems };
  if (problems.length > 0) {
    const sound = unplain.length === 0 ? soundPart(value["spec"], spec) : undefined;
    return { problems, ...(sound === undefined ? {} : { sound }) };
  }
  const metadata = newMetadata(value["metadata"] as NewMetadata);
  return { flow: { apiVersion: API_VERSION, kind: "VideoFlow", metadata, spec: defaultSpec("VideoFlow", value["spec"]) }, problems };
}

function envelopeProblems(value: unknown): Problem[] {
  const problems = schemaProblems(checkSchema(ENVELOPE, value), { schema: ENVELOPE, value, base: [] });
  const metadata = isRecord(value) ? value["metadata"] : undefined;
  return isRecord(metadata)
    ? [...problems, ...["labels", "annotations"].flatMap((field) => textTableProblems(metadata, field)), ...labelProblems(metadata)]
    : problems;
}

function textTableProblems(metadata: Schema, field: string): Problem[] {
  const table = metadata[field];
  if (!isRecord(table)) return [];
  const schema = { properties: Object.fromEntries(Object.keys(table).map((key) => [key, { type: "string" }])) };
  return schemaProblems(checkSchema(schema, table), { schema, value: table, base: ["metadata", field] });
}

function specProblems(value: unknown): Problem[] {
  if (!isRecord(value) || !Object.hasOwn(value, "spec")) return [];
  const spec = value["spec"];
  validateVideoFlowSpec(spec);
  return schemaProblems(validateVideoFlowSpec.errors ?? [], { schema: SPEC_SCHEMAS.VideoFlow, value: spec, base: ["spec"] });
}

/** The parts that a writer gives. */
function newMetadata({ name, namespace, labels, annotations }: NewMetadata): NewMetadata {
  return {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(labels === undefined ? {} : { labels }),
    ...(annotations === undefined ? {} : { annotations }),
  };
}
