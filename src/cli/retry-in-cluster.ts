/**
 * `videoflow deadletters retry` for who reaches only the API server: the retry is a flow of the cluster, on the host that has the letters.
 * So who may make flows may retry, it gets its devices like any flow, and whatever dies meanwhile, it ends once.
 * See docs/adr/0011-host-queries.md.
 */
import { createHash } from "node:crypto";
import { HOSTNAME_LABEL } from "../api/host-lease.js";
import { API_VERSION, type VideoFlow, type VideoFlowSpec } from "../api/kinds.js";
import { type DeadLetter, LETTERS_OF, type LetterOutput } from "../base/dead-letters.js";
import { OperatorError } from "../base/errors.js";
import type { Describe } from "../flow/graph.js";
import type { AgentServices, FlowKey } from "../store/agent-services.js";
import { flowNamed, keyOf, notFound, servicesOf, watchObject } from "./client.js";
import { retryFlow } from "./retry-flow.js";
import type { Connection, FlowDocument } from "./world.js";

/** Carried by a retry: the flow whose letters it works on. */
const RETRY_LABEL = "videoflow.io/retry-of";
/** A host that cannot take the retry for so long is not waited for. */
const ADMISSION_SECONDS = 60;
const ENDED: ReadonlySet<string | undefined> = new Set(["Succeeded", "Failed", "Stopped"]);
/** Longest part of the flow's name in that of its retry: what names the tasks must still fit. */
const MAX_NAME = 40;

/** What became of one retry. */
export interface Retried {
  readonly outputs: readonly LetterOutput[];
  /** The letters that failed again; their positions are those of the letters that were given. */
  readonly buried: readonly DeadLetter[];
  readonly isDone: boolean;
  /** Why not. */
  readonly problem: string;
  /** Where its files are. */
  readonly place: string;
}

/** The letters of a flow, and the host that has them. @throws OperatorError OBJECT_NOT_FOUND, HOST_SILENT, HOST_REFUSED */
export async function lettersInCluster(connection: Connection, name: string): Promise<readonly DeadLetter[]> {
  const { metadata } = await flowNamed(connection, name);
  return lettersService(connection).deadLetters(metadata);
}

/** @throws OperatorError OBJECT_NOT_FOUND */
export async function hostOfLetters(connection: Connection, name: string): Promise<string> {
  return hostOf(connection, await flowNamed(connection, name));
}

/**
 * Runs the node of some letters alone, as it stands in the cluster, and waits for its end. The same letters of the same spec are one
 * retry: who asks again while it runs waits for it, and does not begin another.
 *
 * @param letters of one node. @param timeoutMs after which it is left to itself.
 * @throws OperatorError WAIT_TIMEOUT, DEAD_LETTER_UNFIT, OBJECT_NOT_FOUND
 */
export async function retryInCluster(
  connection: Connection,
  name: string,
  letters: readonly DeadLetter[],
  { describe, timeoutMs }: { readonly describe: Describe; readonly timeoutMs: number },
): Promise<Retried> {
  const flow = await flowNamed(connection, name);
  const host = await hostOf(connection, flow);
  const wanted = retryDocument(flow, host, letters, describe);
  const retry = await createOrTake(connection, wanted);
  const ended = await untilEnded(connection, retry, timeoutMs);
  const services = lettersService(connection);
  const [outputs, buried] = [await services.letterOutputs(retry.metadata), await services.deadLetters(retry.metadata)];
  await connection.store.delete(keyOf("VideoFlow", retry.metadata.namespace, retry.metadata.name), { uid: retry.metadata.uid });
  const { state, reason, message } = ended.status ?? {};
  return {
    outputs,
    buried: buried.filter(({ run }) => run.startsWith(retry.metadata.uid)), // An earlier retry of this name left others.
    isDone: state === "Succeeded",
    problem: `${reason}: ${message}`,
    place: `host ${host}, dead letters of ${retry.metadata.namespace}/${retry.metadata.name}`,
  };
}

/** The retry as a flow of its own, with the spec of the flow as it is stored. Pure. */
export function retryDocument(
  { metadata, spec }: Pick<VideoFlow, "metadata" | "spec">,
  host: string,
  letters: readonly DeadLetter[],
  describe: Describe,
): FlowDocument {
  const ids = letters.map(({ id }) => id);
  const hash = createHash("sha256").update(JSON.stringify([metadata.uid, metadata.generation, ids]));
  const name = `${metadata.name.slice(0, MAX_NAME)}-retry-${hash.digest("hex").slice(0, 8)}`;
  const { apiVersion, kind } = { apiVersion: API_VERSION, kind: "VideoFlow" } as const;
  const own: VideoFlowSpec = {
    ...spec,
    run: 1,
    desiredState: "Running",
    admission: { policy: "Wait", timeoutSeconds: ADMISSION_SECONDS },
    hostSelector: { [HOSTNAME_LABEL]: host },
  };
  const document = { apiVersion, kind, metadata: { name, namespace: metadata.namespace, labels: { [RETRY_LABEL]: metadata.name } } };
  const places = { folder: `${LETTERS_OF}${metadata.name}`, results: `${LETTERS_OF}${name}`, describe };
  return { ...retryFlow({ ...document, spec: own }, letters, places), metadata: document.metadata };
}

/** The host that ran the flow has its letters. */
async function hostOf({ store }: Connection, { metadata }: VideoFlow): Promise<string> {
  const tasks = await store.list("FlowTask", { namespace: metadata.namespace });
  const host = tasks.find(({ spec }) => spec.flow === metadata.name)?.spec.host;
  if (host === undefined) throw notFound(keyOf("FlowTask", metadata.namespace, `${metadata.name}.*`));
  return host;
}

async function createOrTake({ store }: Connection, wanted: FlowDocument): Promise<VideoFlow> {
  try {
    return await store.create(wanted);
  } catch (error) {
    const { namespace = "", name, labels } = wanted.metadata;
    const present = await store.get(keyOf("VideoFlow", namespace, name));
    const isOurs = present?.metadata.labels?.[RETRY_LABEL] === labels?.[RETRY_LABEL] && present?.metadata.deletionTimestamp === undefined;
    if (error instanceof OperatorError && error.code === "STORE_EXISTS" && present !== undefined && isOurs) return present;
    throw error;
  }
}

async function untilEnded(connection: Connection, retry: VideoFlow, timeoutMs: number): Promise<VideoFlow> {
  const key = keyOf("VideoFlow", retry.metadata.namespace, retry.metadata.name);
  let last: VideoFlow = retry;
  const ended = await watchObject(connection, key, timeoutMs, (object) => {
    const seen = object as VideoFlow | undefined;
    if (seen?.metadata.uid !== retry.metadata.uid) throw notFound(key);
    last = seen;
    return ENDED.has(seen.status?.state) ? seen : undefined;
  });
  if (ended !== undefined) return ended;
  const { state = "Pending", message = "" } = last.status ?? {};
  const object = `videoflow ${key.name}`;
  throw new OperatorError("WAIT_TIMEOUT", { what: "its end", object, seconds: timeoutMs / 1_000, now: `${state}: ${message}` });
}

function lettersService(connection: Connection): Pick<AgentServices, "deadLetters" | "letterOutputs"> {
  const services = servicesOf(connection, "a dead letter");
  const keyed = ({ namespace, name }: FlowKey): FlowKey => ({ namespace, name });
  return { deadLetters: (flow) => services.deadLetters(keyed(flow)), letterOutputs: (flow) => services.letterOutputs(keyed(flow)) };
}
