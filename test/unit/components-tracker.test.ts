import { describe, expect, test } from "@jest/globals";
import { Tensor } from "../../src/base/tensor.js";
import type { Box, Detections } from "../../src/components/payloads.js";
import { BoundingBoxTracker } from "../../src/components/vision/bounding-box-tracker.js";
import { BoxFilter } from "../../src/components/vision/kalman.js";
import { Sort, type SortParams } from "../../src/components/vision/sort.js";

const PARAMS = { maxAge: 3, minHits: 2, iouThreshold: 0.3 } as const satisfies SortParams;
const boxAt = (x: number, y: number, size = 20): Box => [x, y, x + size, y + size];
const FRAMES = Array.from({ length: 20 }, (_, frame) => frame);

/** The ids shown in each frame, as text: "1,2". */
function idsOf(frames: readonly (readonly Box[])[], params: Partial<SortParams> = {}): string[] {
  const sort = new Sort({ ...PARAMS, ...params });
  return frames.map((boxes) =>
    sort
      .update(boxes)
      .map(({ id }) => id)
      .join(","),
  );
}

describe("BoxFilter", () => {
  test("learns a steady motion and predicts the next box", () => {
    const filter = new BoxFilter(boxAt(0, 0));
    for (const frame of FRAMES.slice(1)) {
      filter.predict();
      filter.update(boxAt(frame * 5, frame * 2));
    }
    const [x1, y1, x2, y2] = filter.predict();
    expect(Math.abs(x1 - 100) + Math.abs(y1 - 40) + Math.abs(x2 - 120) + Math.abs(y2 - 60)).toBeLessThan(1);
  });

  test("never predicts a negative area", () => {
    const filter = new BoxFilter(boxAt(0, 0, 40));
    for (const size of [30, 20, 10, 5]) {
      filter.predict();
      filter.update(boxAt(0, 0, size));
    }
    const predicted = FRAMES.map(() => filter.predict());
    expect(predicted.every(([x1, , x2]) => x2 >= x1)).toBe(true);
  });
});

describe("Sort", () => {
  test("keeps the id of an object that moves steadily", () => {
    expect(new Set(idsOf(FRAMES.map((frame) => [boxAt(frame * 8, 50)])))).toEqual(new Set(["1"]));
  });

  test("keeps the ids of two objects that cross, whatever the order of the detections", () => {
    const frames = FRAMES.map((frame) => {
      const boxes = [boxAt(frame * 10, frame * 5, 40), boxAt(200 - frame * 10, frame * 5 + 6, 40)];
      return frame % 2 === 0 ? boxes : boxes.reverse();
    });
    const sort = new Sort(PARAMS);
    const shown = frames.map((boxes) => sort.update(boxes));
    expect(shown.every((tracks) => tracks.map(({ id }) => id).join(",") === "1,2")).toBe(true);
    const last = shown.at(-1)!;
    expect(last[0]!.box[0]).toBeGreaterThan(180);
    expect(last[1]!.box[0]).toBeLessThan(20);
  });

  test("gives an object its id back after an occlusion of at most maxAge frames", () => {
    const isHidden = (frame: number) => frame >= 8 && frame < 11;
    const ids = idsOf(FRAMES.map((frame) => (isHidden(frame) ? [] : [boxAt(frame * 6, 10)])));
    expect(ids.slice(6, 13)).toEqual(["1", "1", "", "", "", "1", "1"]);
  });

  test("gives a new id after a longer occlusion, never an old one", () => {
    const isHidden = (frame: number) => frame >= 8 && frame < 12;
    const ids = idsOf(FRAMES.map((frame) => (isHidden(frame) ? [] : [boxAt(frame * 6, 10)])));
    expect(ids.slice(7)).toEqual(["1", "", "", "", "", "", "2", "2", "2", "2", "2", "2", "2"]);
  });

  const early = [
    { name: "shows an object of the first frame at once", frames: [[boxAt(0, 0)], [boxAt(1, 0)]], shown: ["1", "1"] },
    {
      name: "shows a later object after minHits detections",
      frames: [[], [], [boxAt(0, 0)], [boxAt(1, 0)], [boxAt(2, 0)]],
      shown: ["", "", "", "", "1"],
    },
    { name: "never shows a flicker", frames: [[], [boxAt(0, 0)], [], [], [boxAt(90, 90)], []], shown: ["", "", "", "", "", ""] },
  ];
  test.each(early)("$name", ({ frames, shown }) => {
    expect(idsOf(frames, { minHits: 3 })).toEqual(shown);
  });

  test("does not give a far detection to a track", () => {
    expect(idsOf([[boxAt(0, 0)], [boxAt(15, 0)]], { minHits: 1 })).toEqual(["1", "2"]);
  });
});

describe("BoundingBoxTracker", () => {
  const detections = (...boxes: Box[]): Detections => ({
    boxes: Tensor.from(
      "float32",
      [boxes.length, 6],
      boxes.flatMap((box) => [...box, 0.9, 0]),
    ),
    classNames: ["face"],
  });

  test("gives rows of box and id", () => {
    const { tracks } = new BoundingBoxTracker().process(detections(boxAt(10, 20), boxAt(50, 60)));
    expect({ shape: tracks.shape, data: [...tracks.data].map(Math.round) }).toEqual({
      shape: [2, 5],
      data: [10, 20, 30, 40, 1, 50, 60, 70, 80, 2],
    });
  });

  test("gives an empty tensor for no detections", () => {
    expect(new BoundingBoxTracker().process(detections()).tracks.shape).toEqual([0, 5]);
  });

  test("refuses what is no detections", () => {
    expect(() => new BoundingBoxTracker().process(7 as never)).toThrow("INPUT_TYPE");
  });
});
