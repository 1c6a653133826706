/** `videoflow logs`: what tasks wrote, harmless for the terminal. */

import { OperatorError } from "../base/errors.js";
import { safeText } from "../base/safe-text.js";
import { type ClientFlags, servicesOf, withConnection } from "./client.js";
import { EXIT, type ExitCode } from "./exit-codes.js";
import { parseTaskWords } from "./targets.js";
import type { World } from "./world.js";

export interface LogsFlags extends ClientFlags {
  readonly follow?: boolean;
  readonly tail?: string;
  readonly previous?: boolean;
  readonly prefix?: boolean;
}

/** @throws OperatorError COMMAND_INVALID, AGENT_ONLY */
export async function logs(word: string, flags: LogsFlags, world: World): Promise<ExitCode> {
  const { flow, node, index } = parseTaskWords(word);
  const tail = tailOf(flags.tail);
  return withConnection(flags, world, async (connection) => {
    const services = servicesOf(connection, "a log");
    const chunks = services.logs({
      flow: { namespace: connection.namespace, name: flow },
      ...(node === undefined ? {} : { node }),
      ...(index === undefined ? {} : { index }),
      ...(flags.follow === undefined ? {} : { follow: flags.follow }),
      ...(flags.previous === undefined ? {} : { previous: flags.previous }),
      ...(tail === undefined ? {} : { tail }),
    });
    const isOne = node !== undefined && index !== undefined;
    let count = 0;
    for await (const { task, text } of chunks) {
      count += 1;
      world.out.write(printed(text, (flags.prefix ?? !isOne) ? task : undefined));
      await world.out.settled?.();
    }
    if (count === 0) world.err.write(`${flow} has no log${node === undefined ? "" : ` of ${node}`} yet\n`);
    return EXIT.success;
  });
}

/** Harmless lines, each after the name of its task if there may be several. Pure. */
export function printed(text: string, task: string | undefined): string {
  const lines = text.replace(/\r?\n$/, "").split(/\r?\n/);
  return lines.map((line) => `${task === undefined ? "" : `[${safeText(task)}] `}${safeText(line)}\n`).join("");
}

function tailOf(text: string | undefined): number | undefined {
  if (text === undefined || text === "-1") return undefined;
  if (!/^\d+$/.test(text)) throw new OperatorError("COMMAND_INVALID", { problem: `--tail ${text} is not a number of lines` });
  return Number(text);
}
