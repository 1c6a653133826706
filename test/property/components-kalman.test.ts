import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Box } from "../../src/components/payloads.js";
import { BoxFilter } from "../../src/components/vision/kalman.js";

/** The filter as SORT writes it, with whole matrices: state x, y, s, r, vx, vy, vs. Slow and plain, to compare with. */
type Matrix = number[][];
const build = (rows: number, columns: number, value: (i: number, j: number) => number): Matrix =>
  Array.from({ length: rows }, (_, i) => Array.from({ length: columns }, (__, j) => value(i, j)));
const diagonal = (values: number[]): Matrix => build(values.length, values.length, (i, j) => (i === j ? values[i]! : 0));
const times = (a: Matrix, b: Matrix): Matrix =>
  build(a.length, b[0]!.length, (i, j) => a[i]!.reduce((sum, value, k) => sum + value * b[k]![j]!, 0));
const plus = (a: Matrix, b: Matrix, sign = 1): Matrix => build(a.length, a[0]!.length, (i, j) => a[i]![j]! + sign * b[i]![j]!);
const transposed = (a: Matrix): Matrix => build(a[0]!.length, a.length, (i, j) => a[j]![i]!);

/** Gauss-Jordan, for small positive definite matrices. */
function inverse(a: Matrix): Matrix {
  const n = a.length;
  const work = a.map((row, i) => [...row, ...build(1, n, (_, j) => (i === j ? 1 : 0))[0]!]);
  for (let pivot = 0; pivot < n; pivot++) {
    work[pivot] = work[pivot]!.map((value) => value / a0(work, pivot));
    for (let row = 0; row < n; row++) {
      const factor = row === pivot ? 0 : work[row]![pivot]!;
      work[row] = work[row]!.map((value, j) => value - factor * work[pivot]![j]!);
    }
  }
  return work.map((row) => row.slice(n));
}
const a0 = (work: Matrix, pivot: number): number => work[pivot]![pivot]!;

const F = build(7, 7, (i, j) => (i === j || (i < 3 && j === i + 4) ? 1 : 0));
const H = build(4, 7, (i, j) => (i === j ? 1 : 0));
const Q = diagonal([1, 1, 1, 1, 0.01, 0.01, 0.0001]);
const R = diagonal([1, 1, 10, 10]);

function measure([x1, y1, x2, y2]: Box): Matrix {
  return [[(x1 + x2) / 2], [(y1 + y2) / 2], [(x2 - x1) * (y2 - y1)], [(x2 - x1) / (y2 - y1)]];
}

class PlainFilter {
  x: Matrix;
  p = diagonal([10, 10, 10, 10, 10_000, 10_000, 10_000]);
  constructor(box: Box) {
    this.x = [...measure(box), [0], [0], [0]];
  }
  predict(): void {
    const shrinksAway = this.x[2]![0]! + this.x[6]![0]! <= 0;
    this.x[6]![0]! *= shrinksAway ? 0 : 1;
    this.x = times(F, this.x);
    this.p = plus(times(times(F, this.p), transposed(F)), Q);
  }
  update(box: Box): void {
    const gain = times(times(this.p, transposed(H)), inverse(plus(times(times(H, this.p), transposed(H)), R)));
    this.x = plus(this.x, times(gain, plus(measure(box), times(H, this.x), -1)));
    this.p = times(plus(diagonal(Array<number>(7).fill(1)), times(gain, H), -1), this.p);
  }
  get state(): number[] {
    return this.x.map(([value]) => value!);
  }
}

const boxes = fc
  .tuple(fc.nat(50), fc.nat(50), fc.integer({ min: 5, max: 30 }), fc.integer({ min: 5, max: 30 }))
  .map(([x, y, w, h]): Box => [x, y, x + w, y + h]);
const frames = fc.array(fc.option(boxes), { maxLength: 10 });

test("BoxFilter equals the Kalman filter of seven states, whatever is measured and missed", () => {
  fc.assert(
    fc.property(boxes, frames, (first, rest) => {
      const [filter, plain] = [new BoxFilter(first), new PlainFilter(first)];
      for (const box of rest) {
        filter.predict();
        plain.predict();
        for (const measured of box === null ? [] : [box]) {
          filter.update(measured);
          plain.update(measured);
        }
      }
      const [x, vx, , , , y, vy, , , , s, vs, , , , r] = filter.toNumbers();
      [x, y, s, r, vx, vy, vs].forEach((value, i) => {
        expect(Math.abs(value! - plain.state[i]!)).toBeLessThan(1e-6 * (1 + Math.abs(value!)));
      });
    }),
  );
});
