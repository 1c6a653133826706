/** "Did you mean": the known word that is the fewest edits away from what was written. */

const MAX_WORD = 64;

/** @returns the nearest candidate, case ignored; undefined if none is within about a third of its letters. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestEdits = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) > Math.max(candidate.length, word.length) / 3 + 1) continue;
    const edits = editDistance(word.toLowerCase().slice(0, MAX_WORD), candidate.toLowerCase().slice(0, MAX_WORD));
    if (edits < bestEdits) [best, bestEdits] = [candidate, edits];
  }
  return best !== undefined && bestEdits <= Math.max(1, Math.floor(Math.max(best.length, word.length) / 3)) ? best : undefined;
}

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
export function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const change = (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? (before[j - 2] ?? 0) + 1 : change;
      row.push(Math.min(change, swap, (last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    [before, last] = [last, row];
  }
  return last[b.length] ?? 0;
}
