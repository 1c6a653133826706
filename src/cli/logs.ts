/** `videoflow logs`: what tasks wrote, harmless for the terminal. */

import type { VideoFlow } from "../api/kinds.js";
import { OperatorError } from "../base/errors.js";
import { printed } from "../base/safe-text.js";
import { parseDuration } from "./age.js";
import { type ClientFlags, keyOf, notFound, servicesOf, withConnection } from "./client.js";
import { EXIT, type ExitCode } from "./exit-codes.js";
import { parseTaskWords, type TaskWords } from "./targets.js";
import type { World } from "./world.js";

export interface LogsFlags extends ClientFlags {
  readonly follow?: boolean;
  readonly tail?: string;
  readonly previous?: boolean;
  readonly prefix?: boolean;
  readonly since?: string;
  readonly timestamps?: boolean;
}

/** The log of a flow that is gone is still there; a flow that never was is an error. @throws OperatorError COMMAND_INVALID, AGENT_ONLY, OBJECT_NOT_FOUND */
export async function logs(word: string, flags: LogsFlags, world: World): Promise<ExitCode> {
  const words = parseTaskWords(word);
  const tail = tailOf(flags.tail);
  const sinceSeconds = flags.since === undefined ? undefined : Math.ceil(parseDuration(flags.since) / 1_000);
  return withConnection(flags, world, async (connection) => {
    const stored = await connection.store.get(keyOf("VideoFlow", connection.namespace, words.flow));
    const { flow, node, index } = stored === undefined ? words : inFlow(words, stored);
    const services = servicesOf(connection, "a log");
    const chunks = services.logs({
      flow: { namespace: connection.namespace, name: flow },
      ...(node === undefined ? {} : { node }),
      ...(index === undefined ? {} : { index }),
      ...(flags.follow === undefined ? {} : { follow: flags.follow }),
      ...(flags.previous === undefined ? {} : { previous: flags.previous }),
      ...(tail === undefined ? {} : { tail }),
      ...(sinceSeconds === undefined ? {} : { sinceSeconds }),
      ...(flags.timestamps === undefined ? {} : { timestamps: flags.timestamps }),
    });
    const isOne = node !== undefined && index !== undefined;
    let count = 0;
    for await (const { task, text, at } of chunks) {
      count += 1;
      world.out.write(printed(stamped(text, at), (flags.prefix ?? !isOne) ? task : undefined));
      await world.out.settled?.();
    }
    if (count > 0 || sinceSeconds !== undefined) return EXIT.success;
    const why = nothing({ flow, ...(node === undefined ? {} : { node }) }, stored, connection.namespace);
    if (typeof why !== "string") throw why;
    world.err.write(`${why}\n`);
    return EXIT.success;
  });
}

function stamped(text: string, at: string | undefined): string {
  return at === undefined ? text : text.replace(/^(?!$(?![\s\S]))/gm, `${at} `);
}

/** A member of a group has no task of its own. */
function inFlow(words: TaskWords, { spec }: VideoFlow): TaskWords {
  const found = spec.nodes.find(({ name }) => name === words.node);
  return found?.taskGroup === undefined ? words : { ...words, node: found.taskGroup };
}

/** Why there is no log. */
function nothing({ flow, node }: TaskWords, stored: VideoFlow | undefined, namespace: string): OperatorError | string {
  if (stored === undefined) return notFound(keyOf("VideoFlow", namespace, flow));
  const names = new Set(stored.spec.nodes.map(({ name, taskGroup = name }) => taskGroup));
  if (node === undefined || names.has(node)) return `${flow} has no log${node === undefined ? "" : ` of ${node}`} yet`;
  return new OperatorError("COMMAND_INVALID", { problem: `flow ${flow} has no node ${node}, but ${[...names].join(", ")}` });
}

function tailOf(text: string | undefined): number | undefined {
  if (text === undefined || text === "-1") return undefined;
  if (!/^\d+$/.test(text)) throw new OperatorError("COMMAND_INVALID", { problem: `--tail ${text} is not a number of lines` });
  return Number(text);
}
