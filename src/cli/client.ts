/** What the commands that talk to an agent or a cluster have in common. */
import type { Kind, VideoFlow } from "../api/kinds.js";
import { infoOf } from "../api/resources.js";
import { OperatorError } from "../base/errors.js";
import type { AgentServices } from "../store/agent-services.js";
import { isLostRace, type ObjectKey, type Store } from "../store/store.js";
import type { Connection, World } from "./world.js";

/** Options of every such command. */
export interface ClientFlags {
  readonly stateDir?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
}

/** Connects, does something, and ends the connection whatever happens. */
export async function withConnection<T>(flags: ClientFlags, world: World, use: (connection: Connection) => Promise<T>): Promise<T> {
  const { stateDir, kubeconfig, context } = flags;
  const connection = await world.engine.connect({
    ...(stateDir === undefined ? {} : { stateDir }),
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(context === undefined ? {} : { context }),
  });
  try {
    return await use(flags.namespace === undefined ? connection : { ...connection, namespace: flags.namespace });
  } finally {
    await connection.close();
  }
}

/** @throws OperatorError AGENT_ONLY for a cluster. */
export function servicesOf({ services }: Connection, what: string): AgentServices {
  if (services === undefined) throw new OperatorError("AGENT_ONLY", { what });
  return services;
}

export function keyOf<K extends Kind>(kind: K, namespace: string, name: string): ObjectKey<K> {
  return { kind, namespace, name };
}

/** @throws OperatorError OBJECT_NOT_FOUND */
export function notFound({ kind, namespace, name }: ObjectKey): OperatorError {
  const info = infoOf(kind);
  return new OperatorError("OBJECT_NOT_FOUND", { kind: info.singular, name, namespace: info.namespaced ? namespace : "" });
}

/** @throws OperatorError OBJECT_NOT_FOUND */
export async function flowNamed({ store, namespace }: Connection, name: string): Promise<VideoFlow> {
  const key = keyOf("VideoFlow", namespace, name);
  const flow = await store.get(key);
  if (flow === undefined) throw notFound(key);
  return flow;
}

/** How often a write is tried again that lost against another. */
const MOST_ATTEMPTS = 10;

/**
 * Writes a change of the flow as it is stored now, and again if somebody else was quicker.
 *
 * @param change the new spec; undefined: nothing has to change.
 * @returns the flow after the write, and whether there was one.
 */
export async function changeSpec(
  connection: Connection,
  name: string,
  change: (flow: VideoFlow) => VideoFlow["spec"] | undefined,
): Promise<{ readonly flow: VideoFlow; readonly changed: boolean }> {
  for (let attempt = 1; ; attempt += 1) {
    const flow = await flowNamed(connection, name);
    const spec = change(flow);
    if (spec === undefined) return { flow, changed: false };
    try {
      return { flow: await connection.store.update<"VideoFlow">({ ...flow, spec }), changed: true };
    } catch (error) {
      if (attempt >= MOST_ATTEMPTS || !isLostRace(error)) throw error;
    }
  }
}

/**
 * Waits until a look at an object answers; looks at every change.
 *
 * @param look called with the object, or undefined while it is not there; answers undefined to go on.
 * @returns what `look` answered; undefined after `timeoutMs`.
 * @throws OperatorError STORE_UNREACHABLE when the other side goes away.
 */
export async function watchObject<K extends Kind, T>(
  connection: Connection,
  key: ObjectKey<K>,
  timeoutMs: number,
  look: (object: Parameters<Parameters<Store["watch"]>[1]>[0]["object"] | undefined) => T | undefined,
): Promise<T | undefined> {
  const { store, lost, target } = connection;
  const sameName = (metadata: { namespace: string; name: string }) =>
    metadata.name === key.name && (!infoOf(key.kind).namespaced || metadata.namespace === key.namespace);
  let end = () => {};
  const timer: { handle?: NodeJS.Timeout } = {};
  try {
    return await new Promise<T | undefined>((resolve, reject) => {
      const see = (object: Parameters<typeof look>[0]) => {
        try {
          const answer = look(object);
          if (answer !== undefined) resolve(answer);
        } catch (error) {
          reject(error);
        }
      };
      timer.handle = setTimeout(() => resolve(undefined), Math.min(timeoutMs, 2 ** 31 - 1));
      lost.then(() => reject(new OperatorError("STORE_UNREACHABLE", { path: target })), reject);
      end = store.watch(key.kind, ({ type, object }) => {
        if (sameName(object.metadata)) see(type === "Deleted" ? undefined : object);
      });
      store.get(key).then(see, reject);
    });
  } finally {
    clearTimeout(timer.handle);
    end();
  }
}
