import { describe, expect, test } from "@jest/globals";
import type { Box } from "../../src/components/payloads.js";
import { type Candidate, overlap, suppressOverlaps, toDetections } from "../../src/components/vision/boxes.js";
import { COCO_CLASSES } from "../../src/components/vision/coco.js";
import { decodeBlazeface, decodeYunet, findBlazefaceOutputs, isYunet } from "../../src/components/vision/decode-faces.js";
import { countYoloxRows, decodeYolox } from "../../src/components/vision/decode-yolox.js";
import { findFaceHead } from "../../src/components/vision/face-heads.js";
import { fitLetterbox } from "../../src/components/vision/letterbox.js";

const candidate = (box: Box, score: number, classId = 0): Candidate => ({ box, score, classId });
const rounded = (candidates: readonly Candidate[]) =>
  candidates.map(({ box, score, classId }) => `${box.map((v) => Math.round(v)).join(",")} ${score.toFixed(2)} ${classId}`);

const overlaps: { name: string; a: Box; b: Box; iou: number }[] = [
  { name: "equal boxes", a: [0, 0, 2, 2], b: [0, 0, 2, 2], iou: 1 },
  { name: "half of a box", a: [0, 0, 2, 2], b: [0, 0, 2, 1], iou: 0.5 },
  { name: "a shifted box", a: [0, 0, 2, 2], b: [1, 0, 3, 2], iou: 1 / 3 },
  { name: "touching boxes", a: [0, 0, 2, 2], b: [2, 0, 4, 2], iou: 0 },
  { name: "distant boxes", a: [0, 0, 2, 2], b: [5, 5, 6, 6], iou: 0 },
  { name: "boxes without an area", a: [1, 1, 1, 1], b: [1, 1, 1, 1], iou: 0 },
];
test.each(overlaps)("overlap of $name is $iou", ({ a, b, iou }) => {
  expect(overlap(a, b)).toBeCloseTo(iou);
  expect(overlap(b, a)).toBeCloseTo(iou);
});

const suppressions: { name: string; given: Candidate[]; max: number; kept: number[] }[] = [
  {
    name: "keeps the better of two duplicates",
    given: [candidate([0, 0, 10, 10], 0.5), candidate([0, 0, 10, 11], 0.9)],
    max: 0.5,
    kept: [0.9],
  },
  {
    name: "keeps distant boxes, best first",
    given: [candidate([0, 0, 1, 1], 0.5), candidate([5, 5, 6, 6], 0.9)],
    max: 0.5,
    kept: [0.9, 0.5],
  },
  {
    name: "compares classes with each other",
    given: [candidate([0, 0, 9, 9], 0.5, 1), candidate([0, 0, 9, 9], 0.9, 2)],
    max: 0.5,
    kept: [0.9],
  },
  {
    name: "keeps what overlaps exactly as much as allowed",
    given: [candidate([0, 0, 2, 2], 0.9), candidate([0, 0, 2, 1], 0.8)],
    max: 0.5,
    kept: [0.9, 0.8],
  },
  {
    name: "lets a suppressed box suppress nothing",
    given: [candidate([0, 0, 10, 10], 0.9), candidate([0, 3, 10, 13], 0.8), candidate([0, 6, 10, 16], 0.7)],
    max: 0.5,
    kept: [0.9, 0.7],
  },
  { name: "gives nothing for nothing", given: [], max: 0.5, kept: [] },
];
test.each(suppressions)("suppressOverlaps $name", ({ given, max, kept }) => {
  expect(suppressOverlaps(given, max).map(({ score }) => score)).toEqual(kept);
});

test("toDetections maps to the frame, clips to it and leaves out what lies outside", () => {
  const fit = fitLetterbox(200, 100, 100, 100);
  const { boxes, classNames } = toDetections([candidate([-5, 10, 20, 30], 0.5, 2), candidate([10, 60, 20, 80], 0.4)], fit, COCO_CLASSES);
  expect({ shape: boxes.shape, data: [...boxes.data], name: classNames[2] }).toEqual({
    shape: [1, 6],
    data: [0, 20, 40, 60, 0.5, 2],
    name: "car",
  });
});

describe("decodeYolox", () => {
  const columns = 5 + 3;
  const row = (grid: number, values: number[]) => {
    const output = new Float32Array(countYoloxRows(64, 32) * columns);
    output.set(values, grid * columns);
    return output;
  };
  /** 64 x 32: 8 x 4 cells of stride 8, then 4 x 2 of stride 16, then 2 x 1 of stride 32. */
  const cases = [
    { name: "reads a cell of stride 8", grid: 9, values: [0.5, 0.5, 0, Math.log(2), 0.8, 0, 0.9, 0.1], found: ["8,4,16,20 0.72 1"] },
    { name: "reads a cell of stride 16", grid: 32 + 5, values: [0, 0, 0, 0, 1, 0.5, 0, 0], found: ["8,8,24,24 0.50 0"] },
    { name: "reads a cell of stride 32", grid: 32 + 8 + 1, values: [0.5, 0.5, 0, 0, 1, 0, 0, 0.6], found: ["32,0,64,32 0.60 2"] },
    { name: "drops a low product of objectness and class", grid: 0, values: [0, 0, 0, 0, 0.6, 0.6, 0, 0], found: [] },
  ];
  test.each(cases)("$name", ({ grid, values, found }) => {
    expect(rounded(decodeYolox(row(grid, values), columns, 64, 32, 0.4))).toEqual(found);
  });

  test("names a row after its best wanted class", () => {
    const output = row(0, [0, 0, 0, 0, 1, 0.9, 0.5, 0.6]);
    expect(rounded(decodeYolox(output, columns, 64, 32, 0.4, (id) => id === 1))).toEqual(["-4,-4,4,4 0.50 1"]);
    expect(decodeYolox(output, columns, 64, 32, 0.4, () => false)).toEqual([]);
  });

  test("knows how many rows a model of 416 x 416 has", () => {
    expect(countYoloxRows(416, 416)).toBe(3_549);
  });
});

test("decodeYunet reads square roots of scores and boxes in units of the stride", () => {
  const heads = [8, 16, 32].flatMap((stride) => {
    const cells = (64 / stride) ** 2;
    return [
      [`cls_${stride}`, new Float32Array(cells)],
      [`obj_${stride}`, new Float32Array(cells)],
      [`bbox_${stride}`, new Float32Array(cells * 4)],
    ];
  });
  const outputs = Object.fromEntries(heads) as Record<string, Float32Array>;
  outputs["cls_16"]![5] = 0.9;
  outputs["obj_16"]![5] = 0.4;
  outputs["bbox_16"]!.set([0.5, 0.25, Math.log(2), 0], 20);
  expect(rounded(decodeYunet(outputs, 64, 64, 0.5))).toEqual(["8,12,40,28 0.60 0"]);
  expect(decodeYunet(outputs, 64, 64, 0.61)).toEqual([]);
});

test("decodeBlazeface reads logits and offsets from the centres of its anchors", () => {
  const scores = [new Float32Array(512).fill(-9), new Float32Array(384).fill(-9)];
  const boxes = [new Float32Array(512 * 16), new Float32Array(384 * 16)];
  scores[0]![2 * 17 + 1] = 0;
  boxes[0]!.set([4, -4, 20, 30], (2 * 17 + 1) * 16);
  scores[1]![6 * 9] = 3;
  boxes[1]!.set([0, 0, 64, 64], 6 * 9 * 16);
  expect(rounded(decodeBlazeface(scores, boxes, 256, 0.5))).toEqual(["18,5,38,35 0.50 0", "16,16,80,80 0.95 0"]);
});

describe("the kind of a face detector", () => {
  const yunet = Object.fromEntries(["cls", "obj", "bbox"].flatMap((head) => [8, 16, 32].map((stride) => [`${head}_${stride}`, [1, 9, 1]])));
  const blazeface = { a: [1, 384, 16], b: [1, 512, 16], c: [1, 384, 1], d: [1, 512, 1] };

  test("is seen from its outputs, whatever their order", () => {
    expect(isYunet(Object.keys(yunet))).toBe(true);
    expect(findBlazefaceOutputs(blazeface)).toEqual({ scores: ["d", "c"], boxes: ["b", "a"] });
    expect(findFaceHead([1, 3, 320, 320], yunet)?.layout).toMatchObject({ order: "planar", channels: "bgr" });
    expect(findFaceHead([1, 128, 128, 3], blazeface)).toMatchObject({ width: 128, layout: { order: "interleaved", channels: "rgb" } });
  });

  test("is unknown for other outputs", () => {
    expect(findFaceHead([1, 3, 416, 416], { output: [1, 3549, 85] })).toBeUndefined();
  });
});
