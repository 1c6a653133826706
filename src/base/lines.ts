/** Newline-delimited text on a stream. Knows bytes; must not know what a line means. */
import type { Readable } from "node:stream";

/** Calls back once for each whole line, without its newline; what follows the last newline is dropped. */
export function readLines(stream: Readable, onLine: (line: string) => void): void {
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() as string;
    for (const line of lines) onLine(line);
  });
}

/** A line was longer than its reader allows. */
export class LineTooLongError extends Error {}

/**
 * Gives whole lines, one when the one before was taken: a reader that is slow slows its writer.
 *
 * @param maxLength characters of the longest line.
 * @throws LineTooLongError; the stream is destroyed, as after every early end.
 */
export async function* linesOf(stream: Readable, maxLength: number): AsyncGenerator<string> {
  let rest = "";
  stream.setEncoding("utf8");
  for await (const chunk of stream as AsyncIterable<string>) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() as string;
    for (const line of [...lines, rest])
      if (line.length > maxLength) throw new LineTooLongError(`a line of more than ${maxLength} characters`);
    yield* lines;
  }
}
