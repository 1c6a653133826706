import { existsSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { VideoFileReader, type VideoFileReaderParams } from "../../src/components/video/video-file-reader.js";
import { VideoFileWriter } from "../../src/components/video/video-file-writer.js";
import { Message } from "../../src/flow/node.js";
import { aFrame, inFolder, psnr, readAll, someFrames, writeAll } from "../support/video-context.js";

/** Writes a clip of `count` frames and gives its path. */
async function aClip(folder: string, count: number, name = "clip.mp4", height?: number, width?: number): Promise<string> {
  const path = join(folder, name);
  await writeAll(new VideoFileWriter({ path, preset: "ultrafast" }), someFrames(count, height, width), { metadata: { fps: 25 } });
  return path;
}

/** What a person wants to know about messages: frame numbers, then the error code and frame. */
function summary(got: readonly (Message<unknown> | Error)[]): unknown[] {
  return got.map((item) => {
    const { code, detail } = item as { code?: string; detail?: { frame?: number } };
    return item instanceof Message ? item.options.metadata?.["frameIndex"] : `${code} ${detail?.frame}`;
  });
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

describe("VideoFileWriter and VideoFileReader", () => {
  test.each(["clip.mp4", "clip.mov", "clip.mkv", "clip.avi", "clip.ts"])("give back the frames that were written into %s", (name) =>
    inFolder(async (folder) => {
      const path = await aClip(folder, 38, name);
      const got = (await readAll(new VideoFileReader({ path }))) as Message<never>[];
      expect(summary(got)).toEqual(upTo(38));
      const quality = someFrames(38).map((frame, index) => psnr(frame, got[index]!.payload));
      expect(Math.min(...quality)).toBeGreaterThan(25);
      expect(got[1]!.options.metadata?.["fps"]).toBeCloseTo(25);
      expect(got[37]!.options.eventTs! - got[0]!.options.eventTs!).toBeCloseTo(37 / 25, 2);
      expect(existsSync(`${path}.part`)).toBe(false);
    }),
  );

  test.each([
    [97, 129],
    [96, 129],
    [31, 17],
    [2, 2],
    [480, 854],
  ])("make a frame of %i x %i pixels even by repeating the edge", (height, width) =>
    inFolder(async (folder) => {
      const path = join(folder, "odd.mp4");
      await writeAll(new VideoFileWriter({ path }), someFrames(3, height, width));
      const got = (await readAll(new VideoFileReader({ path }))) as Message<never>[];
      expect(got.map((message) => (message.payload as { shape: number[] }).shape)).toEqual(
        Array(3).fill([height + (height % 2), width + (width % 2), 3]),
      );
    }),
  );

  test("put the index before the pictures, so that a browser starts at once", () =>
    inFolder(async (folder) => {
      const bytes = readFileSync(await aClip(folder, 5));
      expect(bytes.indexOf("moov")).toBeLessThan(bytes.indexOf("mdat"));
      expect(bytes.includes("avc1")).toBe(true);
    }));

  test("write nothing under the final name until the file is closed, and nothing at all without a frame", () =>
    inFolder(async (folder) => {
      const path = join(folder, "none.mp4");
      await writeAll(new VideoFileWriter({ path }), []);
      expect(existsSync(path)).toBe(false);
    }));

  test.each([["out.xyz", "VIDEO_OUTPUT_UNWRITABLE"]])("refuse to write %s", (name, code) =>
    inFolder((folder) =>
      expect(writeAll(new VideoFileWriter({ path: join(folder, name) }), someFrames(1))).rejects.toMatchObject({ code }),
    ),
  );

  test("refuse a frame of another size, and keep the frames before it", () =>
    inFolder(async (folder) => {
      const path = join(folder, "out.mp4");
      const writer = new VideoFileWriter({ path });
      const frames = [...someFrames(3), ...someFrames(1, 48, 64)];
      await expect(writeAll(writer, frames)).rejects.toMatchObject({ code: "VIDEO_SIZE_CHANGED", detail: { frame: 3 } });
      writer.close();
      expect(summary(await readAll(new VideoFileReader({ path })))).toEqual([0, 1, 2]);
    }));
});

describe("VideoFileReader", () => {
  const cases: { name: string; params: Partial<VideoFileReaderParams>; committed?: number; frames: number[] }[] = [
    { name: "starts at a frame", params: { startFrame: 17 }, frames: [17, 18, 19] },
    { name: "ends after some frames", params: { maxFrames: 3 }, frames: [0, 1, 2] },
    { name: "leaves frames out to keep a rate", params: { fps: 5 }, frames: [0, 5, 10, 15] },
    { name: "begins again at the end", params: { loop: true, startFrame: 18, maxFrames: 4 }, frames: [18, 19, 0, 1] },
    { name: "goes on after the committed frames", params: {}, committed: 16, frames: [16, 17, 18, 19] },
    { name: "goes on after the committed frames of a selection", params: { fps: 5, startFrame: 2 }, committed: 2, frames: [10, 15] },
    { name: "goes on in the second pass of a loop", params: { loop: true, maxFrames: 25 }, committed: 23, frames: [3, 4] },
    { name: "has nothing left after the last committed frame", params: {}, committed: 20, frames: [] },
  ];
  test.each(cases)("$name", ({ params, committed = 0, frames }) =>
    inFolder(async (folder) => {
      const path = await aClip(folder, 20);
      expect(summary(await readAll(new VideoFileReader({ path, ...params }), { committed }))).toEqual(frames);
    }),
  );

  test("lets event times go on in a loop", () =>
    inFolder(async (folder) => {
      const path = await aClip(folder, 5);
      const got = (await readAll(new VideoFileReader({ path, loop: true, maxFrames: 12 }))) as Message<never>[];
      expect(got.map((message) => Math.round(message.options.eventTs! * 25))).toEqual(upTo(12));
    }));

  test.each(["cut.mp4", "cut.mkv", "cut.avi"])("gives the frames before the place where %s was cut, then says where", (name) =>
    inFolder(async (folder) => {
      const path = await aClip(folder, 60, name);
      truncateSync(path, Math.floor(readFileSync(path).length * 0.6));
      const got = summary(await readAll(new VideoFileReader({ path })));
      const frames = got.slice(0, -1);
      expect(frames.length).toBeGreaterThan(5);
      expect(frames).toEqual(upTo(frames.length));
      expect(got.at(-1)).toBe(`VIDEO_TRUNCATED ${frames.length}`);
      const accepted = summary(await readAll(new VideoFileReader({ path, onError: "skip" })));
      expect(accepted.filter((item) => typeof item === "string")).toEqual([]);
    }),
  );

  test.each([0.5, 0.6, 0.75, 0.9])("gives no frame from behind the place where a video with B-frames was cut (at %d)", (share) =>
    inFolder(async (folder) => {
      const path = join(folder, "cut.mp4");
      await writeAll(new VideoFileWriter({ path, preset: "medium" }), someFrames(60));
      truncateSync(path, Math.floor(readFileSync(path).length * share));
      const got = await readAll(new VideoFileReader({ path }));
      const frames = got.slice(0, -1).map((message) => (message as Message<never>).payload);
      const isRight = frames.map(
        (frame, index) => psnr(frame, aFrame(index)) > Math.max(psnr(frame, aFrame(index + 1)), psnr(frame, aFrame(index + 2))),
      );
      expect(isRight).not.toContain(false);
      expect(summary(got).at(-1)).toBe(`VIDEO_TRUNCATED ${frames.length}`);
    }),
  );

  test.each(["broken.mp4", "broken.mkv"])("gives the frames before the place where %s is broken, then says where", (name) =>
    inFolder(async (folder) => {
      const path = await aClip(folder, 60, name);
      const bytes = readFileSync(path);
      const middle = Math.floor(bytes.length * 0.6);
      writeFileSync(path, bytes.fill(0x5a, middle, middle + Math.floor(bytes.length * 0.1)));
      const got = summary(await readAll(new VideoFileReader({ path })));
      const frames = got.slice(0, -1);
      expect(frames.length).toBeGreaterThan(5);
      expect(frames).toEqual(upTo(frames.length));
      expect(got.at(-1)).toBe(`VIDEO_BROKEN ${frames.length}`);
    }),
  );

  test.each([
    ["missing.mp4", undefined],
    ["empty.mp4", ""],
    ["text.mp4", "not a video, only text that somebody gave a wrong name"],
  ])("names %s if it is no video", (name, content) =>
    inFolder(async (folder) => {
      const path = join(folder, name);
      const write = { true: () => {}, false: () => writeFileSync(path, content!) }[`${content === undefined}`];
      write();
      const got = await readAll(new VideoFileReader({ path }));
      expect(got).toMatchObject([{ code: "VIDEO_UNREADABLE", detail: { path } }]);
    }),
  );

  test("says how much is missing if the index of an mp4 is gone", () =>
    inFolder(async (folder) => {
      const path = await aClip(folder, 10, "clip.mp4");
      truncateSync(path, 500);
      const [error] = await readAll(new VideoFileReader({ path }));
      expect((error as Error).message).toMatch(/VIDEO_UNREADABLE.*500 of \d+ bytes/);
    }));
});
