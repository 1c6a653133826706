/** @jest-environment ./test/support/native-arrays-environment.cjs */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Frame } from "../../src/base/tensor.js";
import type { Detections } from "../../src/components/payloads.js";
import { VideoFileReader } from "../../src/components/video/video-file-reader.js";
import { BoundingBoxTracker } from "../../src/components/vision/bounding-box-tracker.js";
import { OnnxFaceDetector } from "../../src/components/vision/onnx-face-detector.js";
import { OnnxObjectDetector } from "../../src/components/vision/onnx-object-detector.js";
import type { Output, ProcessorNode } from "../../src/flow/node.js";
import { openNode, readAll } from "../support/component-context.js";

const ASSETS = process.env["VIDEOFLOW_ASSETS"] ?? "../shared/assets";

async function detect(clip: string, detector: ProcessorNode<[Frame], Detections, object>, step = 1): Promise<Detections[]> {
  const reader = await openNode(new VideoFileReader({ path: `${ASSETS}/clips/${clip}` }));
  const found: Output<Detections>[] = [];
  for (const frame of await readAll(reader, step)) found.push(await detector.process(frame));
  reader.close();
  return found as Detections[];
}

const counts = (found: readonly Detections[]) => found.map(({ boxes }) => boxes.shape[0]);

describe("YOLOX on the highway clip", () => {
  let found: Detections[] = [];
  let detector: OnnxObjectDetector;
  beforeAll(async () => {
    detector = await openNode(new OnnxObjectDetector({ model: `${ASSETS}/models/yolox_nano.onnx` }));
    found = await detect("highway-two-cars.mp4", detector);
  });
  afterAll(() => detector.close());

  test("finds the two cars in each of the 38 frames, and a third far ahead in a few", () => {
    expect(found.length).toBe(38);
    expect(counts(found).filter((count) => count === 2).length).toBeGreaterThanOrEqual(34);
    expect(counts(found).every((count) => count === 2 || count === 3)).toBe(true);
    expect(new Set(found.flatMap(({ boxes, classNames }) => classesOf(boxes.data, classNames)))).toEqual(new Set(["car"]));
  });

  test("gives boxes inside the frame, best first", () => {
    for (const { boxes } of found) {
      const rows = rowsOf(boxes.data, 6);
      expect(rows.every(([x1, y1, x2, y2]) => x1! >= 0 && y1! >= 0 && x2! <= 1280 && y2! <= 720)).toBe(true);
      expect(rows.map((row) => row[4])).toEqual(rows.map((row) => row[4]).sort((a, b) => b! - a!));
    }
  });

  test("lets the tracker follow two cars with two stable ids", () => {
    const tracker = new BoundingBoxTracker();
    const ids = found.map((detections) => rowsOf(tracker.process(detections).tracks.data, 5).map((row) => row[4]));
    expect(ids.filter((row) => row.join() === "1,2").length).toBeGreaterThanOrEqual(36);
  });
});

const faceClips = [
  { name: "one face on the sign language clip", clip: "asl-book-one-face.mkv", faces: 1, step: 4, share: 0.95 },
  { name: "four faces in the classroom", clip: "classroom.preview.mp4", faces: 4, step: 4, share: 0.7 },
];

test.each(faceClips)("YuNet finds $name", async ({ clip, faces, step, share }) => {
  const detector = await openNode(new OnnxFaceDetector({ model: `${ASSETS}/models/yunet_n_320_320.onnx` }));
  const found = counts(await detect(clip, detector, step));
  await detector.close();
  expect(found.filter((count) => count === faces).length / found.length).toBeGreaterThanOrEqual(share);
});

function rowsOf(data: Float32Array, columns: number): number[][] {
  return Array.from({ length: data.length / columns }, (_, row) => Array.from(data.subarray(row * columns, (row + 1) * columns)));
}

function classesOf(data: Float32Array, classNames: readonly string[]): (string | undefined)[] {
  return rowsOf(data, 6).map((row) => classNames[row[5]!]);
}
