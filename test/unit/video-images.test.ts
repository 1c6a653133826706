import { mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import type { Frame } from "../../src/base/tensor.js";
import { loadFfmpeg } from "../../src/components/video/ffmpeg.js";
import { ImageFolderReader } from "../../src/components/video/image-folder-reader.js";
import { ImageProducer } from "../../src/components/video/image-producer.js";
import { RgbConverter } from "../../src/components/video/rgb-converter.js";
import type { Message } from "../../src/flow/node.js";
import { aFrame, inFolder, psnr, readAll } from "../support/video-context.js";

const FORMATS = {
  jpg: ["mjpeg", "AV_PIX_FMT_YUVJ444P"],
  png: ["png", "AV_PIX_FMT_RGB24"],
  webp: ["libwebp", "AV_PIX_FMT_YUV420P"],
  bmp: ["bmp", "AV_PIX_FMT_BGR24"],
} as const;

/** Encodes a frame as a still image. */
async function writeImage(path: string, frame: Frame): Promise<void> {
  const ffmpeg = await loadFfmpeg();
  const constants = await import("node-av/constants");
  const [encoder, format] = FORMATS[path.split(".").pop() as keyof typeof FORMATS];
  const [height = 0, width = 0] = frame.shape;
  const codec = ffmpeg.Codec.findEncoderByName(encoder as never)!;
  const context = new ffmpeg.CodecContext();
  context.allocContext3(codec);
  Object.assign(context, { width, height, pixelFormat: constants[format], timeBase: new ffmpeg.Rational(1, 25) });
  context.setOption("qscale", "2");
  context.open2Sync(codec, null);
  const picture = new ffmpeg.Frame();
  picture.alloc();
  Object.assign(picture, { width, height, format: constants[format], pts: 0n, quality: 236 });
  picture.getBuffer(0);
  const converter = new RgbConverter(ffmpeg);
  converter.fromRgb(frame.bytes, picture);
  context.sendFrameSync(picture);
  context.sendFrameSync(null);
  const packet = new ffmpeg.Packet();
  packet.alloc();
  context.receivePacketSync(packet);
  writeFileSync(path, packet.data!);
  for (const part of [picture, packet]) part.free();
  converter.close();
  context.freeContext();
}

const messages = async (...args: Parameters<typeof readAll>) => (await readAll(...args)) as Message<Frame>[];

describe("ImageProducer", () => {
  test.each(["jpg", "png", "webp", "bmp"])("reads a %s image", (ending) =>
    inFolder(async (folder) => {
      const path = join(folder, `one %d.${ending}`);
      await writeImage(path, aFrame(3, 97, 130));
      const [message] = await messages(new ImageProducer({ path }));
      expect(message!.payload.shape).toEqual([97, 130, 3]);
      expect(psnr(message!.payload, aFrame(3, 97, 130))).toBeGreaterThan(24);
      expect(message!.options).toEqual({ eventTs: 0, metadata: { frameIndex: 0, fps: 25, path } });
    }),
  );

  test("repeats a list, and goes on after the committed ones", () =>
    inFolder(async (folder) => {
      const paths = ["a.png", "b.png"].map((name) => join(folder, name));
      for (const path of paths) await writeImage(path, aFrame(0, 32, 32));
      const got = await messages(new ImageProducer({ paths, repeat: 3, fps: 10 }), { committed: 3 });
      expect(got.map(({ options }) => [options.eventTs, options.metadata?.["path"]])).toEqual([
        [0.3, paths[1]],
        [0.4, paths[0]],
        [0.5, paths[1]],
      ]);
    }));

  test.each(["jpg", "png", "webp", "bmp"])("names a %s image whose end is missing", (ending) =>
    inFolder(async (folder) => {
      const path = join(folder, `cut.${ending}`);
      await writeImage(path, aFrame(3));
      truncateSync(path, Math.floor(readFileSync(path).length * 0.7));
      expect(await readAll(new ImageProducer({ path }))).toMatchObject([{ code: "IMAGE_UNREADABLE", detail: { path } }]);
    }),
  );

  test.each(["", "only text"])("names a file that is no image: %j", (content) =>
    inFolder(async (folder) => {
      const path = join(folder, "a.png");
      writeFileSync(path, content);
      expect(await readAll(new ImageProducer({ path }))).toMatchObject([{ code: "IMAGE_UNREADABLE", detail: { path } }]);
    }),
  );

  test("gives the images before one that cannot be read", () =>
    inFolder(async (folder) => {
      const good = join(folder, "a.png");
      const missing = join(folder, "b.png");
      await writeImage(good, aFrame(0, 32, 32));
      const got = await readAll(new ImageProducer({ paths: [good, missing] }));
      expect(got).toMatchObject([{ payload: { shape: [32, 32, 3] } }, { code: "IMAGE_UNREADABLE", detail: { path: missing } }]);
    }));
});

describe("ImageFolderReader", () => {
  test("reads a folder in natural order and leaves other files out", () =>
    inFolder(async (folder) => {
      for (const name of ["f10.png", "f2.png", "f1.PNG"]) await writeImage(join(folder, name.toLowerCase()), aFrame(0, 32, 32));
      writeFileSync(join(folder, "notes.txt"), "no image");
      mkdirSync(join(folder, "f3.png"));
      const got = await messages(new ImageFolderReader({ path: folder }));
      expect(got.map(({ options }) => options.metadata?.["path"])).toEqual(
        ["f1.png", "f2.png", "f10.png"].map((name) => join(folder, name)),
      );
    }));

  test.each([
    ["nowhere", "IMAGE_UNREADABLE"],
    [".", "IMAGE_FOLDER_EMPTY"],
  ])("says what is wrong with folder %s", (name, code) =>
    inFolder(async (folder) => expect(await readAll(new ImageFolderReader({ path: join(folder, name) }))).toMatchObject([{ code }])),
  );
});
