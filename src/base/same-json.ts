/**
 * Whether two values say the same once they are written as JSON: an undefined field is an absent one, and the order of fields
 * does not count. Nothing is copied, and what both share is not looked at.
 */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, index) => sameJson(item, b[index]));
  return !Array.isArray(b) && sameFields(a as Fields, b as Fields);
}

type Fields = Readonly<Record<string, unknown>>;

function sameFields(a: Fields, b: Fields): boolean {
  let more = 0;
  for (const name of Object.keys(a)) {
    if (a[name] === undefined) continue;
    if (!sameJson(a[name], b[name])) return false;
    more += 1;
  }
  for (const name of Object.keys(b)) if (b[name] !== undefined) more -= 1;
  return more === 0;
}
