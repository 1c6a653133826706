/** How long to wait before trying again. Pure. */

const FIRST_MS = 100;
const LONGEST_MS = 5_000;

/**
 * Doubles with each attempt, up to 5 s; between half and all of it by chance, so that those who lost a server together do not
 * come back together.
 *
 * @param attempt from 1.
 * @param chance in [0, 1).
 */
export function backoffMs(attempt: number, chance: number): number {
  const fullMs = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt - 1, 30));
  return fullMs * (0.5 + chance / 2);
}
