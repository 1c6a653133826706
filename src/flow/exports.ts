/**
 * Whether the text of a module exports a class, or imports it from where it is exported.
 *
 * Reads the text only: a module that passes may still lack the class, and the task that imports it says so.
 */
export function mentionsExport(text: string, className: string): boolean {
  const name = className.replace(/\$/g, "\\$");
  const declared = new RegExp(`\\bexport\\s+(default\\s+)?(abstract\\s+)?(class|const|let|var)\\s+${name}\\b`);
  const listed = new RegExp(`\\b(export|import|exports)\\b[^;'"]*\\b${name}\\b`);
  return declared.test(text) || listed.test(text) || /\bexport\s*\*/.test(text);
}
