/** Frame rates as fractions: pure. */

/** A fraction; `den` is greater than zero. */
export interface Fraction {
  readonly num: number;
  readonly den: number;
}

/** Denominators of real frame rates: whole numbers, and NTSC's n x 1000 / 1001. */
const NTSC = 1_001;
const MAX_DENOMINATOR = 10_000;
const TOLERANCE = 1e-5;

/**
 * The fraction that a frame rate stands for: 29.97 becomes 30000/1001, 12.5 becomes 25/2.
 *
 * @param rate frames per second, greater than zero.
 */
export function toFraction(rate: number): Fraction {
  const ntsc = { num: Math.round((rate * NTSC) / 1_000) * 1_000, den: NTSC };
  if (isClose(Math.round(rate), rate)) return { num: Math.round(rate), den: 1 };
  if (Math.abs(ntsc.num / ntsc.den - rate) < 0.005 && ntsc.num > 0) return ntsc;
  return approximate(rate);
}

/** Frames per second of a fraction; undefined where FFmpeg does not know it (0/0 or 0/1). */
export function toRate(fraction: Fraction): number | undefined {
  return fraction.num > 0 && fraction.den > 0 ? fraction.num / fraction.den : undefined;
}

function isClose(a: number, b: number): boolean {
  return a > 0 && Math.abs(a - b) <= TOLERANCE * b;
}

/** Convergents of the continued fraction until one is close enough. */
function approximate(rate: number): Fraction {
  let [num, den, lastNum, lastDen] = [Math.floor(rate), 1, 1, 0];
  for (let rest = rate - Math.floor(rate); rest > 1e-9 && !isClose(num / den, rate); ) {
    const whole = Math.floor(1 / rest);
    rest = 1 / rest - whole;
    if (whole * den + lastDen > MAX_DENOMINATOR) break;
    [num, den, lastNum, lastDen] = [whole * num + lastNum, whole * den + lastDen, num, den];
  }
  return num > 0 ? { num, den } : { num: 1, den: Math.max(1, Math.round(1 / rate)) };
}
