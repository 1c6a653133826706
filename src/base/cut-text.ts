/** Fits texts of many lines, such as the end of a log, into places that hold few bytes. Pure. */

/** Lines behind the first that are kept. */
const KEPT_LINES = 20;
/** Of the first line, which says what happened. */
const FIRST_BYTES = 240;
const GAP = " … ";
const GAP_BYTES = Buffer.byteLength(GAP);

/**
 * The first line and the last 20, all of them: of those that are too long for their share of the space the beginning and the end.
 *
 * @param limitBytes of the result in UTF-8; at least 512.
 */
export function cutText(text: string, limitBytes: number): string {
  if (Buffer.byteLength(text) <= limitBytes) return text;
  const [first = "", ...others] = text.split("\n");
  const kept = others.slice(-KEPT_LINES);
  const head = cutLine(first, kept.length === 0 ? limitBytes : FIRST_BYTES);
  const share = shareOf(kept.map(bytesOf), limitBytes - bytesOf(head) - kept.length);
  return [head, ...kept.map((line) => cutLine(line, share))].join("\n");
}

/** The most that each may have if what short ones leave goes to the long ones. */
function shareOf(lengths: readonly number[], space: number): number {
  let left = space;
  for (const [index, length] of lengths.toSorted((a, b) => a - b).entries()) {
    const share = Math.floor(left / (lengths.length - index));
    if (length > share) return share;
    left -= length;
  }
  return space;
}

function cutLine(line: string, limitBytes: number): string {
  const bytes = Buffer.from(line);
  if (bytes.length <= limitBytes) return line;
  const end = Math.floor((limitBytes - GAP_BYTES) / 2);
  const head = bytes.subarray(0, limitBytes - GAP_BYTES - end).toString("utf8");
  return `${head.replace(/\ufffd+$/, "")}${GAP}${bytes
    .subarray(bytes.length - end)
    .toString("utf8")
    .replace(/^\ufffd+/, "")}`;
}

function bytesOf(text: string): number {
  return Buffer.byteLength(text);
}
