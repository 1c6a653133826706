/** Takes values that must not be shown out of texts. Pure. */

/** What stands in their place. */
const HIDDEN = "***";
/** Shorter texts are not hidden: they would be found in everything. */
const LEAST_LENGTH = 4;

/**
 * @param values their whole text, and each of their lines, is hidden: as it is, as JSON and as part of an address.
 * @returns a function that hides them.
 */
export function hider(values: readonly string[]): (text: string) => string {
  const parts = new Set(values.flatMap((value) => [value, ...value.split(/\r?\n/)]).flatMap(spellings));
  const sorted = [...parts].filter(({ length }) => length >= LEAST_LENGTH).toSorted((a, b) => b.length - a.length);
  if (sorted.length === 0) return (text) => text;
  return (text) => sorted.reduce((shown, part) => shown.replaceAll(part, HIDDEN), text);
}

function spellings(part: string): string[] {
  const text = part.trim();
  return [part, text, JSON.stringify(text).slice(1, -1), addressText(text)];
}

/** A lone surrogate has no spelling in an address. */
function addressText(text: string): string {
  try {
    return encodeURIComponent(text);
  } catch {
    return text;
  }
}
