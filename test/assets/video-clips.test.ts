import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "@jest/globals";
import { type Frame, Tensor } from "../../src/base/tensor.js";
import { VideoFileReader } from "../../src/components/video/video-file-reader.js";
import { VideoFileWriter } from "../../src/components/video/video-file-writer.js";
import { END, type Message } from "../../src/flow/node.js";
import { inFolder, open, psnr } from "../support/video-context.js";

const CLIPS = resolve(process.env["VIDEOFLOW_ASSETS"] ?? "../shared/assets", "clips");
const testWithClips = existsSync(CLIPS) ? test : test.skip;

/** Counts the messages of a reader, whose frames all share one memory. */
async function countFrames(path: string): Promise<{ frames: number; shape: readonly number[]; fps: unknown; lastTs: number }> {
  let memory: Tensor<"uint8"> | undefined;
  const allocate = ((shape: readonly number[]) => (memory ??= Tensor.zeros("uint8", shape))) as never;
  const reader = await open(new VideoFileReader({ path }), { allocate });
  let [frames, fps, lastTs] = [0, undefined as unknown, 0];
  for (let message = reader.next(); message !== END; message = reader.next()) {
    frames += 1;
    fps = message.options.metadata?.["fps"];
    lastTs = message.options.eventTs ?? Number.NaN;
  }
  reader.close();
  return { frames, shape: memory!.shape, fps, lastTs };
}

testWithClips.each([
  ["highway-two-cars.mp4", 38, [720, 1280, 3], 25],
  ["one-by-one-person-detection.mp4", 1394, [432, 768, 3], 10],
  ["asl-book-one-face.mkv", 109, [480, 640, 3], 30],
  ["classroom.preview.mp4", 45, [270, 480, 3], undefined],
])("%s has %i frames", async (name, frames, shape, fps) => {
  const got = await countFrames(join(CLIPS, name));
  expect([got.frames, got.shape]).toEqual([frames, shape]);
  expect(got.fps).toBeCloseTo(fps ?? (got.fps as number), 1);
  expect(got.lastTs).toBeCloseTo((frames - 1) / (got.fps as number), 0);
});

testWithClips("the highway written again has the same size, rate, number and look of frames", () =>
  inFolder(async (folder) => {
    const [from, to] = [join(CLIPS, "highway-two-cars.mp4"), join(folder, "again.mp4")];
    const reader = await open(new VideoFileReader({ path: from }));
    const writer = await open(new VideoFileWriter({ path: to }), { metadata: { fps: 25 } });
    const sources: Frame[] = [];
    for (let message = reader.next(); message !== END; message = reader.next()) {
      sources.push(message.payload);
      writer.consume(message.payload);
    }
    writer.close();
    reader.close();
    const again = await open(new VideoFileReader({ path: to }));
    const quality = sources.map((source) => psnr(source, (again.next() as Message<Frame>).payload));
    expect(again.next()).toBe(END);
    again.close();
    expect(quality).toHaveLength(38);
    expect(Math.min(...quality)).toBeGreaterThan(30);
    expect(await countFrames(to)).toMatchObject({ frames: 38, shape: [720, 1280, 3], fps: 25 });
  }),
);
