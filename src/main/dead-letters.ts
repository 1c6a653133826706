/** Brings the dead letters of a run together where its user finds them. */
import { appendFileSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

/**
 * Appends all dead letters below `folder` to `<flow>.dead-letters.jsonl` in the working directory.
 *
 * @returns what to tell the user; undefined if there are none.
 */
export function collectDeadLetters(folder: string, flow: string): string | undefined {
  if (!existsSync(folder)) return undefined;
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".jsonl"));
  const lines = files.flatMap((file) => readFileSync(join(folder, file), "utf8").split("\n").filter(Boolean));
  if (lines.length === 0) return undefined;
  const target = resolve(`${flow}.dead-letters.jsonl`);
  appendFileSync(target, `${lines.join("\n")}\n`);
  return `${lines.length} inputs could not be processed; they and their errors are in ${target}`;
}
