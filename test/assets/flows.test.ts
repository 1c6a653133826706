// Flows over real clips. VIDEOFLOW_ASSETS names the folder with clips/ and models/; default ../shared/assets.
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Frame } from "../../src/base/tensor.js";
import { VideoFileReader } from "../../src/components/video/video-file-reader.js";
import { END, type Message } from "../../src/flow/node.js";
import { type Ended, type Workplace, workplace, writeManifest } from "../support/flow-process.js";
import { open } from "../support/video-context.js";

const ASSETS = resolve(process.env["VIDEOFLOW_ASSETS"] ?? "../shared/assets");
const HIGHWAY = join(ASSETS, "clips/highway-two-cars.mp4");
const BOOK = join(ASSETS, "clips/asl-book-one-face.mkv");
const FRAMES = 38;
const LONG_MS = 120_000;

interface Line<T> {
  readonly seq: number;
  readonly payload: T;
}

beforeAll(() => {
  if (!existsSync(HIGHWAY)) throw new Error(`${ASSETS} has no clips: name the folder of test material with VIDEOFLOW_ASSETS`);
});

const linesOf = <T>(place: Workplace, name: string) => place.lines(name).map((line) => JSON.parse(line) as Line<T>);
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

/** Every eighth pixel of every eighth line of all frames; with their rate and size. */
async function thumbnails(path: string): Promise<{ thumbs: Uint8Array[]; fps: unknown; shape: readonly number[] }> {
  const reader = await open(new VideoFileReader({ path }));
  const thumbs: Uint8Array[] = [];
  let [fps, shape]: [unknown, readonly number[]] = [undefined, []];
  for (let message = reader.next(); message !== END; message = reader.next()) {
    fps = (message as Message<Frame>).options.metadata?.["fps"];
    shape = message.payload.shape;
    thumbs.push(thumbnail(message.payload));
  }
  reader.close();
  return { thumbs, fps, shape };
}

function thumbnail({ data, shape }: Frame): Uint8Array {
  const [height = 0, width = 0] = shape;
  const bytes: number[] = [];
  for (let y = 0; y < height; y += 8) for (let x = 0; x < width; x += 8) bytes.push(data[(y * width + x) * 3] ?? 0);
  return Uint8Array.from(bytes);
}

const difference = (a: Uint8Array, b: Uint8Array) => a.reduce((sum, value, i) => sum + (value - (b[i] ?? 0)) ** 2, 0);

/** The source's frame that is most like this one. */
function nearest(thumb: Uint8Array, sources: readonly Uint8Array[]): number {
  const distances = sources.map((source) => difference(thumb, source));
  return distances.indexOf(Math.min(...distances));
}

describe("the highway through reader, two YOLOX tasks, tracker, annotator and writer", () => {
  const place = workplace();
  let ended: Ended;

  beforeAll(async () => {
    const model = join(ASSETS, "models/yolox_nano.onnx");
    const file = writeManifest(place, [
      { name: "reader", role: "Producer", component: "VideoFileReader", params: { path: HIGHWAY } },
      { name: "detector", role: "Processor", component: "OnnxObjectDetector", inputs: ["reader"], params: { model }, nbTasks: 2 },
      { name: "tracker", role: "Processor", component: "BoundingBoxTracker", inputs: ["detector"], oneTask: true },
      { name: "annotator", role: "Processor", component: "TrackerAnnotator", inputs: ["reader", "tracker"] },
      { name: "writer", role: "Consumer", component: "VideoFileWriter", inputs: ["annotator"], params: { path: "out.mp4" } },
      { name: "boxes", role: "Consumer", component: "FileAppender", inputs: ["detector"], params: { path: "boxes.jsonl" } },
      { name: "tracks", role: "Consumer", component: "FileAppender", inputs: ["tracker"], params: { path: "tracks.jsonl" } },
    ]);
    ended = await place.run(file).ended;
  }, LONG_MS);

  afterAll(() => place.remove());

  test("succeeds and leaves nothing but its outputs", () => {
    expect([ended.code, ended.out + ended.err]).toEqual([0, expect.stringContaining("Succeeded")]);
    expect(place.leftovers()).toEqual([]);
  });

  test(
    "gives a video of the same size, rate and number of frames, in the same order",
    async () => {
      const source = await thumbnails(HIGHWAY);
      const written = await thumbnails(place.path("out.mp4"));

      expect([written.thumbs.length, written.shape, written.fps]).toEqual([FRAMES, source.shape, source.fps]);
      expect(written.thumbs.map((thumb) => nearest(thumb, source.thumbs))).toEqual(upTo(FRAMES).map((n) => n - 1));
    },
    LONG_MS,
  );

  test("finds the two cars in at least 36 frames, in the order of the frames, and a third far ahead in a few", () => {
    const lines = linesOf<{ boxes: number[][]; classNames: string[] }>(place, "boxes.jsonl");
    const cars = lines.map(({ payload }) => payload.boxes.filter((box) => payload.classNames[box[5] ?? -1] === "car").length);

    expect(lines.map(({ seq }) => seq)).toEqual(upTo(FRAMES));
    expect(cars.filter((count) => count >= 2).length).toBeGreaterThanOrEqual(36);
    expect(cars.filter((count) => count > 2).length).toBeLessThanOrEqual(4);
  });

  test("follows them with two track ids that do not change", () => {
    const lines = linesOf<{ tracks: number[][] }>(place, "tracks.jsonl");
    const ids = lines.flatMap(({ payload }) => payload.tracks.map((track) => track[4] ?? -1));
    const both = lines.filter(({ payload }) => payload.tracks.length === 2);
    const stable = [...new Set(ids)].filter((id) => ids.filter((other) => other === id).length >= 36);

    expect(lines.map(({ seq }) => seq)).toEqual(upTo(FRAMES));
    expect(both.length).toBeGreaterThanOrEqual(36);
    expect(stable).toHaveLength(2);
  });
});

test(
  "two YuNet tasks find one face in at least 95 % of the frames of the book reader",
  async () => {
    const place = workplace();
    const model = join(ASSETS, "models/yunet_n_320_320.onnx");
    const file = writeManifest(place, [
      { name: "reader", role: "Producer", component: "VideoFileReader", params: { path: BOOK } },
      { name: "detector", role: "Processor", component: "OnnxFaceDetector", inputs: ["reader"], params: { model }, nbTasks: 2 },
      { name: "faces", role: "Consumer", component: "FileAppender", inputs: ["detector"], params: { path: "faces.jsonl" } },
    ]);

    const { code, out, err } = await place.run(file).ended;
    const lines = linesOf<{ boxes: number[][] }>(place, "faces.jsonl");
    const left = place.leftovers();
    await place.remove();

    expect([code, out + err]).toEqual([0, expect.stringContaining("Succeeded")]);
    expect(lines.map(({ seq }) => seq)).toEqual(upTo(109));
    expect(lines.filter(({ payload }) => payload.boxes.length === 1).length).toBeGreaterThanOrEqual(Math.ceil(109 * 0.95));
    expect(left).toEqual([]);
  },
  LONG_MS,
);
