import { describe, expect, test } from "@jest/globals";
import { type Frame, Tensor } from "../../src/base/tensor.js";
import type { Box } from "../../src/components/payloads.js";
import { BoundingBoxAnnotator } from "../../src/components/vision/bounding-box-annotator.js";
import { CropTransformer } from "../../src/components/vision/crop-transformer.js";
import { type Canvas, colourOf, drawRectangle, drawText, textSize } from "../../src/components/vision/drawing.js";
import { glyphRows } from "../../src/components/vision/font.js";
import { ResizeTransformer, resizeBilinear, targetSize } from "../../src/components/vision/resize-transformer.js";
import { TrackerAnnotator } from "../../src/components/vision/tracker-annotator.js";
import { openNode } from "../support/component-context.js";

const aCanvas = (width: number, height: number): Canvas => ({ data: new Uint8Array(width * height * 3), width, height });

/** One letter per pixel: "." black, "#" anything else. */
function picture({ data, width, height }: Canvas): string[] {
  const isDrawn = (pixel: number) => data[pixel * 3]! + data[pixel * 3 + 1]! + data[pixel * 3 + 2]! > 0;
  return Array.from({ length: height }, (_, y) => Array.from({ length: width }, (_, x) => (isDrawn(y * width + x) ? "#" : ".")).join(""));
}

const rectangles: { name: string; box: Box; thickness: number; picture: string[] }[] = [
  { name: "an outline inside the box", box: [1, 1, 5, 4], thickness: 1, picture: ["......", ".####.", ".#..#.", ".####.", "......"] },
  { name: "a thick outline", box: [0, 0, 6, 5], thickness: 2, picture: ["######", "######", "##..##", "######", "######"] },
  { name: "what is inside the frame", box: [-3, -3, 3, 3], thickness: 1, picture: ["..#...", "..#...", "###...", "......", "......"] },
  { name: "nothing outside the frame", box: [10, 10, 20, 20], thickness: 1, picture: Array<string>(5).fill("......") },
];
test.each(rectangles)("drawRectangle draws $name", ({ box, thickness, picture: expected }) => {
  const canvas = aCanvas(6, 5);
  drawRectangle(canvas, box, [255, 0, 0], thickness);
  expect(picture(canvas)).toEqual(expected);
});

describe("text", () => {
  test("is drawn letter by letter with a margin", () => {
    const canvas = aCanvas(13, 9);
    drawText(canvas, "T1", 0, 0, [9, 9, 9], [0, 0, 0], 1);
    expect(picture(canvas)).toEqual([
      ".............",
      ".#####...#...",
      "...#....##...",
      "...#.....#...",
      "...#.....#...",
      "...#.....#...",
      "...#.....#...",
      "...#....###..",
      ".............",
    ]);
    expect(textSize("T1", 1)).toEqual({ width: 13, height: 9 });
  });

  test("is clipped at every border", () => {
    const canvas = aCanvas(4, 4);
    drawText(canvas, "M", -3, -3, [9, 9, 9], [1, 1, 1], 1);
    drawText(canvas, "M", 2, 2, [9, 9, 9], [1, 1, 1], 1);
    expect(canvas.data.every((value) => value === 0 || value === 1 || value === 9)).toBe(true);
  });

  test("has a glyph for each letter of the class names, and a question mark for others", () => {
    const known = [..."abcdefghijklmnopqrstuvwxyz0123456789.#"].map((letter) => glyphRows(letter).join());
    expect(new Set(known).size).toBe(known.length);
    expect(glyphRows("é")).toBe(glyphRows("?"));
    expect([...glyphRows("v")]).toHaveLength(7);
  });

  test("has colours that differ for neighbours", () => {
    expect(new Set(Array.from({ length: 20 }, (_, i) => colourOf(i).join())).size).toBe(20);
  });
});

const grey = (width: number, height: number): Frame => new Tensor("uint8", [height, width, 3], new Uint8Array(width * height * 3).fill(50));
const pixel = (frame: Frame, x: number, y: number) => [
  ...frame.data.subarray((y * frame.shape[1]! + x) * 3, (y * frame.shape[1]! + x) * 3 + 3),
];

describe("BoundingBoxAnnotator", () => {
  const detections = { boxes: Tensor.from("float32", [1, 6], [20, 30, 60, 50, 0.87, 1]), classNames: ["cat", "dog"] };

  test("draws boxes in the colour of their class on a copy, and leaves the input alone", async () => {
    const frame = grey(100, 60);
    const output = (await openNode(new BoundingBoxAnnotator({ thickness: 1 }))).process(frame, detections);
    expect(output.shape).toEqual([60, 100, 3]);
    expect([pixel(output, 20, 40), pixel(output, 59, 40), pixel(output, 30, 49)]).toEqual([colourOf(1), colourOf(1), colourOf(1)]);
    expect([pixel(output, 21, 40), pixel(output, 60, 40), pixel(output, 30, 51)]).toEqual(Array(3).fill([50, 50, 50]));
    expect(frame.data.every((value) => value === 50)).toBe(true);
  });

  test("writes class and score above the box, the score only if wanted", async () => {
    const labelWidth = async (showScores: boolean) => {
      const output = (await openNode(new BoundingBoxAnnotator({ showScores }))).process(grey(100, 60), detections);
      return Array.from({ length: 100 }, (_, x) => pixel(output, x, 21)).filter((rgb) => rgb.join() === colourOf(1).join()).length;
    };
    expect([await labelWidth(true), await labelWidth(false)]).toEqual([textSize("dog 0.87", 1).width, textSize("dog", 1).width]);
  });

  test("refuses what is no frame or no detections", async () => {
    const annotator = await openNode(new BoundingBoxAnnotator());
    expect(() => annotator.process(Tensor.zeros("uint8", [4, 4]), detections)).toThrow(
      "expects a frame, uint8 [height, width, 3], but got uint8 [4, 4]",
    );
    expect(() => annotator.process(grey(4, 4), {} as never)).toThrow("INPUT_TYPE");
  });
});

test("TrackerAnnotator draws each track in the colour of its id, also at the top of the frame", async () => {
  const tracks = Tensor.from("float32", [2, 5], [10, 0, 30, 20, 1, 50, 30, 90, 58, 2]);
  const output = (await openNode(new TrackerAnnotator())).process(grey(100, 60), { tracks });
  expect([pixel(output, 10, 15), pixel(output, 50, 45), pixel(output, 89, 45)]).toEqual([colourOf(1), colourOf(2), colourOf(2)]);
});

describe("CropTransformer", () => {
  const gradient = (): Frame =>
    new Tensor(
      "uint8",
      [4, 6, 3],
      new Uint8Array(72).map((_, i) => i),
    );

  test("gives the pixels of the box", async () => {
    const output = (await openNode(new CropTransformer({ box: [2, 1, 4, 3] }))).process(gradient());
    expect({ shape: output.shape, data: [...output.data] }).toEqual({
      shape: [2, 2, 3],
      data: [24, 25, 26, 27, 28, 29, 42, 43, 44, 45, 46, 47],
    });
  });

  test("clips the box to the frame and refuses an empty one", async () => {
    expect((await openNode(new CropTransformer({ box: [4, 2, 90, 90] }))).process(gradient()).shape).toEqual([2, 2, 3]);
    const outside = await openNode(new CropTransformer({ box: [6, 0, 9, 4] }));
    expect(() => outside.process(gradient())).toThrow("CROP_EMPTY: the box [6, 0, 9, 4] has no pixel inside a frame of 6x4");
  });
});

describe("ResizeTransformer", () => {
  test("averages neighbours when it halves, and interpolates when it doubles", () => {
    const source = Uint8Array.of(0, 0, 0, 100, 100, 100, 40, 40, 40, 60, 60, 60);
    const [halved, doubled] = [new Uint8Array(3), new Uint8Array(4 * 2 * 3)];
    resizeBilinear(source, 2, 2, halved, 1, 1);
    resizeBilinear(source.subarray(0, 6), 2, 1, doubled, 4, 2);
    expect([...halved]).toEqual([50, 50, 50]);
    expect([0, 3, 6, 9, 12].map((i) => doubled[i])).toEqual([0, 25, 75, 100, 0]);
  });

  test("keeps white white and a frame of the same size as it is", async () => {
    const white = new Tensor("uint8", [9, 7, 3], new Uint8Array(189).fill(255));
    const resized = (await openNode(new ResizeTransformer({ width: 5, height: 11 }))).process(white);
    expect({ shape: resized.shape, isWhite: resized.data.every((value) => value === 255) }).toEqual({ shape: [11, 5, 3], isWhite: true });
    expect((await openNode(new ResizeTransformer({ width: 7, height: 9 }))).process(white).data).toEqual(white.data);
  });

  const sizes = [
    { source: { width: 1280, height: 720 }, params: { width: 640, height: 640 }, target: { width: 640, height: 640 } },
    { source: { width: 1280, height: 720 }, params: { width: 640, height: 640, keepAspect: true }, target: { width: 640, height: 360 } },
    { source: { width: 10, height: 1000 }, params: { width: 50, height: 50, keepAspect: true }, target: { width: 1, height: 50 } },
  ];
  test.each(sizes)("targetSize of $source for $params is $target", ({ source, params, target }) => {
    expect(targetSize(source, params)).toEqual(target);
  });
});
