/**
 * What clients may write: the flows and the wishes of operators, nothing that controller and agent write themselves. The part
 * that an API server has in a cluster. Knows shapes and sizes; whether a flow makes sense is the controller's to say.
 */
import type { AnyResource, Kind, Kinds, NewResource } from "../../api/kinds.js";
import { labelProblems } from "../../api/labels.js";
import { formatProblem } from "../../api/problem.js";
import { validateVideoFlow } from "../../api/validate.js";
import { OperatorError } from "../../base/errors.js";
import type { ObjectKey, Store } from "../store.js";

export interface WriteLimits {
  /** Characters of an object as JSON. */
  readonly objectLength: number;
  /** Flows that are stored at once. */
  readonly flows: number;
}

export const DEFAULT_WRITE_LIMITS: WriteLimits = { objectLength: 1024 * 1024, flows: 1_000 };

const CREATED: readonly unknown[] = ["VideoFlow"];
const UPDATED: readonly unknown[] = ["VideoFlow", "Host"];
const DELETED: readonly unknown[] = ["VideoFlow", "FlowTask", "Host", "Event"];

/** The store as clients see it. Closing it closes nothing. */
export function gateWrites(store: Store, limits: Partial<WriteLimits> = {}): Store {
  const { objectLength, flows } = { ...DEFAULT_WRITE_LIMITS, ...limits };
  return {
    get: (key) => store.get(key),
    list: (kind, options) => store.list(kind, options),
    watch: (kind, onEvent, options) => store.watch(kind, onEvent, options),
    create: async <K extends Kind>(object: NewResource<K>) => {
      allow(CREATED, "create", object);
      refuseTooLarge(object, objectLength);
      if ((await store.list("VideoFlow")).length >= flows) throw refused(object, `there are ${flows} flows already`);
      return store.create<K>(checkedFlow(object) as unknown as NewResource<K>);
    },
    update: async <K extends Kind>(object: Kinds[K]) => {
      allow(UPDATED, "update", object);
      refuseTooLarge(object, objectLength);
      return store.update<K>(await merged(store, object));
    },
    updateStatus: async (object) => {
      throw refused(object, "its status is written by controller and agent alone");
    },
    delete: async (key, options) => {
      allow(DELETED, "delete", { kind: key?.kind, metadata: key });
      return store.delete(key as ObjectKey, options);
    },
    close: async () => {},
  };
}

function allow(kinds: readonly unknown[], verb: string, object: unknown): void {
  const { kind, metadata } = (object ?? {}) as Partial<AnyResource>;
  if (typeof metadata?.name !== "string") throw new OperatorError("REQUEST_INVALID", { problem: `${verb} needs kind and name` });
  if (!kinds.includes(kind)) throw refused(object, `clients do not ${verb} this kind`);
}

/** As in a manifest. What is deeper could exhaust the stack of whoever walks through it. */
const MAX_DEPTH = 64;

function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeperThan(inner, levels - 1));
}

function refuseTooLarge(object: unknown, limit: number): void {
  if (isDeeperThan(object, MAX_DEPTH)) throw refused(object, `it is nested more than ${MAX_DEPTH} deep`);
  const { length } = JSON.stringify(object);
  if (length > limit) throw refused(object, `it has ${length} characters as JSON, at most ${limit} are allowed`);
}

/** @throws OperatorError FLOW_INVALID with all problems of its shape. */
function checkedFlow(object: unknown): NewResource<"VideoFlow"> {
  const { flow, problems } = validateVideoFlow(object);
  if (flow !== undefined && problems.length === 0) return flow;
  const { name } = (object as AnyResource).metadata;
  throw new OperatorError("FLOW_INVALID", { flow: name, problems: problems.map(formatProblem) });
}

/** What a client may change: labels, annotations and spec. Finalizers and owners stay those of controller and agent. */
async function merged<K extends Kind>(store: Store, object: Kinds[K]): Promise<Kinds[K]> {
  const { kind, metadata } = object;
  const old = (await store.get({ kind, namespace: metadata.namespace, name: metadata.name })) as AnyResource | undefined;
  if (old === undefined) throw new OperatorError("STORE_GONE", { key: `${kind}/${metadata.namespace}/${metadata.name}` });
  const { labels, annotations, ...rest } = old.metadata;
  const own = {
    ...(metadata.labels === undefined ? {} : { labels: metadata.labels }),
    ...(metadata.annotations === undefined ? {} : { annotations: metadata.annotations }),
  };
  const { uid, resourceVersion } = metadata;
  const spec = old.kind === "VideoFlow" ? checkedSpec(old, object) : checkedHost(object);
  return { ...old, metadata: { ...rest, ...own, uid, resourceVersion }, spec } as Kinds[K];
}

function checkedSpec(old: Kinds["VideoFlow"], object: AnyResource): Kinds["VideoFlow"]["spec"] {
  const { spec } = checkedFlow(object);
  if (spec.flowType !== old.spec.flowType) throw refused(object, "flowType is immutable: delete the flow and apply it again");
  if (spec.run < old.spec.run) throw refused(object, `run can only be raised, it is ${old.spec.run}`);
  return spec;
}

const SCHEDULABLE: readonly unknown[] = [true, false, "Draining"];

function checkedHost(object: AnyResource): Kinds["Host"]["spec"] {
  const { schedulable, ...others } = (object as Kinds["Host"]).spec;
  if (!SCHEDULABLE.includes(schedulable) || Object.keys(others).length > 0)
    throw refused(object, `spec.schedulable must be one of ${SCHEDULABLE.join(", ")}`);
  const [problem] = labelProblems(object.metadata);
  if (problem !== undefined) throw refused(object, formatProblem(problem));
  return { schedulable };
}

function refused(object: unknown, problem: string): OperatorError {
  const { kind, metadata } = object as AnyResource;
  return new OperatorError("WRITE_REFUSED", { object: `${kind} ${metadata.name}`, problem });
}
