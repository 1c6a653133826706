/** The kinds by the names that people use for them, and the columns that are printed of each: those of the CRDs. Pure. */
import { CUSTOM_RESOURCES } from "./generated/resources.js";
import type { Kind } from "./kinds.js";

export interface PrinterColumn {
  readonly name: string;
  readonly type: string;
  /** Kubernetes' form, such as `.status.state`. */
  readonly jsonPath: string;
  /** Above 0: only with `-o wide`. */
  readonly priority: number;
}

export interface ResourceInfo {
  readonly kind: Kind;
  /** Empty for the core group. */
  readonly group: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly columns: readonly PrinterColumn[];
}

const column = (name: string, type: string, jsonPath: string, priority = 0): PrinterColumn => ({ name, type, jsonPath, priority });

/** Those that Kubernetes has itself, with kubectl's columns. */
const OWN_OF_KUBERNETES: readonly ResourceInfo[] = [
  {
    ...{ kind: "Event", group: "", plural: "events", singular: "event", shortNames: ["ev"], categories: [], namespaced: true },
    columns: [
      column("Last Seen", "date", ".lastTimestamp"),
      column("Type", "string", ".type"),
      column("Reason", "string", ".reason"),
      column("Object", "string", ".involvedObject.name"),
      column("Message", "string", ".message"),
      column("Count", "integer", ".count", 1),
    ],
  },
  {
    ...{
      kind: "Lease",
      group: "coordination.k8s.io",
      plural: "leases",
      singular: "lease",
      shortNames: [],
      categories: [],
      namespaced: true,
    },
    columns: [column("Holder", "string", ".spec.holderIdentity"), column("Age", "date", ".metadata.creationTimestamp")],
  },
];

export const RESOURCES: readonly ResourceInfo[] = [...(CUSTOM_RESOURCES as readonly ResourceInfo[]), ...OWN_OF_KUBERNETES];

const BY_WORD = new Map(
  RESOURCES.flatMap((info) =>
    [info.kind, info.plural, info.singular, ...info.shortNames].map((word) => [word.toLowerCase(), info] as const),
  ),
);

/** @param word `vf`, `videoflow`, `videoflows`, `VideoFlow` or `videoflows.videoflow.io`. */
export function resourceOf(word: string): ResourceInfo | undefined {
  const lower = word.toLowerCase();
  const found = BY_WORD.get(lower.split(".")[0] ?? "");
  return found !== undefined && (!lower.includes(".") || lower.slice(lower.indexOf(".") + 1).startsWith(found.group)) ? found : undefined;
}

/** @returns the kinds of a category, such as `all`. */
export function resourcesIn(category: string): readonly ResourceInfo[] {
  return RESOURCES.filter(({ categories }) => categories.includes(category.toLowerCase()));
}

export function infoOf(kind: Kind): ResourceInfo {
  return BY_WORD.get(kind.toLowerCase()) as ResourceInfo;
}

/** `videoflow.videoflow.io/f`: what `-o name` prints. */
export function qualifiedName(kind: Kind, name: string): string {
  const { singular, group } = infoOf(kind);
  return `${singular}${group === "" ? "" : `.${group}`}/${name}`;
}
