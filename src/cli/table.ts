/** Tables of plain text. Pure. */
import { safeLine } from "../base/safe-text.js";

export interface Column {
  readonly title: string;
  readonly align?: "left" | "right";
}

/**
 * Lines of a table: a title line, then one line per row, columns two spaces apart.
 *
 * @param columns the titles; a row has as many cells.
 * Cells are one harmless line each: line breaks become spaces, control characters are shown.
 *
 * @param width   the longest line, in characters; what does not fit is cut and ends in "…".
 */
export function renderTable(columns: readonly Column[], given: readonly (readonly string[])[], width = Number.POSITIVE_INFINITY): string[] {
  const rows = given.map((cells) => cells.map((cell) => safeLine(cell)));
  const titles = columns.map((column) => column.title);
  const widths = titles.map((title, i) => Math.max(title.length, ...rows.map((row) => (row[i] ?? "").length)));
  const line = (cells: readonly string[]) =>
    columns
      .map(({ align }, i) => (align === "right" ? (cells[i] ?? "").padStart(widths[i] ?? 0) : (cells[i] ?? "").padEnd(widths[i] ?? 0)))
      .join("  ")
      .trimEnd();
  return [titles, ...rows].map((cells) => cutLine(line(cells), width));
}

/** Cuts a line to a width; a cut line ends in "…". */
export function cutLine(line: string, width: number): string {
  return line.length <= width ? line : `${line.slice(0, Math.max(0, width - 1))}…`;
}

/** A number of bytes for people: 1536 is "1.5 KiB". */
export function bytesText(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power]}`;
}
