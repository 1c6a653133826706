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
