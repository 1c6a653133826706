/** Text that came from elsewhere (logs, errors, names), made harmless for terminals. Pure. */

/** Control characters except tab and newline, marks that hide text or turn its direction (not the joiners of scripts), lone surrogates. */
const UNSAFE = /(?![\t\n])\p{Cc}|(?![\u200c\u200d])\p{Cf}|\p{Cs}|\p{Zl}|\p{Zp}/gu;

/** Shows what a terminal would obey as `\x1b` or `\u202e`: nothing moves the cursor, colours, or hides text. Tabs and newlines stay. */
export function safeText(text: string): string {
  return text.replace(UNSAFE, escaped);
}

/** {@link safeText} on one line: line breaks become spaces. */
export function safeLine(text: string): string {
  return safeText(text.replace(/[\r\n\t]+/g, " ").trim());
}

/** Harmless lines, each after the name of its task if there may be several. */
export function printed(text: string, task: string | undefined): string {
  const lines = text.replace(/\r?\n$/, "").split(/\r?\n/);
  return lines.map((line) => `${task === undefined ? "" : `[${safeText(task)}] `}${safeText(line)}\n`).join("");
}

/** JSON text with the same meaning that is harmless when printed. */
export function safeJson(json: string): string {
  return json.replace(UNSAFE, (found) => found.replace(/[\s\S]/g, (unit) => `\\u${hex(unit.charCodeAt(0), 4)}`));
}

function escaped(found: string): string {
  const code = found.codePointAt(0) ?? 0;
  if (code > 0xffff) return `\\u{${hex(code, 0)}}`;
  return code < 0x100 ? `\\x${hex(code, 2)}` : `\\u${hex(code, 4)}`;
}

function hex(code: number, length: number): string {
  return code.toString(16).padStart(length, "0");
}
