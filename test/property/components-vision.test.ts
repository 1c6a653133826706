import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Box } from "../../src/components/payloads.js";
import { assignCheapest } from "../../src/components/vision/assignment.js";
import { overlap, suppressOverlaps } from "../../src/components/vision/boxes.js";
import { fitLetterbox, frameX, frameY, Letterboxer } from "../../src/components/vision/letterbox.js";
import { Sort } from "../../src/components/vision/sort.js";

// Few costs, so that ties are common.
const cost = fc.integer({ min: -3, max: 3 });
const matrices = fc
  .tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 5 }))
  .chain(([rows, columns]) => fc.array(fc.array(cost, { minLength: columns, maxLength: columns }), { minLength: rows, maxLength: rows }));

/** The least total cost of pairing as many as possible, by trying everything. */
function cheapestByForce(costs: readonly (readonly number[])[], pairs: number, row = 0, used = 0): number {
  if (pairs === 0) return 0;
  if (row === costs.length) return Number.POSITIVE_INFINITY;
  const skipped = cheapestByForce(costs, pairs, row + 1, used);
  const taken = costs[row]!.map((value, column) =>
    (used & (1 << column)) === 0 ? value + cheapestByForce(costs, pairs - 1, row + 1, used | (1 << column)) : Number.POSITIVE_INFINITY,
  );
  return Math.min(skipped, ...taken);
}

describe("assignCheapest", () => {
  test("pairs as many as the smaller side has, each column once, at the least total cost", () => {
    fc.assert(
      fc.property(matrices, (costs) => {
        const columns = assignCheapest(costs);
        const paired = columns.map((column, row) => ({ row, column })).filter(({ column }) => column >= 0);
        const size = Math.min(costs.length, costs[0]?.length ?? 0);
        expect(columns).toHaveLength(costs.length);
        expect(new Set(paired.map(({ column }) => column)).size).toBe(size);
        expect(paired.reduce((sum, { row, column }) => sum + costs[row]![column]!, 0)).toBe(cheapestByForce(costs, size));
      }),
      { numRuns: 300 },
    );
  });
});

const sides = fc.integer({ min: 1, max: 40 });

describe("letterbox", () => {
  test("keeps the frame inside the input and fills one side of it", () => {
    fc.assert(
      fc.property(sides, sides, sides, sides, (frameWidth, frameHeight, inputWidth, inputHeight) => {
        const fit = fitLetterbox(frameWidth, frameHeight, inputWidth, inputHeight);
        expect(fit.width <= inputWidth && fit.height <= inputHeight).toBe(true);
        expect(fit.width === inputWidth || fit.height === inputHeight).toBe(true);
      }),
    );
  });

  test("maps the corners of the frame back to the corners of the frame", () => {
    fc.assert(
      fc.property(sides, sides, sides, sides, (frameWidth, frameHeight, inputWidth, inputHeight) => {
        const fit = fitLetterbox(frameWidth, frameHeight, inputWidth, inputHeight);
        expect([frameX(fit, 0), frameY(fit, 0)]).toEqual([0, 0]);
        expect(frameX(fit, fit.width)).toBeCloseTo(frameWidth);
        expect(frameY(fit, fit.height)).toBeCloseTo(frameHeight);
      }),
    );
  });

  test("writes one colour where the frame is and the pad elsewhere, in every layout", () => {
    const layouts = fc.record({ order: fc.constantFrom("planar", "interleaved"), channels: fc.constantFrom("rgb", "bgr") } as const);
    fc.assert(
      fc.property(sides, sides, fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), layouts, (width, height, w, h, layout) => {
        const target = new Float32Array(3 * w * h);
        const letterboxer = new Letterboxer({ ...layout, gain: 2, bias: 1, pad: 5 }, target, w, h);
        letterboxer.write(new Uint8Array(7 * 3 * 3).fill(9), 7, 3);
        const fit = letterboxer.write(colouredFrame(width, height), width, height);
        const expected = layout.channels === "rgb" ? [21, 41, 61] : [61, 41, 21];
        const pixels = Array.from({ length: w * h }, (_, i) =>
          [0, 1, 2].map((c) => Math.round(target[layout.order === "planar" ? c * w * h + i : i * 3 + c]!)),
        );
        pixels.forEach((pixel, i) => {
          expect(pixel).toEqual(i % w < fit.width && Math.floor(i / w) < fit.height ? expected : [11, 11, 11]);
        });
      }),
    );
  });
});

function colouredFrame(width: number, height: number): Uint8Array {
  return new Uint8Array(width * height * 3).map((_, i) => [10, 20, 30][i % 3]!);
}

const boxes = fc
  .tuple(fc.nat(6), fc.nat(6), fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 }))
  .map(([x, y, w, h]): Box => [x, y, x + w, y + h]);
const candidates = fc.array(fc.record({ box: boxes, score: fc.constantFrom(0.1, 0.5, 0.9), classId: fc.nat(1) }), { maxLength: 8 });

describe("suppressOverlaps", () => {
  test("keeps no two that overlap too much, and drops only what a better one covers", () => {
    fc.assert(
      fc.property(candidates, fc.constantFrom(0, 0.3, 0.5), (given, max) => {
        const kept = suppressOverlaps(given, max);
        for (const a of kept) for (const b of kept) expect(a === b || overlap(a.box, b.box) <= max).toBe(true);
        for (const lost of given.filter((c) => !kept.includes(c))) {
          expect(kept.some((better) => better.score >= lost.score && overlap(better.box, lost.box) > max)).toBe(true);
        }
      }),
    );
  });
});

describe("Sort", () => {
  const params = { maxAge: 1, minHits: 2, iouThreshold: 0.2 };
  const frames = fc.array(fc.array(boxes, { maxLength: 4 }), { maxLength: 8 });

  test("continues from a snapshot exactly as if it had not been interrupted", () => {
    fc.assert(
      fc.property(frames, frames, (before, after) => {
        const whole = new Sort(params);
        for (const frame of before) whole.update(frame);
        const restored = new Sort(params);
        restored.restore(whole.snapshot());
        expect(after.map((frame) => restored.update(frame))).toEqual(after.map((frame) => whole.update(frame)));
      }),
    );
  });

  test("shows at most one track per detection, ids unique and ascending", () => {
    fc.assert(
      fc.property(frames, (all) => {
        const sort = new Sort(params);
        for (const frame of all) {
          const ids = sort.update(frame).map(({ id }) => id);
          expect(ids.length).toBeLessThanOrEqual(frame.length);
          expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
        }
      }),
    );
  });
});
