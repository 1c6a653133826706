import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { type Frame, Tensor } from "../../src/base/tensor.js";
import { writeClip } from "../../src/components/video/clip.js";
import { makeDemoClip } from "../../src/components/video/demo-clip.js";
import { VIDEO_DESCRIPTORS } from "../../src/components/video/descriptors.js";
import { loadFfmpeg } from "../../src/components/video/ffmpeg.js";
import { probeFfmpeg } from "../../src/components/video/probe-ffmpeg.js";
import { RgbConverter } from "../../src/components/video/rgb-converter.js";
import { VideoDeviceReader } from "../../src/components/video/video-device-reader.js";
import { VideoFileReader } from "../../src/components/video/video-file-reader.js";
import { VideoFileWriter } from "../../src/components/video/video-file-writer.js";
import { type ComponentClass, describe as describeComponent, type Message } from "../../src/flow/node.js";
import { aContext, inFolder, psnr, readAll, someFrames, writeAll } from "../support/video-context.js";

const messages = async (...args: Parameters<typeof readAll>) => (await readAll(...args)) as Message<Frame>[];

/** Bytes from the type of the track header box to its matrix. */
const MATRIX_OFFSET = 44;

/** Turns an mp4 by 90 degrees clockwise, as a phone does: by its matrix alone. */
function turn(path: string): void {
  const bytes = readFileSync(path);
  const matrix = [0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30];
  for (const [index, value] of matrix.entries()) bytes.writeInt32BE(value, bytes.indexOf("tkhd") + MATRIX_OFFSET + index * 4);
  writeFileSync(path, bytes);
}

describe("VideoFileReader", () => {
  test("gives a turned video upright", () =>
    inFolder(async (folder) => {
      const path = join(folder, "turned.mp4");
      await writeClip(path, someFrames(3), 25);
      const [flat] = await messages(new VideoFileReader({ path }));
      turn(path);
      const [upright] = await messages(new VideoFileReader({ path }));
      expect(upright!.payload.shape).toEqual([128, 96, 3]);
      const topRight = upright!.payload.data.slice(95 * 3, 96 * 3);
      expect(topRight).toEqual(flat!.payload.data.slice(0, 3));
    }));

  test("asks the task for the memory of each frame and writes into it", () =>
    inFolder(async (folder) => {
      const path = join(folder, "clip.mp4");
      await writeClip(path, someFrames(3), 25);
      const slots = Array.from({ length: 3 }, () => Tensor.zeros("uint8", [96, 128, 3]));
      let next = 0;
      const allocate = (() => slots[next++]) as never;
      const got = await messages(new VideoFileReader({ path }), { allocate });
      expect(got.map(({ payload }) => slots.indexOf(payload as Tensor<"uint8">))).toEqual([0, 1, 2]);
      expect(psnr(slots[1]!, someFrames(2)[1]!)).toBeGreaterThan(25);
    }));
});

describe("VideoFileWriter", () => {
  test.each([
    [{}, { fps: 30 }, 30],
    [{}, {}, 25],
    [{}, { fps: "fast" }, 25],
    [{ fps: 12.5 }, { fps: 30 }, 12.5],
    [{}, { fps: 30_000 / 1001 }, 30_000 / 1001],
  ])("with params %j and metadata %j writes %d frames per second", (params, metadata, fps) =>
    inFolder(async (folder) => {
      const path = join(folder, "out.mp4");
      await writeAll(new VideoFileWriter({ path, ...params }), someFrames(7), { metadata });
      const got = await messages(new VideoFileReader({ path }));
      expect(got).toHaveLength(7);
      expect(got[0]!.options.metadata?.["fps"]).toBeCloseTo(fps, 4);
    }),
  );

  test("finishes the file after a failure and replaces what a crash left", () =>
    inFolder(async (folder) => {
      const path = join(folder, "out.mp4");
      writeFileSync(`${path}.part`, "half a file");
      const writer = new VideoFileWriter({ path });
      writer.attach(aContext());
      await writer.open(aContext());
      for (const frame of someFrames(5)) writer.consume(frame);
      expect([existsSync(path), existsSync(`${path}.part`)]).toEqual([false, true]);
      writer.close();
      writer.close();
      expect([existsSync(path), existsSync(`${path}.part`)]).toEqual([true, false]);
      expect(await messages(new VideoFileReader({ path }))).toHaveLength(5);
    }));

  test.each(["h264", "h265"] as const)("writes %s in good quality", (codec) =>
    inFolder(async (folder) => {
      const path = join(folder, "out.mp4");
      await writeAll(new VideoFileWriter({ path, codec, quality: 15 }), someFrames(5));
      const got = await messages(new VideoFileReader({ path }));
      expect(Math.min(...someFrames(5).map((frame, index) => psnr(frame, got[index]!.payload)))).toBeGreaterThan(26);
    }),
  );
});

describe("RgbConverter", () => {
  /** Studio red in two matrices; the same bytes are another colour if the tag is not read. */
  test.each([
    ["AVCOL_SPC_BT709", "AVCOL_RANGE_MPEG", [63, 102, 240]],
    ["AVCOL_SPC_SMPTE170M", "AVCOL_RANGE_MPEG", [81, 90, 240]],
    ["AVCOL_SPC_SMPTE170M", "AVCOL_RANGE_JPEG", [76, 85, 255]],
  ] as const)("reads %s in %s as it is tagged", async (space, range, yuv) => {
    const ffmpeg = await loadFfmpeg();
    const constants = await import("node-av/constants");
    const picture = new ffmpeg.Frame();
    picture.alloc();
    Object.assign(picture, { width: 64, height: 64, format: constants.AV_PIX_FMT_YUV420P });
    picture.getBuffer(0);
    Object.assign(picture, { colorSpace: constants[space], colorRange: constants[range] });
    for (const [plane, value] of yuv.entries()) picture.data![plane]!.fill(value);
    const converter = new RgbConverter(ffmpeg);
    const [red, green, blue] = converter.toFrame(picture, 0, (shape, dtype) => Tensor.zeros(dtype, shape)).data;
    converter.close();
    picture.free();
    expect([red! > 250, green! < 6, blue! < 6]).toEqual([true, true, true]);
  });

  test.each([
    [1, 1],
    [2, 2],
    [3, 7],
    [31, 31],
    [33, 35],
    [480, 854],
    [271, 481],
  ])("writes nothing beyond a frame of %i x %i pixels", async (height, width) => {
    const ffmpeg = await loadFfmpeg();
    const picture = new ffmpeg.Frame();
    picture.alloc();
    Object.assign(picture, { width, height, format: ffmpeg.AV_PIX_FMT_YUV420P });
    picture.getBuffer(0);
    const memory = new Uint8Array(height * width * 3 + 8_192).fill(0xdb);
    const inside = memory.subarray(4_096, 4_096 + height * width * 3);
    const converter = new RgbConverter(ffmpeg);
    converter.toFrame(picture, 0, (shape, dtype) => new Tensor(dtype, shape, inside));
    converter.close();
    picture.free();
    const outside = [memory.subarray(0, 4_096), memory.subarray(4_096 + inside.length)];
    expect(outside.every((bytes) => bytes.every((byte) => byte === 0xdb))).toBe(true);
  });
});

test("VideoDeviceReader names a camera that is missing", async () => {
  const got = await readAll(new VideoDeviceReader({ device: "/dev/video-none" }));
  expect(got).toMatchObject([{ code: "VIDEO_DEVICE_UNAVAILABLE", detail: { device: "/dev/video-none" } }]);
});

test("VideoDeviceReader names a file that is no camera", async () => {
  expect(await readAll(new VideoDeviceReader({ device: "/dev/null" }))).toMatchObject([{ code: "VIDEO_DEVICE_UNAVAILABLE" }]);
});

test("probeFfmpeg finds FFmpeg and its H.264 encoder", async () => {
  expect(await probeFfmpeg()).toMatchObject({ source: "node-av", encoders: { h264: "libx264" } });
});

test("makeDemoClip moves over photographs that were decoded from files", () =>
  inFolder(async (folder) => {
    const { photographs } = (await import("../../scripts/demo-clip.mjs" as string)) as { photographs(): string[] };
    const path = join(folder, "demo.mp4");
    const frames = await makeDemoClip(path, photographs(), { width: 160, height: 90, secondsPerShot: 0.2 });
    const got = await messages(new VideoFileReader({ path }));
    expect([frames, got.length]).toEqual([10, 10]);
    expect(psnr(got[0]!.payload, got[9]!.payload)).toBeLessThan(25);
  }));

test("every component's descriptor states its role and describes each param", async () => {
  const modules = {
    VideoFileReader: "video-file-reader",
    VideostreamReader: "videostream-reader",
    VideoDeviceReader: "video-device-reader",
    ImageProducer: "image-producer",
    ImageFolderReader: "image-folder-reader",
    VideoFileWriter: "video-file-writer",
  };
  expect(Object.keys(modules)).toEqual(Object.keys(VIDEO_DESCRIPTORS));
  for (const [name, file] of Object.entries(modules)) {
    const module = (await import(`../../src/components/video/${file}.js`)) as Record<string, ComponentClass>;
    const stated = VIDEO_DESCRIPTORS[name as keyof typeof VIDEO_DESCRIPTORS];
    expect(describeComponent(module[name]!)).toEqual(stated);
    const descriptions = Object.values(stated.params.properties).map((schema) => (schema as { description?: string }).description);
    expect(descriptions.every((text) => text !== undefined && text.length > 10)).toBe(true);
  }
});

/** Copies a clip into a container with other times: packet i is shown at `times[i]` seconds. The clip must have no B-frames. */
async function retime(from: string, to: string, times: readonly number[]): Promise<void> {
  const ffmpeg = await loadFfmpeg();
  const [input, output, packet] = [new ffmpeg.FormatContext(), new ffmpeg.FormatContext(), new ffmpeg.Packet()];
  packet.alloc();
  input.openInputSync(`file:${from}`, null, null);
  input.findStreamInfoSync(null);
  output.allocOutputContext2(null, "matroska", `file:${to}`);
  const stream = output.newStream(null);
  input.streams[0]!.codecpar.copy(stream.codecpar);
  stream.timeBase = new ffmpeg.Rational(1, 1000);
  output.openOutputSync();
  output.writeHeaderSync(null);
  for (const seconds of times) {
    input.readFrameSync(packet);
    Object.assign(packet, {
      pts: BigInt(Math.round(seconds * 1000)),
      dts: BigInt(Math.round(seconds * 1000)),
      duration: 0n,
      streamIndex: 0,
    });
    output.interleavedWriteFrameSync(packet);
  }
  output.writeTrailerSync();
  output.closeOutputSync();
  output.freeContext();
  input.closeInputSync();
  packet.free();
}

test("VideoFileReader takes a video of changing rate with its own times", () =>
  inFolder(async (folder) => {
    const times = [0, 0.04, 0.08, 0.5, 0.51, 2, 2.04, 5, 5.3, 9];
    const [from, to] = [join(folder, "steady.mp4"), join(folder, "changing.mkv")];
    await writeClip(from, someFrames(10), 25, { preset: "ultrafast" });
    await retime(from, to, times);
    const got = await messages(new VideoFileReader({ path: to }));
    expect(got.map(({ options }) => options.eventTs)).toEqual(times.map((time) => expect.closeTo(time, 3)));
    const slow = await messages(new VideoFileReader({ path: to, fps: 1 }));
    expect(slow.map(({ options }) => options.metadata?.["frameIndex"])).toEqual([0, 5, 7, 9]);
  }));
